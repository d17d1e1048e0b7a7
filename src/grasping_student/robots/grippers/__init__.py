"""Grippers: one vendor a file."""
