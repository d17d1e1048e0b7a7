"""The PyBullet bin."""
