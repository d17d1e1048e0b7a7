"""A scene's pictures as bytes: heights as 16-bit steps of 0.1 mm, colours as they are, both compressed."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import zstandard
from numpy.typing import NDArray

from grasping_student.datasets.schema import NotStorable
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace

HEIGHT_STEP = 1e-4
"""Metres a stored step."""

LOWEST_HEIGHT = -1.0
"""Smallest storable height, metres."""

UNMEASURED = 65535
"""Stored value of a pixel without a measurement."""

HIGHEST_HEIGHT = LOWEST_HEIGHT + (UNMEASURED - 1) * HEIGHT_STEP
"""Largest storable height, metres."""

HEIGHT_LEVEL, FAST_HEIGHT_LEVEL, RGB_LEVEL = 1, -100, -1
"""Of zstd. At -100 heights decode three to six times as fast as at 1, and take two to four times the bytes."""

LARGE_BYTES = 65536
"""Heights of more raw bytes are packed for fast reading; at 112 pixels they have 25 000, at 338 pixels 228 000."""

NOISY_SHARE = 1 / 3
"""Smaller ones too, if they do not shrink to this share of their bytes."""

_ZERO_STEP = round(-LOWEST_HEIGHT / HEIGHT_STEP)


@dataclass(frozen=True)
class StoredPictures:
    """Compressed heights and colours of one scene, with the raw bytes that they stand for."""

    height: bytes
    rgb: bytes
    raw_height: bytes
    raw_rgb: bytes


def quantise_height(height: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Heights (metres, NaN where unmeasured) as stored steps, same shape, off by at most half a step.

    Raises:
        NotStorable: a height is infinite or outside the storable range, as millimetres are.
    """
    steps = (height.astype(np.float64) - LOWEST_HEIGHT) / HEIGHT_STEP
    np.rint(steps, out=steps)
    unmeasured = np.isnan(steps)
    steps[unmeasured] = UNMEASURED
    outside = (steps < 0) | (steps > UNMEASURED) | ((steps == UNMEASURED) & ~unmeasured)
    if outside.any():
        worst = float(np.abs(height[outside]).max())
        raise NotStorable(
            f"a height of {worst:g} m cannot be stored: heights lie between {LOWEST_HEIGHT:g} and "
            f"{HIGHEST_HEIGHT:.1f} m, NaN where unmeasured; were these millimetres?"
        )
    return steps.astype(np.uint16)


def metres_from_steps(steps: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Stored steps as heights in metres, same shape, NaN where unmeasured."""
    height = np.empty(steps.shape, dtype=np.float32)
    np.subtract(steps, np.float32(_ZERO_STEP), out=height, dtype=np.float32, casting="unsafe")
    height *= np.float32(HEIGHT_STEP)
    if steps.size and steps.max() == UNMEASURED:
        # all bits set is a NaN: whole words, a third of the time of a masked write
        unmeasured = np.equal(steps, UNMEASURED).view(np.int8).astype(np.int32)
        bits = height.view(np.int32)
        bits |= np.negative(unmeasured, out=unmeasured)
    return height


def byte_planes(steps: NDArray[np.uint16]) -> bytes:
    """All low bytes, then all high bytes: depth noise spoils the low ones only, so this packs smaller and faster."""
    return steps.astype("<u2", copy=False).reshape(-1).view(np.uint8).reshape(-1, 2).T.tobytes()


def steps_from_planes(planes: bytes | NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The inverse of ``byte_planes``, shape ``(n,)``."""
    low, high = np.frombuffer(planes, dtype=np.uint8).reshape(2, -1)
    steps = high.astype(np.uint16)
    steps <<= 8
    steps |= low
    return steps


def encode_pictures(heightmap: Heightmap) -> StoredPictures:
    """The bytes that a segment keeps of a scene.

    Raises:
        NotStorable: a height cannot be stored.
    """
    raw_height = byte_planes(quantise_height(heightmap.height))
    raw_rgb = heightmap.rgb.tobytes()
    return StoredPictures(_compress_height(raw_height), _contexts.rgb_compressor.compress(raw_rgb), raw_height, raw_rgb)


def _compress_height(raw_height: bytes) -> bytes:
    if len(raw_height) <= LARGE_BYTES:
        height = _contexts.height_compressor.compress(raw_height)
        if len(height) <= NOISY_SHARE * len(raw_height):
            return height
    return _contexts.fast_height_compressor.compress(raw_height)


def decompress(stored: bytes, size: int) -> bytes:
    """The raw bytes of one picture.

    Raises:
        ValueError: the bytes are damaged or stand for another number of bytes than ``size``.
    """
    raw = bytearray(size)
    _decompress_into(stored, raw)
    return bytes(raw)


def _decompress_into(stored: bytes, raw: bytearray | NDArray[np.uint8]) -> None:
    """Fill ``raw`` with the raw bytes of one picture; no copy is made of them."""
    size = len(raw)
    try:
        if zstandard.frame_content_size(stored) != size:
            raise ValueError(f"holds a picture of another size than {size} bytes")
        with _contexts.decompressor.stream_reader(stored) as reader:
            # the second read verifies the checksum, which follows the last byte
            if reader.readinto(raw) != size or reader.read(1):
                raise ValueError("is damaged: it ends too early")
    except zstandard.ZstdError as error:
        raise ValueError(f"is damaged: {error}") from None


def decode_pictures(height: bytes, rgb: bytes, workspace: Workspace) -> Heightmap:
    """The scene that stored bytes stand for; its arrays are the caller's own.

    Raises:
        ValueError: the bytes are damaged or of another size than the workspace's.
    """
    if not isinstance(height, bytes) or not isinstance(rgb, bytes):
        raise ValueError("is no sequence of bytes")
    planes = _contexts.scratch(2 * workspace.pixels**2)
    _decompress_into(height, planes)
    colours = np.empty(3 * workspace.pixels**2, dtype=np.uint8)
    _decompress_into(rgb, colours)
    metres = metres_from_steps(steps_from_planes(planes).reshape(workspace.shape))
    return Heightmap(metres, colours.reshape(*workspace.shape, 3), workspace)


class _Contexts(threading.local):
    """What one thread packs and unpacks with: none of it may be shared between threads."""

    def __init__(self) -> None:
        # the checksum finds a flipped byte on every read, far cheaper than a SHA-256
        self.height_compressor = zstandard.ZstdCompressor(level=HEIGHT_LEVEL, write_checksum=True)
        self.fast_height_compressor = zstandard.ZstdCompressor(level=FAST_HEIGHT_LEVEL, write_checksum=True)
        self.rgb_compressor = zstandard.ZstdCompressor(level=RGB_LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()
        self._scratch = np.empty(0, dtype=np.uint8)

    def scratch(self, size: int) -> NDArray[np.uint8]:
        """Bytes to unpack into that the next picture of this thread will overwrite, shape ``(size,)``."""
        if len(self._scratch) != size:
            self._scratch = np.empty(size, dtype=np.uint8)
        return self._scratch


_contexts = _Contexts()
