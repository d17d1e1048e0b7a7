"""The episode loop, its attempts, and the environments and policies that it runs."""
