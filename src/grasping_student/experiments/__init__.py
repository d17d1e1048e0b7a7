"""One file per table or figure of the paper, and beyond it."""
