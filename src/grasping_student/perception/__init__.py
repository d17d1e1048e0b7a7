"""From the frame of a camera to a repaired heightmap: calibration, floor, repair and diagnostics."""
