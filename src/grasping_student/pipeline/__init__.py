"""Stages, their manifests and configurations, the executor and atomic files: what every other part rests on."""
