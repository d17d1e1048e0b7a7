"""A table with boxes on it, as a camera sees it."""

import numpy as np

from grasping_student.cameras.simulated import looking_down, render
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace, light_workspace
from grasping_student.perception.frame import Intrinsics

CAMERA = Intrinsics(480.0, 480.0, 319.5, 239.5, 640, 480)


LIGHT = light_workspace()


BOXES = ((0.06, 0.05, 0.03, 0.08, 0.04), (-0.08, -0.06, 0.09, 0.025, 0.03))


def tabletop(boxes=BOXES, walls=0.0):
    """A finely sampled scene, with the walls of a bin around it if asked for."""
    workspace = Workspace(extent=0.6, pixels=600, margin=0.06)
    every = np.arange(workspace.pixels)
    x, y = workspace.xy_from_pixel(every, every)
    height = np.zeros(workspace.shape, dtype=np.float32)
    outside = np.maximum(np.abs(x)[None, :], np.abs(y)[:, None]) - 0.19
    height[outside > 0.0] = walls
    for cx, cy, sx, sy, top in boxes:
        height[(np.abs(y - cy) <= sy / 2)[:, None] & (np.abs(x - cx) <= sx / 2)[None, :]] = top
    return Heightmap(height, np.full((*workspace.shape, 3), 150, np.uint8), workspace)


def frame_of(scene, tilt=0.15):
    return render(scene, CAMERA, looking_down(0.75, tilt))


def arguments(scene_files, out, *more):
    return [
        "predict",
        "--depth",
        str(scene_files / "depth.npy"),
        "--intrinsics",
        str(scene_files / "camera.json"),
        "--camera-to-world",
        str(scene_files / "pose.txt"),
        "--out",
        str(out),
        *map(str, more),
    ]


def box_under(x, y, slack=0.003):
    return [box for box in BOXES if abs(x - box[0]) <= box[2] / 2 + slack and abs(y - box[1]) <= box[3] / 2 + slack]
