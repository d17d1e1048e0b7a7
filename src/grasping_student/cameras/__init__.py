"""RGB-D cameras: one vendor a file, drivers imported only when used."""
