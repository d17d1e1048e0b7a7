"""Grippers, one vendor a file. A new driver adds its module to this list."""

DRIVERS = ("grasping_student.robots.grippers.robotiq_2f85",)
