"""Grasping Student: a student that picks better than its teacher."""

__version__ = "0.2.0"
