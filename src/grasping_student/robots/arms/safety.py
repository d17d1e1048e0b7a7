"""The last gate before any arm: a box, a speed limit, and no number that is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from grasping_student.robots.arms.base import Arm, ArmState, Descent
from grasping_student.robots.faults import UnsafeMotion
from grasping_student.robots.pose import ToolPose

FARTHEST = 3.0
"""No arm that this is for reaches farther from its base, metres."""

START_TOLERANCE = 0.005
"""An arm may begin a move this far outside the box, metres: resting on the floor reads as just below it."""


@dataclass(frozen=True)
class SafeBox:
    """Limits of the tool centre point in place and speed. The box is convex, so straight moves stay inside."""

    low: tuple[float, float, float] = (-0.40, -0.75, 0.005)
    """Smallest base x, y and z, metres; the z is the floor that nothing goes below."""

    high: tuple[float, float, float] = (0.80, -0.20, 0.60)
    """Largest base x, y and z, metres."""

    fastest: float = 0.30
    """Speed limit, metres a second (the authors' travel speed)."""

    fastest_descent: float = 0.05
    """Speed limit of a guarded descent, metres a second."""

    hardest_acceleration: float = 1.2
    """Metres a second squared."""

    strongest_contact: float = 40.0
    """Largest contact force that a descent may press with, newtons."""

    steepest_tilt: float = 0.10
    """Largest angle between the tool and straight down, radians."""

    def __post_init__(self) -> None:
        numbers = (
            *self.low,
            *self.high,
            self.fastest,
            self.fastest_descent,
            self.hardest_acceleration,
            self.strongest_contact,
            self.steepest_tilt,
        )
        if not all(map(math.isfinite, numbers)):
            raise ValueError("the safe box holds a number that is not finite")
        if max(map(abs, (*self.low, *self.high))) > FARTHEST:
            raise ValueError(
                f"the safe box reaches from {self.low} to {self.high} m, farther than any arm: were these millimetres?"
            )
        for axis, low, high in zip("xyz", self.low, self.high, strict=True):
            if low >= high:
                raise ValueError(
                    f"the safe box is empty: low {axis} is {low:g} m and must be smaller than high {axis}, {high:g} m; "
                    "are the two exchanged?"
                )
        if not (0.0 < self.fastest_descent <= self.fastest <= 1.0):
            raise ValueError(f"speed limits {self.fastest_descent} and {self.fastest} m/s: 0 < descent <= travel <= 1")
        if not (0.0 < self.hardest_acceleration <= 5.0 and 0.0 < self.strongest_contact <= 150.0):
            raise ValueError(
                f"hardest_acceleration {self.hardest_acceleration} m/s2 must lie in (0, 5], strongest_contact "
                f"{self.strongest_contact} N in (0, 150]"
            )
        if not 0.0 <= self.steepest_tilt <= math.pi:
            raise ValueError(
                f"steepest_tilt is {self.steepest_tilt}; it must lie in [0, pi] radians: were these degrees?"
            )

    def contains(self, pose: ToolPose, tolerance: float = 0.0) -> bool:
        """Whether a point lies in the box or at most ``tolerance`` metres outside it; NaN lies nowhere."""
        inside = zip(self.low, (pose.x, pose.y, pose.z), self.high, strict=True)
        return all(low - tolerance <= value <= high + tolerance for low, value, high in inside)

    def check_pose(self, pose: ToolPose) -> None:
        """Make sure that the tool may go there.

        Raises:
            UnsafeMotion: it may not.
        """
        if not pose.finite:
            raise UnsafeMotion(f"a pose with a number that is not finite was refused: {pose}")
        if not self.contains(pose):
            where = ", ".join(f"{value:.3f}" for value in pose.values[:3])
            raise UnsafeMotion(
                f"({where}) m lies outside the safe box {self.low} to {self.high}; nothing moved. "
                "Is the calibration right, is `safe_box` in the cell's file what you measured?"
            )
        if pose.tilt > self.steepest_tilt + 1e-9:
            raise UnsafeMotion(
                f"the tool would lean {math.degrees(pose.tilt):.0f} degrees; at most "
                f"{math.degrees(self.steepest_tilt):.0f} are allowed (`safe_box.steepest_tilt`)"
            )

    def check_speed(self, speed: float, acceleration: float, limit: float) -> None:
        """Make sure that a motion keeps the limits.

        Raises:
            UnsafeMotion: it does not.
        """
        if not 0.0 < speed <= limit:  # NaN fails too
            raise UnsafeMotion(f"speed {speed} m/s was refused; it must be above 0 and at most {limit}")
        if not 0.0 < acceleration <= self.hardest_acceleration:
            raise UnsafeMotion(
                f"acceleration {acceleration} m/s2 was refused; it must be above 0 and at most "
                f"{self.hardest_acceleration}"
            )


class GuardedArm(Arm):
    """Any arm behind the safe box: what is not allowed raises ``UnsafeMotion`` before the driver is called.

    Args:
        arm: the driver.
        box: where it may go and how fast.
        may_move: asked before every motion; raises ``ArmFault`` where somebody wants the arm to stand still.
    """

    def __init__(self, arm: Arm, box: SafeBox, may_move: Callable[[], object] = lambda: None) -> None:
        self._arm, self.box, self._may_move = arm, box, may_move

    def connect(self) -> None:
        self._arm.connect()

    def close(self) -> None:
        self._arm.close()

    def state(self) -> ArmState:
        return self._arm.state()

    def move(self, pose: ToolPose, speed: float, acceleration: float) -> ToolPose:
        self.box.check_pose(pose)
        self.box.check_speed(speed, acceleration, self.box.fastest)
        self._check_start()
        return self._arm.move(pose, speed, acceleration)

    def descend(self, pose: ToolPose, speed: float, acceleration: float, force: float) -> Descent:
        self.box.check_pose(pose)
        self.box.check_speed(speed, acceleration, self.box.fastest_descent)
        if not 0.0 < force <= self.box.strongest_contact:
            raise UnsafeMotion(f"a contact force of {force} N was refused; at most {self.box.strongest_contact} N")
        self._check_start()
        return self._arm.descend(pose, speed, acceleration, force)

    def _check_start(self) -> None:
        self._may_move()
        pose = self._arm.state().pose
        if not self.box.contains(pose, START_TOLERANCE):
            where = ", ".join(f"{value:.3f}" for value in pose.values[:3])
            raise UnsafeMotion(
                f"the tool stands at ({where}) m, outside the safe box: move it inside by hand or with the tablet"
            )

    def stop(self) -> None:
        self._arm.stop()

    def recover(self) -> None:
        self._arm.recover()

    def free(self, on: bool) -> None:
        self._arm.free(on)
