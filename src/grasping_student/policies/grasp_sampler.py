"""Grasp candidates that a person who knows the blocks might consider, each with its cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.pipeline.errors import UserError
from grasping_student.simulation.blocks import Block, rotation_of
from grasping_student.simulation.rendering import take_picture

STEEPEST_TILT = 0.4
"""Opposite faces whose axis rises more steeply (its z part) are not gripped."""

SPARE_WIDTH = 0.010
"""A block must be narrower than the opening by this, metres."""

MOST_HIDDEN = 0.6
"""Blocks of which others cover more than this share are not considered."""

FINE_PIXELS = 225
"""Side of the picture in which neighbours are looked for: 2 mm pixels, finer than some heightmaps."""

ALONG_STEP, ACROSS_STEP = 0.003, 0.004
"""Spacing of the points at which the strip under the gripper is looked at, metres."""


@dataclass(frozen=True)
class GraspCandidate:
    """A grasp that a person might try: where, how wide, on which block, and its cost (0 is flawless, above 1 poor)."""

    grasp: PlanarGrasp
    block: int
    width: float
    cost: float


@dataclass(frozen=True, eq=False)
class _BlockInScene:
    """A block as it lies: its number, points on its surface (world, metres), its centre, and how far it is covered."""

    index: int
    surface: NDArray[np.float64]
    centre: NDArray[np.float64]
    hidden: float


@dataclass(frozen=True, eq=False)
class _Contact:
    """A closing line on a block: direction in the plane, shift of its centre across it (metres), rise of its axis."""

    along: NDArray[np.float64]
    shift: float
    tilt: float


def blocks_of(environment: SimulationEnvironment) -> tuple[Block, ...]:
    """The toy blocks of a scene.

    Raises:
        UserError: there are other items in it, whose faces are not known.
    """
    blocks = tuple(item for item in environment.state.items if isinstance(item, Block))
    if len(blocks) < len(environment.state.items):
        raise UserError("the scripted picker knows toy blocks only; for other items take --policy person")
    return blocks


class GraspSampler:
    """All candidates of one scene. The heights are those without noise: who knows the blocks needs no camera."""

    def __init__(self, environment: SimulationEnvironment) -> None:
        self._workspace = environment.workspace
        self._gripper = environment.gripper
        self._blocks = blocks_of(environment)
        self._poses = environment.state.poses
        self._height = environment.picture().heightmap.height
        fine = replace(self._workspace, pixels=max(FINE_PIXELS, self._workspace.pixels))
        self._fine = fine
        self._picture = take_picture(self._blocks, self._poses, fine, environment.config.walls)
        self._rotations = rotation_of(self._poses[:, 3:]) if len(self._blocks) else np.empty((0, 3, 3))
        self._strip = _strip_points(self._gripper)

    def candidates(self) -> list[GraspCandidate]:
        """All candidates, best first."""
        visible = np.unique(self._picture.item[self._fine.graspable_slice])
        found = [each for index in visible[visible >= 0].tolist() for each in self._candidates_of(index)]
        return sorted(found, key=lambda candidate: candidate.cost)

    def _candidates_of(self, index: int) -> list[GraspCandidate]:
        block, rotation, centre = self._blocks[index], self._rotations[index], self._poses[index, :3]
        surface = block.surface @ rotation.T + centre
        hidden = self._hidden_share(surface, index)
        if hidden > MOST_HIDDEN:
            return []
        lying = _BlockInScene(index, surface, centre, hidden)
        found = []
        for axis in block.grip_axes @ rotation.T:
            level = math.hypot(axis[0], axis[1])
            if abs(axis[2]) > STEEPEST_TILT:
                continue
            along = axis[:2] / level
            across = np.array([-along[1], along[0]])
            reach = float(np.abs((surface[:, :2] - centre[:2]) @ across).max())
            shifts = np.array([0.0, -0.008, 0.008, -0.016, 0.016])
            for shift in shifts[np.abs(shifts) < max(reach - 0.008, 0.004)]:
                candidate = self._candidate(lying, _Contact(along, float(shift), abs(axis[2])))
                if candidate is not None:
                    found.append(candidate)
        return found

    def _hidden_share(self, surface: NDArray[np.float64], index: int) -> float:
        """Share of the block's own silhouette that other blocks cover."""
        row, col = self._fine.pixel_from_xy(surface[:, 0], surface[:, 1])
        inside = (np.minimum(row, col) >= 0) & (np.maximum(row, col) < self._fine.pixels)
        cells = np.unique(row[inside] * self._fine.pixels + col[inside])
        shown = self._picture.item.ravel()[cells]
        return float(((shown != index) & (shown >= 0)).mean()) if len(cells) else 1.0

    def _candidate(self, block: _BlockInScene, contact: _Contact) -> GraspCandidate | None:
        """The candidate of one closing line, or None where the fingers cannot hold the block there."""
        gripper, workspace, along = self._gripper, self._workspace, contact.along
        across = np.array([-along[1], along[0]])
        point = block.centre[:2] + contact.shift * across
        relative = block.surface[:, :2] - point
        u, v, z = relative @ along, relative @ across, block.surface[:, 2]
        between = np.abs(v) <= gripper.finger_width / 2
        if not between.any():
            return None
        angle = math.atan2(along[1], along[0])
        grasp = PlanarGrasp.from_xy(float(point[0]), float(point[1]), angle, workspace)
        fine_row, fine_col = self._fine.pixel_from_xy(*point)
        if not workspace.is_graspable(grasp.row, grasp.col) or self._picture.item[fine_row, fine_col] != block.index:
            return None
        tip = tip_height(self._height, grasp.row, grasp.col, gripper)
        gripped = between & (z >= tip)
        if not gripped.any():
            return None
        left, right = float(u[gripped].min()), float(u[gripped].max())
        width = right - left
        if width > gripper.opening - SPARE_WIDTH:
            return None
        widens, low, narrow = _costs_of_the_hold(u, v, z, between, gripped)
        costs = (
            *self._costs_of_neighbours(block, point, along, (left, right), tip),
            widens,
            0.3 * abs(left + right) / 2 / 0.005,
            0.4 * abs(contact.shift) / 0.01,
            low,
            narrow,
            2.0 * contact.tilt,
            0.5 * max(width - 0.06, 0.0) / 0.01,
        )
        return GraspCandidate(grasp, block.index, width, sum(costs))

    def _costs_of_neighbours(
        self,
        block: _BlockInScene,
        point: NDArray[np.float64],
        along: NDArray[np.float64],
        sides: tuple[float, float],
        tip: float,
    ) -> tuple[float, float, float, float]:
        """Costs of what the fingers land on, of what they push aside, and twice of what covers the block."""
        left, right = sides
        across = np.array([-along[1], along[0]])
        strip = point + self._strip[:, :1] * along + self._strip[:, 1:] * across
        row, col = (np.clip(cell, 0, self._fine.pixels - 1) for cell in self._fine.pixel_from_xy(*strip.T))
        strip_height, strip_block = self._picture.heightmap.height[row, col], self._picture.item[row, col]
        distance = np.abs(self._strip[:, 0])
        landing = distance > self._gripper.opening / 2 - 0.002
        swept = ~landing & ((self._strip[:, 0] < left) | (self._strip[:, 0] > right)) & (strip_block != block.index)
        blocked = max(float(strip_height[landing].max()) - tip + 0.002, 0.0)
        pushed = float(np.clip(strip_height[swept] - tip, 0.0, 0.01).sum()) / 0.01 if swept.any() else 0.0
        middle = distance < max((right - left) / 2 - 0.004, ALONG_STEP)
        covered = float(((strip_block != block.index) & (strip_height > tip))[middle].mean())
        return 40.0 * blocked / 0.01, 0.25 * pushed, 3.0 * max(block.hidden - 0.02, 0.0), 4.0 * covered


def _costs_of_the_hold(
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    z: NDArray[np.float64],
    between: NDArray[np.bool_],
    gripped: NDArray[np.bool_],
) -> tuple[float, float, float]:
    """Costs of a block that widens below the tips, of faces that are low, and of faces that are narrow.

    Args:
        u: of the block's points along the closing line, metres, ``(n,)``.
        v: across it.
        z: height.
        between: points between the fingers.
        gripped: those of them above the tips.
    """
    left, right = float(u[gripped].min()), float(u[gripped].max())
    below = between & ~gripped
    wider = max(float(u[below].max()) - right, left - float(u[below].min()), 0.0) if below.any() else 0.0
    faces = gripped & ((u > right - 0.002) | (u < left + 0.002))
    held = min(_extent(z[gripped & (u > right - 0.002)]), _extent(z[gripped & (u < left + 0.002)]))
    return (
        0.5 * max(wider - 0.001, 0.0) / 0.002,
        1.0 * max(0.012 - held, 0.0) / 0.012,
        0.5 * max(0.015 - _extent(v[faces]), 0.0) / 0.015,
    )


def _strip_points(gripper: GripperGeometry) -> NDArray[np.float64]:
    """Points under the open gripper, along and across the closing direction, metres, shape ``(count, 2)``."""
    along = np.arange(0.0, gripper.opening / 2 + gripper.finger_thickness + 0.002, ALONG_STEP)
    across = np.arange(0.0, gripper.finger_width / 2 + 0.002, ACROSS_STEP)
    u, v = np.meshgrid(np.concatenate([-along[:0:-1], along]), np.concatenate([-across[:0:-1], across]))
    return np.stack([u.ravel(), v.ravel()], axis=1)


def _extent(values: NDArray[np.float64]) -> float:
    return float(values.max() - values.min()) if len(values) else 0.0
