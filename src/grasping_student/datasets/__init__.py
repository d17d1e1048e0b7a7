"""Attempts and scenes on disk."""
