"""Arms, grippers and the robot cell that they make up."""
