"""Foreign data turned into datasets, one layout a file."""
