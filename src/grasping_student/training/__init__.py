"""One loop, several losses."""
