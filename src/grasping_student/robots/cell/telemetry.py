"""Telemetry of a robot cell, as files in a folder: scene, phase and devices, which ``cell monitor`` reads."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, write_json
from grasping_student.robots.arms.base import ArmState
from grasping_student.robots.grippers.base import GripperState

STATUS, SCENE, STOP_REQUEST = "status.json", "scene.npz", "stop-request"


class TelemetryFolder:
    """Written by the cell, read by the page; each file is whole or not there. Without a folder it does nothing.

    A full disk ends the page's news, never a grasp: after ``begin`` nothing here raises.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._status: dict[str, Any] = {}
        self._scene = time.time_ns()  # number of the scene; the page draws a grasp only on the scene it was chosen for

    def begin(self) -> None:
        """Make sure that the folder can be written.

        Raises:
            UserError: it can't.
        """
        if self.folder is not None:
            try:
                write_json(self.folder / STATUS, {**self._status, "phase": "connecting", "time": time.time()})
            except OSError as error:
                raise UserError(f"`telemetry` in the cell's file: {self.folder} cannot be written: {error}") from None

    def update(self, phase: str, **values: Any) -> None:
        """Replace parts of the status."""
        self._status.update(phase=phase, time=time.time(), **values)
        if self.folder is not None:
            with contextlib.suppress(OSError):
                write_json(self.folder / STATUS, self._status)

    def devices(self, arm: ArmState, gripper: GripperState) -> None:
        """Show the states of the devices."""
        self._status["arm"] = {
            "mode": arm.mode,
            "stop": arm.stop,
            "position": [round(value, 4) for value in arm.pose.values[:3]],
        }
        self._status["gripper"] = {"stroke_mm": round(gripper.stroke_mm, 1), "object": gripper.object_detected}

    def scene(self, heightmap: Heightmap, picture: NDArray[np.uint8] | None) -> None:
        """Show a scene."""
        self._scene += 1
        if self.folder is not None:
            with (
                contextlib.suppress(OSError),
                atomic_path(self.folder / SCENE) as temporary,
                temporary.open("wb") as file,
            ):
                np.savez_compressed(
                    file,
                    height=heightmap.height,
                    rgb=heightmap.rgb,
                    picture=heightmap.rgb if picture is None else picture,
                    extent=heightmap.workspace.extent,
                    margin=heightmap.workspace.margin,
                    number=self._scene,
                )

    def grasp(self, grasp: PlanarGrasp) -> None:
        """Show the chosen grasp."""
        where = {"row": grasp.row, "col": grasp.col, "angle": grasp.angle, "scene": self._scene}
        self.update("picking", grasp=where)

    @property
    def stop_requested(self) -> bool:
        """Whether somebody pressed the page's stop button."""
        return self.folder is not None and (self.folder / STOP_REQUEST).exists()

    def clear_stop(self) -> None:
        """Forget the button."""
        if self.folder is not None:
            (self.folder / STOP_REQUEST).unlink(missing_ok=True)


def read_status(folder: Path) -> dict[str, Any]:
    """The status on file, empty when there is none yet."""
    try:
        return dict(json.loads((folder / STATUS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


class TelemetryScene(NamedTuple):
    """A scene on file: heightmap, the camera's picture of it, and its number."""

    heightmap: Heightmap
    picture: NDArray[np.uint8]
    number: int


def read_scene(folder: Path) -> TelemetryScene | None:
    """The scene on file, or None."""
    try:
        with np.load(folder / SCENE, allow_pickle=False) as file:
            height = file["height"]
            workspace = Workspace(float(file["extent"]), height.shape[0], float(file["margin"]))
            return TelemetryScene(Heightmap(height, file["rgb"], workspace), file["picture"], int(file["number"]))
    except FileNotFoundError:
        return None


def request_stop(folder: Path) -> None:
    """Ask the cell to begin nothing new; the arm itself is braked over its own channel."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STOP_REQUEST).touch()
