"""What a teacher says of unlabelled scenes."""
