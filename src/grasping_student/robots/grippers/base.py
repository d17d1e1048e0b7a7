"""The interface of a parallel gripper and of its options, and the paper's check that it holds something."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from grasping_student.pipeline.registry import Registry
from grasping_student.robots.grippers import DRIVERS

UNMOVED_MM = 1.0
"""A second close that moves the fingers less than this found them blocked, millimetres."""


@dataclass(frozen=True)
class GripperState:
    """Latest state that the gripper reported.

    Attributes:
        stroke_mm: opening between the fingers, millimetres.
        object_detected: the fingers were stopped by something before they reached the requested opening.
        fully_closed: the fingers touch, or all but touch.
    """

    stroke_mm: float
    object_detected: bool
    fully_closed: bool


class Gripper(ABC):
    """A two-finger gripper. ``move`` returns when the fingers stand still, or raises ``GripperFault``."""

    @property
    @abstractmethod
    def longest_stroke_mm(self) -> float:
        """Opening when fully open, millimetres."""

    @abstractmethod
    def connect(self) -> None:
        """Connect and make ready; the fingers move only if the gripper was not active before.

        Raises:
            GripperFault: no answer, or the gripper reports a fault.
        """

    @abstractmethod
    def close(self) -> None:
        """Disconnect; the fingers stay as they are. Calling it twice does no harm."""

    @abstractmethod
    def state(self) -> GripperState:
        """The state now.

        Raises:
            GripperFault: no answer, or the gripper reports a fault.
        """

    @abstractmethod
    def move(self, stroke_mm: float) -> GripperState:
        """Move the fingers to an opening in millimetres, or until they meet something.

        Raises:
            ValueError: the opening is not between 0 and ``longest_stroke_mm``.
            GripperFault: no answer, a fault, or no end in time.
        """

    @abstractmethod
    def hold(self) -> None:
        """Stop the fingers where they are. Never raises."""

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class GripperConfig(ABC):
    """Options of a gripper in a cell's file: a frozen dataclass that is registered by ``register_gripper``."""

    @abstractmethod
    def make(self) -> Gripper:
        """The driver; nothing is connected yet."""

    @abstractmethod
    def status(self) -> str:
        """Opening of a gripper that nobody drives, for a person to read; it is not activated, so nothing moves.

        Raises:
            GripperFault: no answer, or the gripper reports a fault.
        """


GRIPPERS: Registry[GripperConfig] = Registry("gripper", DRIVERS)
register_gripper = GRIPPERS.register


def check_stroke(stroke_mm: float, longest_mm: float) -> None:
    """Make sure that an opening exists.

    Raises:
        ValueError: it is not finite, negative, or more than the gripper's stroke.
    """
    if not 0.0 <= stroke_mm <= longest_mm:  # NaN fails too
        raise ValueError(f"stroke is {stroke_mm} mm; this gripper opens 0 to {longest_mm:.0f} mm")


def close_on_object(gripper: Gripper) -> bool:
    """Close and return whether something is held: the paper's check of success.

    The gripper reports an object, is not fully closed, and a second close does not change its opening.
    """
    first = gripper.move(0.0)
    return _blocks(first) and _unmoved(first, gripper.move(0.0))


def still_holding(gripper: Gripper) -> bool:
    """Whether the fingers are still kept apart: they report an object, and a further close does not move them."""
    before = gripper.state()
    return _blocks(before) and _unmoved(before, gripper.move(0.0))


def _blocks(state: GripperState) -> bool:
    return state.object_detected and not state.fully_closed


def _unmoved(before: GripperState, after: GripperState) -> bool:
    return _blocks(after) and abs(after.stroke_mm - before.stroke_mm) < UNMOVED_MM
