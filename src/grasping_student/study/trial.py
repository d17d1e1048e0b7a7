"""One cell of an experiment: a setting in a regime with a draw of labels and training seed."""

from __future__ import annotations

from dataclasses import dataclass

from grasping_student.study.conditions import ARMS, METHODS, Arm
from grasping_student.study.designs import Point


@dataclass(frozen=True)
class Cell:
    """Where a run stands in an experiment."""

    regime: str
    setting: str
    draw: int
    point: Point

    def arm(self, name: str) -> Arm:
        """The arm of a name; ``student_method`` is the student that the setting names."""
        if name != "student_method":
            return ARMS[name]
        method = self.point.method
        assert method is not None
        return Arm(METHODS[method].title, "student", "", teacher="teacher_augmented", method=method)
