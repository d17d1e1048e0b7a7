"""Small foreign data sets, each written in its own layout and convention."""

import json
import math

import cv2
import numpy as np

from grasping_student.datasets.importers import authors
from grasping_student.geometry.grasp import Outcome, PlanarGrasp

RANDOM = np.random.default_rng(0)
GOOD = authors.describe(PlanarGrasp(5, 6, 0.3), Outcome.SUCCESS)
"""A label of the authors' without a fault."""


def bar_scene(pixels, grasp, length=0.4):
    """Heights of a bar that lies across the finger line of ``grasp``, as seen from above."""
    rows, cols = np.mgrid[:pixels, :pixels]
    right, up = cols - grasp.col, grasp.row - rows
    along = right * math.cos(grasp.angle) + up * math.sin(grasp.angle)
    across = -right * math.sin(grasp.angle) + up * math.cos(grasp.angle)
    return np.where((np.abs(along) < 3) & (np.abs(across) < pixels * length / 2), 0.03, 0.0).astype(np.float32)


def random_rgb(pixels):
    return RANDOM.integers(0, 255, (pixels, pixels, 3), dtype=np.uint8)


def write_authors(folder, date, height, rgb, description):
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / f"img_{date}.png"), rgb[..., ::-1])
    np.save(folder / f"depth_{date}.npy", height)
    (folder / f"desc_{date}.json").write_text(json.dumps(description))


def tilted_depth(height_in_picture):
    """Depth of a camera 0.7 m above a table that tilts away, less what stands on it."""
    rows, cols = height_in_picture.shape
    y, x = np.mgrid[-0.5 : 0.5 : rows * 1j, -0.5 : 0.5 : cols * 1j]
    return (0.7 + 0.05 * y + 0.02 * x + 0.01 * (x**2 + y**2) - height_in_picture).astype(np.float32)


def picture_with_bar(rows, cols, centre_row, centre_col, angle):
    side = min(rows, cols)
    height = np.zeros((rows, cols), np.float32)
    square = bar_scene(side, PlanarGrasp(centre_row - (rows - side) // 2, centre_col - (cols - side) // 2, angle))
    height[(rows - side) // 2 :, (cols - side) // 2 : (cols - side) // 2 + side][:side] = square
    return height


def cornell_corners(x, y, angle, opening, jaw):
    """Corners in Cornell's order: first edge along the opening; picture coordinates, y down."""
    along = np.array([math.cos(angle), -math.sin(angle)]) * opening / 2
    across = np.array([math.sin(angle), math.cos(angle)]) * jaw / 2
    centre = np.array([x, y])
    return np.array(
        [centre - along - across, centre + along - across, centre + along + across, centre - along + across]
    )


def write_cornell(folder, number, height, positive, negative=None):
    folder.mkdir(exist_ok=True, parents=True)
    rgb = RANDOM.integers(0, 255, (*height.shape, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / f"pcd{number:04d}r.png"), rgb)
    depth = tilted_depth(height)
    depth[5:9, 20:40] = 0.0
    cv2.imwrite(str(folder / f"pcd{number:04d}d.tiff"), depth)
    for kind, rectangles in (("cpos", positive), ("cneg", negative)):
        if rectangles is not None:
            lines = [f"{x:.4f} {y:.4f}" for corners in rectangles for x, y in corners]
            (folder / f"pcd{number:04d}{kind}.txt").write_text(" \n".join(lines) + "\n")


def write_jacquard(folder, view, height, lines):
    folder.mkdir(exist_ok=True, parents=True)
    cv2.imwrite(str(folder / f"{view}_RGB.png"), RANDOM.integers(0, 255, (*height.shape, 3), dtype=np.uint8))
    cv2.imwrite(str(folder / f"{view}_perfect_depth.tiff"), tilted_depth(height))
    (folder / f"{view}_grasps.txt").write_text("".join(f"{line}\n" for line in lines))


def write_session(folder, heights_in_robot_frame, actions, rewards, clearance=()):
    for name in ("data/color-heightmaps", "data/depth-heightmaps", "transitions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, height in enumerate(heights_in_robot_frame):
        depth = np.round(height * 100000).astype(np.uint16)
        cv2.imwrite(str(folder / f"data/depth-heightmaps/{number:06d}.0.depth.png"), depth)
        cv2.imwrite(str(folder / f"data/color-heightmaps/{number:06d}.0.color.png"), random_rgb(len(height)))
    np.savetxt(folder / "transitions/executed-action.log.txt", np.array(actions, float), delimiter=" ")
    np.savetxt(folder / "transitions/reward-value.log.txt", np.array(rewards, float).reshape(-1, 1), delimiter=" ")
    if clearance:
        np.savetxt(folder / "transitions/clearance.log.txt", np.array(clearance, float).reshape(-1, 1), delimiter=" ")


def write_frames(folder, count, unit="m", color=True, suffix="npy"):
    for name in ("depth", "color"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    camera = {"fx": 100.0, "fy": 100.0, "cx": 40.0, "cy": 30.0, "width": 80, "height": 60}
    (folder / "camera.json").write_text(json.dumps(camera))
    # a metre above the table, looking down; the picture's down is the world's -y
    np.savetxt(folder / "pose.txt", np.array([[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 1.0], [0, 0, 0, 1]]))
    for number in range(count):
        depth = np.ones((60, 80), np.float32)
        depth[20:26, 40 + number : 48 + number] -= 0.05
        if suffix == "npy":
            np.save(folder / f"depth/f{number:03d}.npy", depth * (1000 if unit == "mm" else 1))
        else:
            cv2.imwrite(str(folder / f"depth/f{number:03d}.png"), np.round(depth * 1000).astype(np.uint16))
        if color:
            picture = np.full((60, 80, 3), 10 * number, np.uint8)
            cv2.imwrite(str(folder / f"color/f{number:03d}.png"), picture)
