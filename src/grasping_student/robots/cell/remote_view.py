"""Heightmaps or camera pictures of another process, as a simulated cell serves them: a line of JSON each way."""

from __future__ import annotations

import base64
import json
import socket
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import Intrinsics, RgbdFrame
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig, observe_frame
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.view import View
from grasping_student.robots.faults import DeviceFault, Fault
from grasping_student.robots.pose import WorkspaceInBase


@dataclass(frozen=True)
class RemoteViewConfig:
    """Address of the process that gives the heightmaps."""

    host: str = "127.0.0.1"
    """Name or address."""

    control_port: int = 0
    """Port on which it takes questions."""

    timeout: float = 10.0
    """Longest wait for a heightmap, seconds."""

    repair: HeightmapRepairConfig = field(default_factory=HeightmapRepairConfig)
    """Repairs of the heightmap, where the other process gives a camera's pictures."""

    def make(self, workspace: Workspace, place: WorkspaceInBase) -> RemoteView:
        """The view; nothing is opened yet. Workspace and place are the other process's affair."""
        return RemoteView(self)


class RemoteView(View):
    """Sees the scene of another process, and can ask it for a new one."""

    def __init__(self, config: RemoteViewConfig) -> None:
        self._config = config

    def connect(self) -> None:
        self._ask("blocks")

    def close(self) -> None:
        """Every question has a connection of its own: there is nothing to close."""

    def observe(self) -> Observation:
        seen = self._ask("heightmap")
        if seen is None:
            raise DeviceFault(Fault.NO_PICTURE, "the camera gave no picture; look at its cable")
        workspace = Workspace(seen["extent"], seen["pixels"], seen["margin"])
        rgb = _unpacked(seen["rgb"], np.uint8)
        if "depth" not in seen:
            height = _unpacked(seen["height"], np.float32).reshape(workspace.shape)
            return Observation.of(Heightmap(height, rgb.reshape(*workspace.shape, 3), workspace))
        lens = Intrinsics(**seen["intrinsics"])
        depth = _unpacked(seen["depth"], np.float32).reshape(lens.shape)
        frame = RgbdFrame(depth, rgb.reshape(*lens.shape, 3), lens, np.array(seen["camera_to_world"]))
        try:
            return observe_frame(frame, workspace, self._config.repair)
        except UserError as error:  # a picture that shows no workspace
            raise DeviceFault(Fault.NO_PICTURE, str(error)) from None

    def new_scene(self, seed: int) -> bool:
        self._ask("reset", seed=seed)
        return True

    def _ask(self, action: str, **values: Any) -> Any:
        config = self._config
        place = f"{config.host}:{config.control_port}"
        try:
            with socket.create_connection((config.host, config.control_port), timeout=config.timeout) as connection:
                connection.sendall(json.dumps({"do": action, "with": values}).encode() + b"\n")
                reply = json.loads(connection.makefile("r", encoding="utf-8").readline())
        except (OSError, ValueError) as error:
            raise DeviceFault(Fault.NO_PICTURE, f"no heightmap from {place} ({error})") from None
        if "error" in reply:
            raise DeviceFault(Fault.NO_PICTURE, f"the process at {place} failed: {reply['error']}")
        return reply["result"]


def _unpacked(text: str, kind: DTypeLike) -> NDArray[Any]:
    """An array as the other process packed it, flat, in memory of its own."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind).copy()
