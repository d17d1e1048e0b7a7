"""How a file is spoilt: bytes, numbers, shapes, pictures, tables, weights, and what is no file at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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
