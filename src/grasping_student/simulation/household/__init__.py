"""Household items: procedural, by category, seeded; no files."""
