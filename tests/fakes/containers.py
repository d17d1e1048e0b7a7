"""Random containers and what is mistaken for them, as a stereo depth camera sees them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from tests.fakes.stereo_pictures import as_seen, cast

from grasping_student.cameras.simulated import looking_down
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import Intrinsics, RgbdFrame

GROUND = Workspace(extent=1.2, pixels=1200, margin=0.0)
"""Scenes are drawn in cells of 1 mm: walls may be 2 mm thin."""

_X, _Y = (axis.astype(np.float32) for axis in GROUND.xy_from_pixel(*np.mgrid[: GROUND.pixels, : GROUND.pixels]))

CAMERAS = (
    Intrinsics(600.0, 600.0, 319.5, 239.5, 640, 480),
    Intrinsics(606.0, 605.0, 421.0, 231.0, 848, 480),
    Intrinsics(460.0, 460.0, 322.0, 238.0, 640, 480),
)


@dataclass(frozen=True, eq=False)
class Drawing:
    """Heights above the world's zero, metres, and which cells are wall, item, or inside of the walls."""

    height: NDArray[np.float32]
    wall: NDArray[np.bool_]
    item: NDArray[np.bool_]
    inside: NDArray[np.bool_]

    def at(self, mask: NDArray[np.bool_], x: float, y: float) -> bool:
        """Whether a world point lies in a mask of the drawing."""
        row, col = (int(each) for each in GROUND.pixel_from_xy(x, y))
        return bool(mask[np.clip(row, 0, GROUND.pixels - 1), np.clip(col, 0, GROUND.pixels - 1)])


def empty() -> Drawing:
    """Bare table."""
    none = np.zeros(GROUND.shape, dtype=bool)
    return Drawing(np.zeros(GROUND.shape, np.float32), none, none, ~none)


def local(x: float, y: float, turn: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coordinates of every cell in a frame at a place on the table, turned by radians."""
    cos, sin = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    u, v = _X - np.float32(x), _Y - np.float32(y)
    return cos * u + sin * v, cos * v - sin * u


def put(drawing: Drawing, mask: NDArray[np.bool_], top: NDArray[np.float32] | float) -> Drawing:
    """An item on what lies there already."""
    top = np.broadcast_to(np.float32(top), mask.shape)
    under = float(drawing.height[mask].max()) if mask.any() else 0.0
    height = np.where(
        mask, np.maximum(drawing.height, np.minimum(top + np.float32(under), np.float32(0.11))), drawing.height
    )
    return replace(drawing, height=height, item=drawing.item | mask)


def block(random: np.random.Generator, x: float, y: float) -> tuple[NDArray[np.bool_], float]:
    """A box or cylinder that a gripper can hold, and its height."""
    u, v = local(x, y, random.uniform(0.0, math.pi))
    if random.random() < 0.25:
        return np.hypot(u, v) < random.uniform(0.01, 0.028), random.uniform(0.02, 0.06)
    return (np.abs(u) < random.uniform(0.01, 0.025)) & (np.abs(v) < random.uniform(0.012, 0.05)), random.uniform(
        0.02, 0.05
    )


def random_container(seed: int, items: int, away: bool = False, kind: str = "any") -> Drawing:
    """A bin of any shape: 30 to 200 mm high, walls of 2 to 15 mm, sloped or upright, with rim or stand, maybe full.

    Its inside floor is the world's zero. ``away`` puts it half outside of the workspace. Kinds that are harder: a
    ``sloped`` tall oval, ``bridged`` by a bar across a corner, ``two heights`` of rim, a thin wall on a ``stand``.
    """
    random = np.random.default_rng((seed, 1))
    shape = random.choice(["rectangle", "rectangle", "rounded", "round", "oval"])
    half = np.sort(random.uniform(0.08, 0.24, 2))[::-1]
    tall = random.uniform(0.03, 0.2) if random.random() < 0.5 else random.uniform(0.03, 0.1)
    thick, turn = random.uniform(0.002, 0.015), random.uniform(0.0, math.pi)
    lean = random.choice([0.0, 0.0, random.uniform(0.05, 0.35)]) * tall
    x, y = random.uniform(-0.04, 0.04, 2)
    more = np.random.default_rng((seed, 5))
    if kind == "sloped":
        shape, tall = "oval", more.uniform(0.09, 0.2)
        lean = more.uniform(0.3, 0.55) * tall
        half = np.maximum(half, 0.06 + lean)
    elif kind == "stand":
        thick, lean = more.uniform(0.002, 0.003), 0.0
    if away:
        angle = random.uniform(0.0, 2.0 * math.pi)
        x, y = 0.24 * math.cos(angle), 0.24 * math.sin(angle)
    u, v = local(x, y, turn)
    if shape in ("round", "oval"):
        if shape == "round":
            half = np.repeat(half.mean(), 2)
        radius = np.hypot(u / half[0], v / half[1])
        inwards = (1.0 - radius) * half.min()
    else:
        corner = random.uniform(0.02, 0.06) if shape == "rounded" else 0.0
        a, b = np.abs(u) - (half[0] - corner), np.abs(v) - (half[1] - corner)
        inwards = corner - np.hypot(np.maximum(a, 0), np.maximum(b, 0)) - np.minimum(np.maximum(a, b), 0.0)
    stand = random.uniform(0.0, 0.06) if random.random() < 0.3 else 0.0
    stand = more.uniform(0.015, 0.035) if kind == "stand" else stand
    side = np.clip(1.0 - inwards / lean, 0.0, 1.0) * tall if lean > 0.0 else np.where(inwards <= 0.0, tall, 0.0)
    if random.random() < 0.3:  # a folded rim, wider than the wall
        thick = max(thick, random.uniform(0.008, 0.015))
    wall = (inwards >= -thick) & (side > 0.0)
    if lean == 0.0 and random.random() < 0.25:  # handles: notches in two walls
        notch = (np.abs(v) < random.uniform(0.02, 0.045)) & (np.abs(u) > 0.5 * half[0])
        side = np.where(notch, side * random.uniform(0.6, 0.9), side)
    if kind == "two heights":
        side = np.where(np.abs(v) < 0.9 * half[1], side, side * more.uniform(0.5, 0.85))
    height = np.where(wall, side, np.where(inwards < -thick, -stand, 0.0)).astype(np.float32)
    drawing = Drawing(height, wall, np.zeros_like(wall), inwards > 0.0)
    free = np.argwhere((inwards > max(lean, 0.0) + 0.03) & (np.abs(_X) < 0.15) & (np.abs(_Y) < 0.15))
    for _ in range(items if len(free) else 0):
        row, col = free[random.integers(len(free))]
        mask, top = block(random, float(_X[row, col]), float(_Y[row, col]))
        drawing = put(drawing, mask & (inwards > max(lean, 0.0) + 0.002), top)
    return bridged(drawing, more, half, tall, (x, y, turn)) if kind == "bridged" else drawing


def bridged(
    drawing: Drawing,
    random: np.random.Generator,
    half: NDArray[np.float64],
    tall: float,
    pose: tuple[float, float, float],
) -> Drawing:
    """A bar across a corner of a rim, as an item."""
    u, v = local(*pose)
    corner = np.sign(random.uniform(-1.0, 1.0, 2)) * half * random.uniform(0.6, 0.9, 2)
    slant = random.uniform(0.0, math.pi)
    along = (u - corner[0]) * math.cos(slant) + (v - corner[1]) * math.sin(slant)
    across = (v - corner[1]) * math.cos(slant) - (u - corner[0]) * math.sin(slant)
    bar = (np.abs(along) < random.uniform(0.06, 0.12)) & (np.abs(across) < random.uniform(0.01, 0.02))
    top = np.float32(tall + random.uniform(0.004, 0.03))
    return replace(drawing, height=np.where(bar, top, drawing.height), item=drawing.item | bar)


def beside(drawing: Drawing, random: np.random.Generator, count: int, keep: float = 0.03) -> Drawing:
    """Blocks that stand apart from what is there already."""
    for _ in range(count):
        apart = cv2.distanceTransform((drawing.height <= 0.0).astype(np.uint8), cv2.DIST_L2, 3) * GROUND.pixel_size
        free = np.argwhere((apart > keep) & (np.abs(_X) < 0.14) & (np.abs(_Y) < 0.14))
        if len(free) == 0:
            break
        row, col = free[random.integers(len(free))]
        drawing = put(drawing, *block(random, float(_X[row, col]), float(_Y[row, col])))
    return drawing


def heap(random: np.random.Generator) -> Drawing:
    """Many blocks, one on another."""
    drawing = empty()
    spread = random.uniform(0.03, 0.09)
    for _ in range(random.integers(6, 60)):
        mask, top = block(random, *np.clip(random.normal(0.0, spread, 2), -0.2, 0.2))
        under = float(drawing.height[mask].max()) if mask.any() else 0.0
        if under + top < 0.15:
            drawing = replace(
                drawing, height=np.where(mask, np.float32(under + top), drawing.height), item=drawing.item | mask
            )
    return drawing


def cartons(random: np.random.Generator) -> Drawing:
    """Closed cartons, one to four, some one on another."""
    drawing = empty()
    for _ in range(random.integers(1, 5)):
        u, v = local(*random.uniform(-0.1, 0.1, 2), random.uniform(0.0, math.pi))
        mask = (np.abs(u) < random.uniform(0.03, 0.12)) & (np.abs(v) < random.uniform(0.02, 0.09))
        drawing = put(drawing, mask, random.uniform(0.02, 0.08))
    return beside(drawing, random, int(random.integers(1, 3)))


def picture_frame(random: np.random.Generator) -> Drawing:
    """A flat frame or tray that lies there, and items in and beside it."""
    drawing = empty()
    u, v = local(*random.uniform(-0.08, 0.08, 2), random.uniform(0.0, math.pi))
    a, b = random.uniform(0.05, 0.12), random.uniform(0.05, 0.09)
    strip, tall = random.uniform(0.004, 0.03), random.uniform(0.008, 0.035)
    outer = (np.abs(u) < a) & (np.abs(v) < b)
    inner = (np.abs(u) < a - strip) & (np.abs(v) < b - strip)
    drawing = put(drawing, outer, np.where(inner, random.uniform(0.0, 0.006), tall).astype(np.float32))
    return beside(drawing, random, int(random.integers(1, 4)), 0.02)


def bowl(random: np.random.Generator) -> Drawing:
    """A bowl, cup, pan or roll of tape, and items beside it."""
    drawing = empty()
    u, v = local(*random.uniform(-0.1, 0.1, 2), 0.0)
    radius, outer, tall = np.hypot(u, v), random.uniform(0.03, 0.11), random.uniform(0.02, 0.09)
    foot = outer * random.uniform(0.4, 1.0)
    rising = np.clip((radius - foot) / max(outer - foot, 1e-3), 0.0, 1.0) ** random.uniform(0.7, 2.0) * tall
    top = np.where(radius > outer - random.uniform(0.002, 0.01), tall, np.maximum(rising, 0.004))
    drawing = put(drawing, radius < outer, top.astype(np.float32))
    return beside(drawing, random, int(random.integers(1, 4)), 0.02)


def ring_of_items(random: np.random.Generator) -> Drawing:
    """Blocks, books or bottles that stand in a circle or a square, nearly even."""
    drawing = empty()
    count, radius = int(random.integers(4, 13)), random.uniform(0.06, 0.13)
    tall, long = random.uniform(0.03, 0.12), random.uniform(0.02, 1.0)
    length = min(radius * math.tan(math.pi / count), 0.06) * long
    for each in range(count):
        angle = 2.0 * math.pi * each / count + random.normal(0.0, 0.1)
        reach = radius + random.normal(0.0, 0.006)
        u, v = local(reach * math.cos(angle), reach * math.sin(angle), angle + random.normal(0.0, 0.15))
        mask = (np.abs(u) < random.uniform(0.008, 0.022)) & (np.abs(v) < max(length - 0.005, 0.01))
        drawing = put(drawing, mask, tall * random.uniform(0.85, 1.15))
    return beside(drawing, random, int(random.integers(0, 3)), 0.015)


OTHERS: dict[str, Callable[[np.random.Generator], Drawing]] = {
    "heap": heap,
    "cartons": cartons,
    "picture frame or tray": picture_frame,
    "bowl or ring": bowl,
    "items in a ring": ring_of_items,
}
"""What is no bin, by name."""


def photograph(height: NDArray[np.float32], seed: int, workspace: Workspace = GROUND) -> RgbdFrame:
    """The picture that a random camera above the table takes: noise, shadows, holes, soft edges."""
    random = np.random.default_rng((seed, 2))
    camera = CAMERAS[random.integers(len(CAMERAS))]
    tilt = random.choice([0.0, random.uniform(-0.35, 0.35)])
    away = random.uniform(0.65, 0.95)
    pose = looking_down(away, tilt)
    turn = random.uniform(-math.pi, math.pi)
    about_z = np.eye(4)
    about_z[:2, :2] = ((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn)))
    pose = about_z @ pose
    depth = cast(height.astype(np.float32), workspace.extent, camera.matrix, pose, *camera.shape)
    return RgbdFrame(as_seen(depth, camera, random), None, camera, pose)
