"""RGB-D cameras, one vendor a file. A new driver adds its module to this list."""

DRIVERS = (
    "grasping_student.cameras.realsense",
    "grasping_student.cameras.recorded",
    "grasping_student.cameras.simulated",
    "grasping_student.simulation.stereo_camera",
)
