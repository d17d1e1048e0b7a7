"""Policies, which choose grasps."""
