"""The simulated workspace."""
