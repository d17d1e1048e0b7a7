"""Damaged and hostile files for every reader, for as long as asked; writes ``results/hostile_files.json``.

Each case is one command on one spoilt input, in a process of its own. Counted are tracebacks, commands that run longer
than 20 s, those that take more than 2 GB, and spoilt inputs that a command accepts although it could tell.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import struct
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tyro

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "datasets"))

import foreign_data
from dataset_scenes import SMALL, fill

from grasping_student.cameras.simulated import Box, boxes_on_table, looking_down, render
from grasping_student.cli.main import main as command
from grasping_student.datasets.parquet import export_parquet
from grasping_student.datasets.store import DatasetWriter
from grasping_student.geometry.workspace import light_workspace
from grasping_student.perception.frame import Intrinsics, world_points
from grasping_student.perception.frame_files import FrameFiles, FrameFormat, frame_files, load_frame, save_frame
from grasping_student.perception.heightmap_repair import observe_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json
from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.loading import PRETRAINED, load_model

LONGEST, MOST_MEMORY = 20.0, 2_000_000_000

WORDS = ["nan", "inf", "-inf", "-1", "0", "1e400", "9" * 400, "null", "true", "[" * 5000, "{}", '""', "abc", "1e9", "é"]

VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1e9,
    10**400,
    float("inf"),
    float("nan"),
    "abc",
    "",
    [],
    {},
    [[[[]]]],
    "x" * 10**5,
]


@dataclass(frozen=True)
class Input:
    """What a command reads: a folder, the words of the command, and the files in it that may be spoilt."""

    make: Callable[[Path], list[str]]
    spoilt: Callable[[Path], bool] = lambda path: path.is_file()


def spoil(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """Spoil one file; returns in a word how, and whether a reader can always tell."""
    by_kind = KINDS.get(path.suffix.lower().split("-")[0], ())
    kinds = (*by_kind, *by_kind, any_bytes, another_kind)
    kind = kinds[random.integers(len(kinds))]
    return f"{kind.__name__}: {(told := kind(path, random))[0]}", told[1]


def any_bytes(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """Bytes changed, cut off, zeroed, repeated, or a word put in."""
    data, kind = bytearray(path.read_bytes()), int(random.integers(5))
    place = int(random.integers(len(data) + 1))
    if kind == 0:
        data = data[:place]
    elif kind == 1:
        data[place : place + int(random.integers(4))] = WORDS[random.integers(len(WORDS))].encode()
    elif kind == 2:
        last = int(random.integers(place, len(data) + 1))
        data[place:last] = bytes(last - place)
    elif kind == 3:
        data = data + data[place:]
    else:
        for _ in range(int(random.integers(1, 30)) if data else 0):
            data[int(random.integers(len(data)))] = int(random.integers(256))
    path.write_bytes(data)
    return f"kind {kind}", False


def another_kind(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """A pipe, a folder, a device, an empty or a huge file, or nothing in its place."""
    kind = int(random.integers(7))
    path.unlink()
    if kind == 0:
        os.mkfifo(path)
    elif kind == 1:
        path.mkdir()
    elif kind in (2, 3):
        path.symlink_to("/dev/zero" if kind == 2 else "/etc/passwd")
    elif kind == 4:
        path.write_bytes(b"")
    elif kind == 5:
        with path.open("wb") as file:
            file.truncate(6_000_000_000)
    return f"kind {kind}", not path.name.endswith(
        ("-wal", "-shm", ".lock", "color.png", "README.md", "metrics.json", "manifest.json", "cneg.txt")
    )


def number_in_text(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """One number of a text becomes another word."""
    text = path.read_text()
    found = list(re.finditer(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text))
    if not found:
        return "no number", False
    one, word = found[random.integers(len(found))], WORDS[random.integers(len(WORDS))]
    path.write_text(text[: one.start()] + word + text[one.end() :])
    return f"{one.group()} -> {word[:12]}", False


def value_in_json(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """One value of a JSON file becomes another, or all is nested deeply."""
    values = json.loads(path.read_text())
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            places.append((value, key))
            walk(value[key])

    walk(values)
    if not places or random.random() < 0.05:
        path.write_text("[" * 100_000)
        return "deep", True
    holder, key = places[random.integers(len(places))]
    holder[key] = VALUES[random.integers(len(VALUES))]
    path.write_text(json.dumps(values))
    return f"{key} -> {str(holder[key])[:12]}", False


def array(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """An array of another type or shape, or with impossible values."""
    stored, kind = np.load(path), int(random.integers(9))
    before = stored
    if kind == 0:
        stored = stored.astype([bool, np.int8, np.complex64, "U8", "M8[s]"][random.integers(5)])
    elif kind == 1:
        stored = stored.reshape([(-1,), (1, 1, *stored.shape), (*stored.shape, 1, 1)][random.integers(3)])
    elif kind == 2:
        stored = np.full_like(stored, [np.nan, np.inf, -1.0, 1e38, 0.0][random.integers(5)])
    elif kind == 3:
        stored = np.array([{"a": 1}], dtype=object)
    elif kind == 4:
        stored = stored[: stored.shape[0] // 2]
    elif kind == 5:
        stored = np.zeros((0, 5), np.float32)
    elif kind in (6, 7):
        shape = "(30000, 30000)" if kind == 6 else f"({'9' * 300}, 2)"
        head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
        head += b" " * (64 - (len(head) + 11) % 64) + b"\n"
        path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(1000))
        return f"claims {shape[:20]}", True
    else:
        stored = stored * np.float32(random.choice([1e-4, 1e4, -1.0]))
    np.save(path, stored, allow_pickle=True)
    same = stored.dtype.kind in "fiub" and np.array_equal(stored, before)  # zeros may be zeros of another type
    return f"kind {kind}", kind in (0, 1, 2, 3, 4, 5) and not same


def picture(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """A picture of another size, depth or number of channels, or one that claims to be huge."""
    kind = int(random.integers(6))
    if kind == 0:
        rows = zlib.compress(bytes(20_001) * 2_000, 9)
        head = struct.pack(">IIBBBBB", 20_000, int(random.choice([2_000, 30_000, 2**31 - 1])), 8, 0, 0, 0, 0)
        chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
        parts = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
        return "bomb", True
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if kind == 1:
        stored = stored[:, : stored.shape[1] // 2]
    elif kind == 2:
        stored = np.zeros((1, 1), np.uint8)
    elif kind == 3:
        stored = stored.astype(np.uint8) if stored.ndim == 2 else stored[..., 0]
    elif kind == 4:
        stored = np.dstack([stored] * (4 if stored.ndim == 2 else 1))
    else:
        stored = np.zeros_like(stored)
    path.write_bytes(cv2.imencode(".tiff" if stored.dtype == np.float32 else ".png", stored)[1].tobytes())
    return f"kind {kind}", False


def database(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """Another value in a row of a segment, or another object in its schema."""
    connection = sqlite3.connect(path)
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = tables[random.integers(len(tables))]
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = columns[random.integers(len(columns))]
        values = [
            "9e999",
            "-9e999",
            "'text'",
            "NULL",
            "zeroblob(9)",
            "zeroblob(50000000)",
            "-1",
            "0.5",
            "9223372036854775807",
        ]
        values += ["'{}'", "'[1]'", "'" + "[" * 3000 + "'", "hex(zeroblob(200000))", "'" + "9" * 400 + "'"]
        value = values[random.integers(len(values))]
        scripts = [f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT max(rowid) FROM {table})"] * 6
        scripts += [f"UPDATE {table} SET {column} = {value}", f"DELETE FROM {table}", f"DROP TABLE {table}"]
        scripts += [
            f"ALTER TABLE {table} ADD COLUMN more",
            f"CREATE VIEW v AS SELECT * FROM {table}",
            "PRAGMA user_version=9",
        ]
        script = scripts[random.integers(len(scripts))]
        with contextlib.suppress(sqlite3.Error):
            connection.execute(script)
        connection.commit()
    finally:
        connection.close()
    return script[:90], False


def shard(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """Another column, type or metadata in a Parquet file."""
    table = pq.read_table(path)
    name = table.column_names[random.integers(table.num_columns)]
    place, count = table.column_names.index(name), table.num_rows
    others = [pa.array(["a"] * count), pa.array([[1.0]] * count), pa.array([None] * count), pa.array([np.inf] * count)]
    others += [pa.array([2**62] * count), pa.array([b"\x00" * 9] * count), pa.array(["[" * 5000] * count)]
    table = table.remove_column(place)
    if random.random() < 0.85:
        table = table.add_column(place, name, others[random.integers(len(others))])
    if random.random() < 0.2:
        table = table.replace_schema_metadata(
            {key: WORDS[random.integers(len(WORDS))] for key in table.schema.metadata}
        )
    pq.write_table(table, path)
    return name, False


def weights(path: Path, random: np.random.Generator) -> tuple[str, bool]:
    """Another head of a file of weights."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + length])
    name = next(key for key in head if key != "__metadata__")
    changes: list[dict[str, Any]] = [{"dtype": "I32"}, {"dtype": "BOOL"}, {"dtype": "F64"}, {"shape": [10**6, 10**6]}]
    changes += [{"shape": []}, {"data_offsets": [0, 10**15]}, {"data_offsets": [5, 1]}, {"shape": [-1]}]
    before, change = head[name], changes[random.integers(len(changes))]
    head[name] = {**before, **change}
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return str(change), head[name] != before  # a counter has no shape


Spoiler = Callable[[Path, np.random.Generator], tuple[str, bool]]
KINDS: dict[str, tuple[Spoiler, ...]] = {
    ".json": (value_in_json, number_in_text),
    ".yaml": (number_in_text,),
    ".txt": (number_in_text,),
    ".npy": (array,),
    ".png": (picture,),
    ".tiff": (picture,),
    ".sqlite": (database,),
    ".parquet": (shard,),
    ".safetensors": (weights,),
    ".ply": (number_in_text,),
    ".pcd": (number_in_text,),
}


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


def read_only(words: list[str]) -> int:
    """All that ``predict`` does with its files, without the choice of a grasp: a hundred times as many cases."""
    config = tyro.cli(PredictConfig, args=words[1:])
    try:
        if config.model is not None:
            load_model(config.model, None)
        files = FrameFiles(config.depth, config.intrinsics, config.camera_to_world, config.color)
        observe_frame(load_frame(files, FrameFormat.of(config))[0], light_workspace())
    except UserError as error:
        print(f"grasping-student: {error}", file=sys.stderr)
        return 2
    return 0


def run_command(words: list[str]) -> int:
    """A command's exit code."""
    return read_only(words) if words[0] == "predict" else command(words)


def one_case(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Run one case in a child; returns what came of it."""
    random = np.random.default_rng((seed, sorted(INPUTS).index(name)))
    words = INPUTS[name].make(folder)
    files = sorted(path for path in folder.rglob("*") if INPUTS[name].spoilt(path))
    path = files[random.integers(len(files))]
    how, tells = spoil(path, random)
    case = {"input": name, "seed": seed, "file": str(path.relative_to(folder)), "how": how}
    report, begun = folder / "report.json", time.monotonic()
    child = os.fork()
    if child == 0:
        said, code, trace = io.StringIO(), -1, ""
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = run_command(words)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 2
        except BaseException:
            trace = traceback.format_exc()
        used = resource.getrusage(resource.RUSAGE_SELF)
        came = {"code": code, "trace": trace, "said": said.getvalue()[-600:]}
        write_json(report, came | {"peak": used.ru_maxrss * 1024, "seconds": used.ru_utime + used.ru_stime})
        os._exit(0)
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() - begun > 6 * LONGEST:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.01)
    killed = {"code": -9, "trace": "killed", "said": "", "peak": 0, "seconds": 3 * LONGEST}
    told = json.loads(report.read_text()) if report.exists() else killed
    case |= told
    case["verdict"] = _verdict(case, tells, words)
    return case


def _verdict(case: dict[str, Any], tells: bool, words: list[str]) -> str:
    if case["seconds"] > LONGEST:
        return "hang"
    if case["peak"] > MOST_MEMORY:
        return "memory"
    if case["trace"] or case["code"] not in (0, 1, 2, 3):
        return "traceback"
    if case["code"] == 0 and tells and words[1:2] != ["import"]:
        return "silent"
    if case["code"] == 0 and tells and not {"skipped", "note"} & set(re.findall(r"[a-z]+", case["said"])):
        return "silent"
    return "right"


def main() -> int:
    """Try for so long, print what went wrong, write the counts; exit with 1 if anything did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first case")
    parser.add_argument("--only", default="", help="inputs whose name holds this")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "hostile_files.json")
    options = parser.parse_args()
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    wrong: list[dict[str, Any]] = []
    names, begun, seed = [name for name in INPUTS if options.only in name], time.monotonic(), options.seed
    for name in names:  # whole inputs are accepted; what commands import is there for every child then
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            assert run_command(INPUTS[name].make(Path(folder))) == 0, name
    while time.monotonic() - begun < 60.0 * options.minutes:
        name = names[(seed - options.seed) % len(names)]
        with tempfile.TemporaryDirectory() as folder:
            case = one_case(name, seed, Path(folder))
        counts[name.split(" depth")[0]][case["verdict"]] += 1
        if case["verdict"] != "right":
            wrong.append(case)
            print(json.dumps(case), flush=True)
        seed += 1
    write_json(
        options.out,
        {"first_seed": options.seed, "counts": {name: dict(each) for name, each in counts.items()}, "wrong": wrong},
    )
    print({name: dict(each) for name, each in counts.items()})
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
