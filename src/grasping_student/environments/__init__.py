"""Environments: workspaces that can be grasped in."""
