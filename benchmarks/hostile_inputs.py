"""What every reader of the package is given whole, before a file of it is spoilt, with the command that reads it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "datasets"))

import foreign_data
from dataset_scenes import SMALL, fill

from grasping_student.cameras.simulated import Box, boxes_on_table, looking_down, render
from grasping_student.datasets.parquet import export_parquet
from grasping_student.datasets.store import DatasetWriter
from grasping_student.perception.frame import Intrinsics, world_points
from grasping_student.perception.frame_files import frame_files, load_frame, save_frame
from grasping_student.pipeline.files import write_json
from grasping_student.serving.loading import PRETRAINED


@dataclass(frozen=True)
class Input:
    """What a command reads: a folder, the words of the command, and the files in it that may be spoilt."""

    make: Callable[[Path], list[str]]
    spoilt: Callable[[Path], bool] = lambda path: path.is_file()


PLY = """ply
format ascii 1.0
element vertex {count}
property float x
property float y
property float z
end_header
"""
PCD = """VERSION 0.7
FIELDS x y z
SIZE 4 4 4
TYPE F F F
COUNT 1 1 1
WIDTH {count}
HEIGHT 1
VIEWPOINT 0 0 0 1 0 0 0
POINTS {count}
DATA ascii
"""
ROS = """image_width: 200
image_height: 150
camera_matrix: {{rows: 3, cols: 3, data: {k}}}
distortion_model: plumb_bob
distortion_coefficients: {{rows: 1, cols: 5, data: [0.01, 0, 0, 0, 0]}}
"""


def frame_in(folder: Path) -> None:
    """A right frame of a small camera."""
    scene = boxes_on_table([Box(0.0, 0.0, 0.05, 0.04), Box(0.1, -0.08, 0.04, 0.03)])
    save_frame(render(scene, Intrinsics(200.0, 200.0, 99.5, 74.5, 200, 150), looking_down(0.7, 0.1)), folder)


def predict_input(depth: str, intrinsics: str, pose: str) -> Callable[[Path], list[str]]:
    """A frame with its files in these forms, and the command that reads it."""

    def make(folder: Path) -> list[str]:
        frame_in(folder)
        metres, told = np.load(folder / "depth.npy"), []
        if depth.endswith((".ply", ".pcd")):
            frame = load_frame(frame_files(folder))[0]
            points = world_points(replace(frame, camera_to_world=np.eye(4))).reshape(3, -1).T
            points = points[np.isfinite(points).all(axis=1)]
            head = (PLY if depth.endswith(".ply") else PCD).format(count=len(points))
            with (folder / depth).open("w") as file:
                file.write(head)
                np.savetxt(file, points, fmt="%.5f")
        elif depth.endswith(".png"):
            cv2.imwrite(str(folder / depth), np.round(metres * 1000).astype(np.uint16))
            told = ["--depth-unit", "mm"]
        elif depth.endswith(".tiff"):
            cv2.imwrite(str(folder / depth), metres)
        elif depth.endswith(".npz"):
            np.savez_compressed(folder / depth, depth=metres)
        if depth != "depth.npy":
            (folder / "depth.npy").unlink()
        if intrinsics != "camera.json":
            (folder / "camera.json").unlink()
            k = [200.0, 0.0, 99.5, 0.0, 200.0, 74.5, 0.0, 0.0, 1.0]
            if intrinsics.endswith(".yaml"):
                (folder / intrinsics).write_text(ROS.format(k=k))
            else:
                np.savetxt(folder / intrinsics, np.array(k).reshape(3, 3))
        if pose != "pose.txt":
            matrix = np.loadtxt(folder / "pose.txt")
            (folder / "pose.txt").unlink()
            np.save(folder / pose, matrix) if pose.endswith(".npy") else write_json(folder / pose, matrix.tolist())
        files = ["--depth", folder / depth, "--intrinsics", folder / intrinsics, "--camera-to-world", folder / pose]
        color = ["--color", folder / "color.png"]
        return ["predict", *map(str, [*files, *color, *told, "--out", folder / "out"])]

    return make


def imported(layout: str, write: Callable[[Path], object], *more: str) -> Callable[[Path], list[str]]:
    """A foreign data set, and the command that imports it."""

    def make(folder: Path) -> list[str]:
        write(folder / "in")
        return ["dataset", "import", layout, str(folder / "in"), "--out", str(folder / "out"), *more]

    return make


def dataset_in(folder: Path) -> Path:
    with DatasetWriter(folder / "d", SMALL) as writer:
        fill(writer, 12)
    return folder / "d"


def exported(folder: Path) -> None:
    export_parquet(dataset_in(folder.parent), folder, rows_a_shard=4)
    shutil.rmtree(folder.parent / "d")


def of_dataset(*words: str) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        return [
            str(dataset_in(folder)) if word == "D" else str(folder / "out") if word == "OUT" else word for word in words
        ]

    return make


def of_checkpoint(folder: Path) -> list[str]:
    shutil.copytree(PRETRAINED, folder / "model")
    frame_in(folder / "frame")
    frame = folder / "frame"
    files = [
        "--depth",
        frame / "depth.npy",
        "--intrinsics",
        frame / "camera.json",
        "--camera-to-world",
        frame / "pose.txt",
    ]
    return ["predict", *map(str, files), "--model", str(folder / "model"), "--out", str(folder / "out")]


def of_cell(folder: Path) -> list[str]:
    frame_in(folder / "frame")
    shutil.copy(Path(__file__).parents[1] / "docs" / "cell.yaml", folder / "cell.yaml")
    return ["cell", "check", "--cell", str(folder / "cell.yaml"), "--frame", str(folder / "frame")]


def cornell(folder: Path) -> None:
    for number in (100, 101):
        corners = foreign_data.cornell_corners(24, 20, 0.3, 10, 5)
        height = foreign_data.picture_with_bar(40, 48, 20, 24, 0.3)
        foreign_data.write_cornell(folder, number, height, [corners], [corners])


def jacquard(folder: Path) -> None:
    for view in ("0_a", "0_b"):
        height = foreign_data.picture_with_bar(40, 40, 20, 24, 0.3)
        foreign_data.write_jacquard(folder, view, height, ["24;20;-17;10;5"])


def authors(folder: Path) -> None:
    for date in "ab":
        height = np.zeros((12, 12), np.float32)
        foreign_data.write_authors(folder, date, height, foreign_data.random_rgb(12), foreign_data.GOOD)


def session(folder: Path) -> None:
    foreign_data.write_session(folder, [np.zeros((12, 12))] * 2, [[1, 0, 5, 6], [1, 1, 5, 6]], [1, 0.5], [1])


def inside(name: str) -> Callable[[Path], bool]:
    return lambda path: path.is_file() and name in path.parts


INPUTS: dict[str, Input] = {
    **{
        f"predict {depth} {intrinsics} {pose}": Input(predict_input(depth, intrinsics, pose))
        for depth, intrinsics, pose in (
            ("depth.npy", "camera.json", "pose.txt"),
            ("depth.png", "camera.yaml", "pose.json"),
            ("depth.tiff", "camera.txt", "pose.npy"),
            ("depth.npz", "camera.json", "pose.txt"),
            ("depth.ply", "camera.json", "pose.txt"),
            ("depth.pcd", "camera.json", "pose.txt"),
        )
    },
    "import authors": Input(imported("authors", authors)),
    "import cornell": Input(imported("cornell", cornell, "--pixels", "20")),
    "import jacquard": Input(imported("jacquard", jacquard, "--pixels", "20")),
    "import pushing-grasping": Input(imported("pushing-grasping", session)),
    "import frames": Input(
        imported("frames", lambda folder: foreign_data.write_frames(folder, 2), "--pixels", "20", "--workers", "1")
    ),
    "import parquet": Input(imported("parquet", exported)),
    "dataset check": Input(of_dataset("dataset", "check", "D")),
    "dataset info": Input(of_dataset("dataset", "info", "D")),
    "dataset export": Input(of_dataset("dataset", "export", "D", "--out", "OUT")),
    "dataset filter": Input(of_dataset("dataset", "filter", "D", "--out", "OUT", "--source", "script")),
    "checkpoint": Input(of_checkpoint, inside("model")),
    "cell check": Input(of_cell),
}
