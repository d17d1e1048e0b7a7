"""Workspace, grasp, heightmap, gripper geometry and grasp constraints."""
