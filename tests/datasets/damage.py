"""Ways to break a foreign file, and files that claim more than they hold."""

import os
import struct
import zlib

import cv2
import numpy as np


def cut(path, share=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def empty(path):
    path.write_bytes(b"")


def bomb_png(path, bits=8, colour=2):
    """A few kilobytes that claim a picture of 60 000 x 60 000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, bits, colour, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000), 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def bomb_npy(path):
    header = str({"descr": "<f4", "fortran_order": False, "shape": (100_000, 100_000)}).ljust(117).encode() + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64))


def npy_header(words):
    """An array file whose header says whatever it likes."""
    return lambda path: path.write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(words) + 1) + words.encode() + b"\n" + bytes(64)
    )


def bomb_tiff(path):
    entries = [
        (256, 4, 1, 60_000),
        (257, 4, 1, 60_000),
        (258, 3, 1, 32),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, 60_000),
        (279, 4, 1, 100),
        (339, 3, 1, 3),
    ]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    path.write_bytes(b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + bytes(104))


def pickled_npy(path):
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def leads_outside(path):
    outside = path.parents[2] / f"secret{path.suffix}"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)


def leads_to_itself(path):
    path.unlink()
    path.symlink_to(path.name)


def pipe(path):
    """Whoever opens it waits for ever."""
    path.unlink()
    os.mkfifo(path)


def text(words, encoding="utf-8"):
    def write(path):
        path.write_bytes(words.encode(encoding))

    return write


def array(value, shape=(20, 20), dtype=np.float32):
    return lambda path: np.save(path, np.full(shape, value, dtype))


def picture(shape, dtype=np.uint8):
    return lambda path: cv2.imwrite(str(path), np.full(shape, 700 if dtype != np.uint8 else 7, dtype))
