"""The interface of an arm and of its options. Drivers implement both; ``safety.GuardedArm`` wraps every arm."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from grasping_student.pipeline.registry import Registry
from grasping_student.robots.arms import DRIVERS
from grasping_student.robots.pose import ToolPose


@dataclass(frozen=True)
class ArmState:
    """Latest state that the arm reported.

    Attributes:
        time: when the arm reported it, ``time.monotonic()`` seconds of this machine.
        pose: tool centre point in the base frame.
        speed: of the tool, metres a second.
        force: at the tool, newtons in the base frame, since the sensor was last zeroed.
        mode: the maker's word for the arm's mode.
        ready: powered, no stop active, and its program takes commands.
        stop: reason for which the safety system holds the arm, or None.
    """

    time: float
    pose: ToolPose
    speed: float
    force: tuple[float, float, float]
    mode: str
    ready: bool
    stop: str | None = None

    def age(self, now: float | None = None) -> float:
        """Seconds since the arm reported this."""
        return (time.monotonic() if now is None else now) - self.time


@dataclass(frozen=True)
class Descent:
    """End of a guarded descent: pose of the tool, and whether a force stopped it."""

    pose: ToolPose
    contact: bool
    force: float


class Arm(ABC):
    """A robot arm with a tool. Methods that move return when the arm stands still, or raise ``ArmFault``.

    A driver never moves by itself: not after a lost link, not after a stop, not after ``recover``.
    """

    @abstractmethod
    def connect(self) -> None:
        """Take the arm for this process.

        Raises:
            ArmFault: it can't be reached or isn't ready; the message says what to do.
            UserError: another process has it.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop if moving and let go; calling it twice does no harm."""

    @abstractmethod
    def state(self) -> ArmState:
        """The latest state.

        Raises:
            ArmFault: the state is stale, unknown or the link is lost.
        """

    @abstractmethod
    def move(self, pose: ToolPose, speed: float, acceleration: float) -> ToolPose:
        """Move in a straight line and return the pose reached (metres a second, metres a second squared)."""

    @abstractmethod
    def descend(self, pose: ToolPose, speed: float, acceleration: float, force: float) -> Descent:
        """Move in a straight line but stop as soon as the tool feels ``force`` newtons; the sensor is zeroed first."""

    @abstractmethod
    def stop(self) -> None:
        """Brake at once. Never raises: if the arm can't be told, its own watchdog stops it."""

    @abstractmethod
    def recover(self) -> None:
        """On the operator's word: clear a stop and take commands again, without moving."""

    def free(self, on: bool) -> None:
        """Let a person move the arm by hand, for teaching waypoints."""
        raise NotImplementedError(f"{type(self).__name__} can't be moved by hand")

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ArmConfig(ABC):
    """Options of an arm in a cell's file: a frozen dataclass that is registered by ``register_arm``.

    All but ``make`` are for an arm that another process drives, over a channel of its own; nothing moves.
    """

    @abstractmethod
    def make(self) -> Arm:
        """The driver; nothing is connected yet."""

    @abstractmethod
    def brake(self) -> bool:
        """Stop the arm, whoever drives it; False if it did not answer or has no such channel."""

    @abstractmethod
    def status(self) -> str:
        """Mode of the arm now, for a person to read."""

    @abstractmethod
    def serial(self) -> str:
        """Serial number; empty if the arm does not answer or does not tell."""


ARMS: Registry[ArmConfig] = Registry("arm", DRIVERS)
register_arm = ARMS.register
