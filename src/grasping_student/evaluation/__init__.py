"""Picking, one-shot and proxy evaluation, and their statistics."""
