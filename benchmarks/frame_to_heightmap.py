"""From a 1280 x 720 frame to a 338 x 338 heightmap without holes, processor milliseconds on one core.

Beside it the same frame through a sort of all points, which the one-pass z-buffer replaced: the ratio is measured in
one run. Run: python benchmarks/frame_to_heightmap.py [--out FILE.json]
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from grasping_student.cameras.depth_median import median_depth
from grasping_student.geometry.heightmap import fill_holes
from grasping_student.geometry.workspace import Workspace, paper_workspace
from grasping_student.perception.frame import Intrinsics, RgbdFrame, frame_to_heightmap, world_points
from grasping_student.perception.heightmap_repair import repair_heightmap


def bench_frame() -> RgbdFrame:
    """Boxes on a table 80 cm under a camera that looks straight down; 1 mm noise, a twentieth not measured."""
    random = np.random.default_rng(0)
    intrinsics = Intrinsics(909.0, 908.0, 632.0, 347.0, 1280, 720)
    depth = np.full(intrinsics.shape, 0.8)
    for _ in range(40):
        row, col = random.integers(80, 600), random.integers(300, 900)
        depth[row : row + random.integers(20, 80), col : col + random.integers(20, 80)] -= random.uniform(0.01, 0.03)
    depth += random.normal(0.0, 0.001, depth.shape)
    depth[random.random(depth.shape) < 0.05] = np.nan
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = 0.8
    rgb = random.integers(0, 256, (*intrinsics.shape, 3), dtype=np.uint8)
    return RgbdFrame(depth.astype(np.float32), rgb, intrinsics, pose)


def by_sorting(frame: RgbdFrame, workspace: Workspace) -> np.ndarray:
    """The z-buffer as a sort by height: the last write to a cell is its highest point."""
    x, y, z = world_points(frame).reshape(3, -1)
    usable = np.flatnonzero(np.isfinite(z))
    row, col = workspace.pixel_from_xy(x[usable], y[usable])
    inside = (row >= 0) & (row < workspace.pixels) & (col >= 0) & (col < workspace.pixels)
    usable, cell = usable[inside], (row * workspace.pixels + col)[inside]
    order = np.argsort(z[usable], kind="stable")
    height = np.full(workspace.pixels**2, np.nan, dtype=np.float32)
    height[cell[order]] = z[usable[order]]
    return height.reshape(workspace.shape)


def cpu_milliseconds(work: Callable[[], object], repeats: int = 9) -> float:
    """Median processor time of a call."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000.0 * float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    frame, workspace = bench_frame(), paper_workspace()
    raw = frame_to_heightmap(frame, workspace)
    np.testing.assert_array_equal(raw.height, by_sorting(frame, workspace))
    several = np.nan_to_num(frame.depth * 1000.0).astype(np.uint16)[None].repeat(5, axis=0)
    result = {
        "median_of_5_frames_ms": cpu_milliseconds(lambda: median_depth(several)),
        "z_buffer_ms": cpu_milliseconds(lambda: frame_to_heightmap(frame, workspace)),
        "by_sorting_ms": cpu_milliseconds(lambda: by_sorting(frame, workspace)),
        "fill_holes_ms": cpu_milliseconds(lambda: fill_holes(raw)),
        "all_mending_ms": cpu_milliseconds(lambda: repair_heightmap(raw)),
    }
    result["heightmap_and_holes_hz"] = 1000.0 / (result["z_buffer_ms"] + result["fill_holes_ms"])
    result["heightmap_and_all_mending_hz"] = 1000.0 / (result["z_buffer_ms"] + result["all_mending_ms"])
    total = result["median_of_5_frames_ms"] + result["z_buffer_ms"] + result["all_mending_ms"]
    result["from_5_frames_with_all_mending_hz"] = 1000.0 / total
    result["sorting_over_z_buffer"] = result["by_sorting_ms"] / result["z_buffer_ms"]
    text = json.dumps({name: round(value, 1) for name, value in result.items()}, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
