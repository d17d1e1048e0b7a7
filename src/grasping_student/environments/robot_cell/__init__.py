"""UR5e, Robotiq 2F-85 and a camera as one environment."""
