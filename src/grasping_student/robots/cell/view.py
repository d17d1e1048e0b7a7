"""The interface to what sees the workspace from above."""

from __future__ import annotations

from abc import ABC, abstractmethod

from grasping_student.perception.observation import Observation


class View(ABC):
    """Something that sees the workspace from above."""

    @abstractmethod
    def connect(self) -> None:
        """Make ready.

        Raises:
            DeviceFault: it can't be reached.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go; calling it twice does no harm."""

    @abstractmethod
    def observe(self) -> Observation:
        """The workspace now, in memory of the caller's own; the arm must be out of the picture.

        Raises:
            DeviceFault: no picture came.
        """

    def new_scene(self, seed: int) -> bool:
        """Fill the workspace anew if this view can (a simulator's can); False if it can't."""
        return False
