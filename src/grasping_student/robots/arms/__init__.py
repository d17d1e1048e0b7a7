"""Arms, one vendor a file. A new driver adds its module to this list."""

DRIVERS = ("grasping_student.robots.arms.ur5e",)
