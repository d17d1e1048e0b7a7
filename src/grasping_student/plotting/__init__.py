"""One style and all figures."""
