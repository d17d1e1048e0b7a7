"""Networks that score grasps."""
