"""Straight-line motion of a tool with a trapezoidal speed profile."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp


class StraightMotion:
    """One tool at a pose (metres, rotation vector in radians), perhaps on its way to another."""

    def __init__(self, pose: Sequence[float]) -> None:
        self._start = self._target = np.asarray(pose, dtype=np.float64)
        self._length = self._travelled = self.speed = 0.0
        self._top_speed = self._acceleration = 1.0
        self._turn: Slerp | None = None
        self._halting = False

    @property
    def moving(self) -> bool:
        return self._travelled < self._length

    @property
    def pose(self) -> NDArray[np.float64]:
        """Pose now, shape ``(6,)``."""
        if not self.moving:
            return self._target.copy()
        share = self._travelled / self._length
        turn = self._turn([share])[0].as_rotvec() if self._turn else self._target[3:]
        return np.concatenate([self._start[:3] + share * (self._target[:3] - self._start[:3]), turn])

    @property
    def velocity(self) -> NDArray[np.float64]:
        """Linear velocity, metres a second, shape ``(3,)``."""
        way = self._target[:3] - self._start[:3]
        distance = float(np.linalg.norm(way))
        return way / distance * self.speed if self.moving and distance > 0.0 else np.zeros(3)

    def go(self, target: Sequence[float], speed: float, acceleration: float) -> None:
        """Begin a move from where the tool is now."""
        start, end = self.pose, np.asarray(target, dtype=np.float64)
        turns = Rotation.from_rotvec([start[3:], end[3:]])
        angle = float((turns[0].inv() * turns[1]).magnitude())
        # A pure turn gets a length too: a radian counts as 0.2 m, about the way of a point on the gripper.
        self._length = max(float(np.linalg.norm(end[:3] - start[:3])), 0.2 * angle)
        self._start, self._target, self._travelled, self.speed = start, end, 0.0, 0.0
        self._turn = Slerp([0.0, 1.0], turns) if angle > 1e-9 else None
        self._top_speed, self._acceleration, self._halting = speed, acceleration, False

    def halt(self, deceleration: float) -> None:
        """Slow down along the path and stay there."""
        self._halting, self._acceleration = True, max(deceleration, 1e-3)

    def freeze(self) -> None:
        """Stop at once."""
        self._target = self.pose
        self._length = self._travelled = self.speed = 0.0
        self._halting = False

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if not self.moving:
            self.speed = 0.0
            return
        left = self._length - self._travelled
        allowed = 0.0 if self._halting else min(self._top_speed, math.sqrt(2.0 * self._acceleration * left))
        change = self._acceleration * seconds
        self.speed = max(self.speed - change, allowed) if self.speed > allowed else min(self.speed + change, allowed)
        self._travelled += self.speed * seconds
        if self._halting and self.speed <= 0.0:
            self.freeze()
        elif left - self.speed * seconds < 1e-7 or (self.speed < 1e-4 and left < 1e-6):
            self._travelled = self._length
            self.speed = 0.0
