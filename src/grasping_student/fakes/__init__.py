"""Devices that speak the real wire protocols, for tests and ``cell fake``."""
