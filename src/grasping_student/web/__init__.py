"""Pages for people: labelling, browsing, watching."""
