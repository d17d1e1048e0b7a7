"""Dry run: stand-ins for arm and gripper that log every motion and make none, and a drawing of the motions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from grasping_student.pipeline.files import atomic_path
from grasping_student.robots.arms.base import Arm, ArmState, Descent
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.grippers.base import Gripper, GripperState, check_stroke
from grasping_student.robots.pose import ToolPose, finger_angle


@dataclass(frozen=True)
class Motion:
    """One motion that would have been made."""

    kind: Literal["move", "descend", "fingers"]
    start: ToolPose
    end: ToolPose
    speed: float
    stroke_mm: float | None = None

    def describe(self) -> str:
        """The motion as a line of text."""
        if self.kind == "fingers":
            return f"fingers to {self.stroke_mm:5.1f} mm"
        where = " ".join(f"{value:+.3f}" for value in self.end.values[:3])
        angle = math.degrees(finger_angle(self.end))
        return f"{self.kind:<7} to {where} m, fingers at {angle:5.1f} deg, {1000 * self.speed:3.0f} mm/s"


class MotionLog:
    """Motions in their order; each is logged when it is added."""

    def __init__(self, start: ToolPose, log: Callable[[str], object] = print) -> None:
        self.motions: list[Motion] = []
        self.here = start
        self._log = log

    def add(self, motion: Motion) -> None:
        """Note a motion."""
        self.motions.append(motion)
        self.here = motion.end
        self._log(motion.describe())


class DryRunArm(Arm):
    """An arm that is always where it was last sent."""

    def __init__(self, notes: MotionLog) -> None:
        self._notes = notes

    def connect(self) -> None:
        """Nothing to connect."""

    def close(self) -> None:
        """Nothing to close."""

    def state(self) -> ArmState:
        return ArmState(time.monotonic(), self._notes.here, 0.0, (0.0, 0.0, 0.0), "dry run", True)

    def move(self, pose: ToolPose, speed: float, acceleration: float) -> ToolPose:
        self._notes.add(Motion("move", self._notes.here, pose, speed))
        return pose

    def descend(self, pose: ToolPose, speed: float, acceleration: float, force: float) -> Descent:
        self._notes.add(Motion("descend", self._notes.here, pose, speed))
        return Descent(pose, contact=False, force=0.0)

    def stop(self) -> None:
        """Nothing moves."""

    def recover(self) -> None:
        """Nothing was stopped."""


class DryRunGripper(Gripper):
    """A gripper that always finds something to hold."""

    def __init__(self, notes: MotionLog, object_mm: float = 30.0) -> None:
        self._notes, self._object_mm, self._stroke_mm = notes, object_mm, 85.0

    @property
    def longest_stroke_mm(self) -> float:
        return 85.0

    def connect(self) -> None:
        """Nothing to connect."""

    def close(self) -> None:
        """Nothing to close."""

    def state(self) -> GripperState:
        return GripperState(self._stroke_mm, self._stroke_mm <= self._object_mm, self._stroke_mm <= 0.0)

    def move(self, stroke_mm: float) -> GripperState:
        check_stroke(stroke_mm, self.longest_stroke_mm)
        here = self._notes.here
        self._notes.add(Motion("fingers", here, here, 0.0, stroke_mm))
        self._stroke_mm = max(stroke_mm, self._object_mm)
        return self.state()

    def hold(self) -> None:
        """Nothing moves."""


def plot_motions(motions: Sequence[Motion], config: CellConfig, path: Path) -> None:
    """Draw motions from above and from the side, with the safe box, the workspace and the second box's place."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Polygon, Rectangle

    box = config.safe_box
    half = config.workspace.extent / 2
    corners = np.array([[-half, -half, 0, 1], [half, -half, 0, 1], [half, half, 0, 1], [-half, half, 0, 1]])
    square = (config.workspace_in_base.world_to_base @ corners.T).T[:, :3]
    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, (across, up), title in zip(
        figure.subplots(1, 2), ((0, 1), (0, 2)), ("from above", "from the side"), strict=True
    ):
        size = (box.high[across] - box.low[across], box.high[up] - box.low[up])
        axes.add_patch(Rectangle((box.low[across], box.low[up]), *size, fill=False, ls="--", ec="0.4"))
        axes.add_patch(Polygon(square[:, [across, up]], fill=True, fc="0.9", ec="0.6"))
        axes.plot(*config.drop_pose().position[[across, up]], "s", ms=10, mfc="none", mec="tab:green")
        for motion in motions:
            ends = np.stack([motion.start.position, motion.end.position])
            colour = {"move": "tab:blue", "descend": "tab:red", "fingers": "tab:orange"}[motion.kind]
            style = "o" if motion.kind == "fingers" else "-"
            width = 4.0 if motion.kind == "descend" else 1.2  # broad, so that the retreat over it leaves it visible
            axes.plot(ends[:, across], ends[:, up], style, color=colour, lw=width, ms=4, alpha=0.7)
        axes.set(xlabel=f"base {'xyz'[across]}, m", ylabel=f"base {'xyz'[up]}, m", title=title, aspect="equal")
    figure.suptitle(
        "dry run: moves blue, guarded descents red, fingers orange; safe box dashed, workspace grey, drop green",
        fontsize=9,
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format=path.suffix[1:])
