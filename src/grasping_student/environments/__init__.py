"""Worlds that can be grasped in."""
