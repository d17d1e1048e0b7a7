"""Simulated scenes: blocks, physics, gripper, depth."""
