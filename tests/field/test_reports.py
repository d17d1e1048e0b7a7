"""What people report of systems like ours, made anew: each folder of files with its command, and what is right.

``python -m tests.field.test_reports FOLDER`` writes the folders, each with a README, to try the commands by hand.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.fakes.bins import random_bin
from tests.perception.test_frame_checks import FLIP, LINK, frame_of, raised

from grasping_student.cli.main import main
from grasping_student.perception.depth_files import ray_lengths
from grasping_student.perception.frame import RgbdFrame
from grasping_student.perception.frame_files import save_frame

GRASP = "a grasp on an item"


@dataclass(frozen=True)
class Report:
    """One report: the frame, how its files are spoilt, options of the command, and what is right."""

    frame: Callable[[], RgbdFrame]
    right: str
    """``GRASP``, or words of the refusal."""

    spoil: Callable[[Path], None] = lambda folder: None
    options: tuple[str, ...] = ()
    depth: str = "depth.npy"


def posed(change: Callable[[np.ndarray], np.ndarray], tilt: float = 0.05) -> Callable[[], RgbdFrame]:
    """A frame whose pose is not what it should be."""

    def frame() -> RgbdFrame:
        right = frame_of(tilt)
        return replace(right, camera_to_world=change(right.camera_to_world))

    return frame


def intrinsics(**changed: object) -> Callable[[Path], None]:
    """Other values in ``camera.json``."""

    def spoil(folder: Path) -> None:
        path = folder / "camera.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))

    return spoil


def stored(factor: float, name: str = "depth.png") -> Callable[[Path], None]:
    """The depth as 16-bit numbers, so many a metre."""

    def spoil(folder: Path) -> None:
        depth = np.nan_to_num(np.load(folder / "depth.npy")) * factor
        (folder / "depth.npy").unlink()
        (folder / name).write_bytes(cv2.imencode(".png", depth.round().astype(np.uint16))[1].tobytes())

    return spoil


def along_the_ray(folder: Path) -> None:
    depth = np.load(folder / "depth.npy")
    np.save(folder / "depth.npy", (depth * ray_lengths(frame_of().intrinsics)).astype(np.float32))


def shifted(pose: np.ndarray) -> np.ndarray:
    moved = pose.copy()
    moved[:3, 3] += (0.8, -0.3, 0.0)
    return moved


REPORTS = {
    "right": Report(frame_of, GRASP),
    "inverse-pose": Report(posed(np.linalg.inv), "world_to_camera"),
    "opengl-pose": Report(posed(lambda pose: pose @ FLIP), "OpenGL"),
    "camera-link-pose": Report(posed(lambda pose: pose @ np.linalg.inv(LINK)), "camera_link"),
    "world-z-down": Report(posed(lambda pose: FLIP @ pose), "z axis points down"),
    "base-frame": Report(posed(shifted), "--workspace-center"),
    "base-frame-told": Report(posed(shifted), GRASP, options=("--workspace-center", "0.8", "-0.3", "0.0")),
    "floor-50-mm-up": Report(lambda: raised(frame_of(), 0.05), "level surface at"),
    "floor-50-mm-up-levelled": Report(lambda: raised(frame_of(), 0.05), GRASP, options=("--level-floor",)),
    "resolution-doubled": Report(frame_of, "off its middle", intrinsics(fx=1200.0, fy=1200.0, cx=639.0, cy=479.0)),
    "cx-and-cy-swapped": Report(frame_of, "swapped", intrinsics(cx=239.5, cy=319.5)),
    "lens": Report(frame_of, GRASP, intrinsics(distortion=[0.05, -0.05, 0.0, 0.0, 0.0])),
    "lens-unknown": Report(frame_of, "rectify", intrinsics(coeffs=[0.1] * 5, model="inverse_brown_conrady")),
    "quarter-millimetres": Report(
        frame_of, "--depth-scale 0.00025", stored(4000.0), ("--depth-unit", "mm"), "depth.png"
    ),
    "scale-told": Report(frame_of, GRASP, stored(4000.0), ("--depth-scale", "0.00025"), "depth.png"),
    "upper-case": Report(frame_of, GRASP, stored(1000.0, "depth.PNG"), ("--depth-unit", "mm"), "depth.PNG"),
    "along-the-ray": Report(frame_of, "--depth-is-range", along_the_ray),
    "along-the-ray-told": Report(frame_of, GRASP, along_the_ray, ("--depth-is-range",)),
    "bin-empty": Report(lambda: random_bin(11).frame(), "the bin is empty"),
    "bin-with-items": Report(lambda: random_bin(11, 2).frame(), GRASP),
    "bin-on-a-stand": Report(lambda: random_bin(2, 2, stand=0.04).frame(), GRASP, options=("--extent", "0.45")),
}  # the same kinds that were reported, from scenes of our own


def make(report: Report, folder: Path) -> list[str]:
    """Write a report's files; returns its command's words."""
    save_frame(report.frame(), folder)
    report.spoil(folder)
    words = ["predict", "--depth", str(folder / report.depth), "--intrinsics", str(folder / "camera.json")]
    words += [
        "--camera-to-world",
        str(folder / "pose.txt"),
        *report.options,
        "--out",
        str(folder / "grasp"),
        "--overwrite",
    ]
    (folder / "README").write_text(f"grasping-student {' '.join(words)}\nright: {report.right}\n")
    return words


@pytest.mark.parametrize("name", REPORTS)
def test_what_was_reported_is_right_now(name, tmp_path, capsys):
    report = REPORTS[name]
    code = main(make(report, tmp_path / name))
    said = capsys.readouterr().err
    if report.right == GRASP:
        assert code == 0, said
        told = json.loads((tmp_path / name / "grasp" / "grasp.json").read_text())
        assert told["on_seen_material"] and told["grasp"]["z"] > 0.0
    else:
        assert code == 2 and re.search(report.right, said), said
        assert "Traceback" not in said and not (tmp_path / name / "grasp" / "grasp.json").exists()


if __name__ == "__main__":
    for each, report in REPORTS.items():
        make(report, Path(sys.argv[1]) / each)
