"""Arms: one vendor a file."""
