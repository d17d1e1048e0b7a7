"""Attempts and scenes from an environment into a dataset."""
