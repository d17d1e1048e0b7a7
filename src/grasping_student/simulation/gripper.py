"""Motions of the two-finger gripper and what it holds, written once for every engine (paper, section V)."""

from __future__ import annotations

import numpy as np

from grasping_student.simulation.engine import LEFT, RIGHT, TIP, YAW, PhysicsEngine, X, Y

STALL_WINDOW = 10 / 240
"""A motion has stalled when it covers too little of its way in this time, seconds."""


class Gripper:
    """The gripper of an engine's scene. Forces and speeds are those of the config."""

    def __init__(self, engine: PhysicsEngine) -> None:
        self._engine = engine
        self._config = engine.config.gripper
        self._window = engine.steps_of(STALL_WINDOW)

    def tip(self) -> float:
        """Height of the finger tips, metres."""
        return float(self._engine.joints()[TIP])

    def gap(self) -> float:
        """Distance between the finger pads, metres."""
        joints = self._engine.joints()
        return float(joints[LEFT] + joints[RIGHT])

    def descend(self, target: float) -> bool:
        """Lower the tips to a height; False when something stops them on the way."""
        self._engine.move_fingers(0.0)
        self._engine.move_tip(-self._config.descend_speed, self._config.descend_force)
        trail = [self.tip()]
        step = self._config.descend_speed * self._engine.time_step
        for _ in range(int(2 * (trail[0] - target) / step) + 2 * self._window):
            self._engine.step()
            trail.append(self.tip())
            if trail[-1] <= target + 0.0005:
                self._engine.hold_tip(target)
                return True
            if self._stalled(trail, 0.2 * self._window * step):
                return False
        return False

    def spans_a_wall(self) -> bool:
        """Whether a pad has come down on the far side of a bin's wall, so that closing would pull at the bin."""
        joints, walls = self._engine.joints(), self._engine.config.walls
        if walls.height == 0.0 or joints[TIP] >= walls.height:
            return False
        along = np.array([np.cos(joints[YAW]), np.sin(joints[YAW])])
        pads = joints[[X, Y]] + np.array([[joints[LEFT]], [-joints[RIGHT]]]) * along
        return bool(np.abs(pads).max() > walls.top)

    def close(self) -> None:
        """Close until the fingers stand still or nothing is left between them."""
        self._engine.move_fingers(-self._config.close_speed)
        step = self._config.close_speed * self._engine.time_step
        trail = [self.gap()]
        for _ in range(int(self._config.geometry.opening / step) + 2 * self._window):
            self._engine.step()
            trail.append(self.gap())
            if trail[-1] < self._config.empty_gap or self._stalled(trail, 0.05 * self._window * step):
                return

    def lift(self) -> None:
        """Raise the tips by the height at which a grasp is judged."""
        start = self.tip()
        self._engine.move_tip(self._config.lift_speed, 100.0)
        for _ in range(int(2 * self._config.lift_height / (self._config.lift_speed * self._engine.time_step))):
            self._engine.step()
            if self.tip() - start >= self._config.lift_height or self.gap() < self._config.empty_gap:
                return

    def held(self) -> list[int]:
        """Solids that hang between both fingers, directly or through each other; empty if the chain is broken."""
        if self.gap() < self._config.empty_gap:
            return []
        left, right = self._engine.finger_contacts()
        if not left or not right:
            return []
        return sorted(left & right or self._chain(left, right))

    def _stalled(self, trail: list[float], least: float) -> bool:
        """Whether the last value lies less than ``least`` below the one a window before, once two more were seen."""
        return len(trail) > self._window + 2 and trail[-1 - self._window] - trail[-1] < least

    def _chain(self, left: set[int], right: set[int]) -> set[int]:
        pairs = [set(pair) for pair in self._engine.contacts()]
        return {i for pair in pairs if pair & left and pair & right for i in pair}
