"""Models in use: predict, export, serve."""
