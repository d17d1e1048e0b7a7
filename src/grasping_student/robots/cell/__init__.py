"""The robot cell's configuration, camera view, motions, resets and telemetry."""
