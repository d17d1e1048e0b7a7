"""The demo: the whole path on a laptop, and its report."""
