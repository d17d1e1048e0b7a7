"""Stand-ins for the cell's devices that speak the real wire protocols; run one with ``python -m``."""
