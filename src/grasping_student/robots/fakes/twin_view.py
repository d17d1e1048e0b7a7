"""The camera of the physical twin: the simulator's heightmap, fetched over the fakes' control port."""

from __future__ import annotations

import base64
import json
import socket
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation
from grasping_student.robots.cell.view import View
from grasping_student.robots.faults import DeviceFault, Fault


@dataclass(frozen=True)
class TwinViewConfig:
    """Where the twin listens."""

    host: str = "127.0.0.1"
    """Loopback address of the fakes."""

    control_port: int = 0
    """Port that the fakes printed when they started."""

    timeout: float = 10.0
    """Longest wait for a picture, seconds."""


class TwinView(View):
    """Sees the twin's blocks and can drop new ones."""

    def __init__(self, config: TwinViewConfig) -> None:
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
        height = np.frombuffer(zlib.decompress(base64.b64decode(seen["height"])), np.float32)
        rgb = np.frombuffer(zlib.decompress(base64.b64decode(seen["rgb"])), np.uint8)
        heightmap = Heightmap(height.reshape(workspace.shape), rgb.reshape(*workspace.shape, 3), workspace)
        return Observation.of(heightmap).copy()

    def new_scene(self, seed: int) -> bool:
        self._ask("reset", seed=seed)
        return True

    def _ask(self, action: str, **values: Any) -> Any:
        config = self._config
        try:
            with socket.create_connection((config.host, config.control_port), timeout=config.timeout) as connection:
                connection.sendall(json.dumps({"do": action, "with": values}).encode() + b"\n")
                reply = json.loads(connection.makefile("r", encoding="utf-8").readline())
        except (OSError, ValueError) as error:
            raise DeviceFault(Fault.NO_PICTURE, f"no picture from the twin ({error})") from None
        if "error" in reply:
            raise DeviceFault(Fault.NO_PICTURE, f"the twin failed: {reply['error']}")
        return reply["result"]
