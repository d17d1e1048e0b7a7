"""Start of the fakes in a process of their own, with or without the simulator behind them."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from grasping_student.fakes.ur_servers import DASHBOARD_PORT, RTDE_PORT, SCRIPT_PORT
from grasping_student.geometry.workspace import Workspace, paper_workspace
from grasping_student.pipeline.configuration import to_plain
from grasping_student.robots.arms.safety import SafeBox
from grasping_student.robots.cell.config import CellConfig, DeviceConfig
from grasping_student.simulation.config import SimulationConfig
from grasping_student.simulation.families import standard
from grasping_student.simulation.sensors import stereo_repair


def free_loopback_address() -> str:
    """A 127.x.y.z on which the arm's three fixed ports are free: the vendor's client takes no other ports."""
    for attempt in range(1, 200):
        host = f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}.{attempt}"
        if all(_is_free(host, port) for port in (RTDE_PORT, SCRIPT_PORT, DASHBOARD_PORT)):
            return host
    raise OSError("no loopback address has ports 30003, 30004 and 29999 free")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class FakeCell:
    """The fakes as a context manager.

    Attributes:
        host: loopback address of the arm and the gripper.
        gripper_port: port of the gripper.
        control_port: port on which faults are set and the black box is read.

    Args:
        speedup: how much faster than real time the devices move.
        simulation: what stands in the workspace and how it is grasped; None for devices without physics.
    """

    def __init__(self, speedup: float = 10.0, simulation: SimulationConfig | None = None) -> None:
        self.host = free_loopback_address()
        options = ["-m", "grasping_student.fakes", f"--host={self.host}", "--gripper-port=0", f"--speedup={speedup}"]
        command = [sys.executable, *options]
        if simulation is not None:
            command += ["--simulation", json.dumps(to_plain(simulation))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        ports = self._first_line(60.0)
        self.gripper_port = int(ports["gripper_port"])
        self.control_port = int(ports["control_port"])
        self._control = socket.create_connection((self.host, self.control_port), timeout=60.0)
        self._lines = self._control.makefile("r", encoding="utf-8")

    def _first_line(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if readable else ""
        if not line:
            self._process.kill()
            raise RuntimeError("the fakes did not start; their error is above")
        return dict(json.loads(line))

    @property
    def process_id(self) -> int:
        """Of the process that all fakes run in, for tests that kill or halt it."""
        return self._process.pid

    def do(self, action: str, **values: Any) -> Any:
        """Run one action of the control port."""
        self._control.sendall(json.dumps({"do": action, "with": values}).encode() + b"\n")
        reply = json.loads(self._lines.readline())
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["result"]

    def close(self) -> None:
        """End the fakes' process; calling it twice does no harm."""
        if self._process.returncode is not None:
            return
        self._lines.close()
        self._control.close()
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def simulated_cell(
    speedup: float = 20.0,
    workspace: Workspace | None = None,
    simulation: SimulationConfig | None = None,
    telemetry: Path | None = None,
    patience: float = 1.0,
) -> Iterator[tuple[FakeCell, CellConfig]]:
    """A robot cell whose devices are fakes with the simulator behind them; yields its controls and the cell's config.

    Args:
        speedup: how much faster than real time the fakes move.
        workspace: None takes the paper's 338 pixels.
        simulation: scenes behind the fakes; None takes the standard ones.
        telemetry: folder for ``cell monitor``.
        patience: factor on the drivers' time limits, for a machine that is busy with other work.
    """
    scenes = replace(simulation or standard(), workspace=workspace or paper_workspace())
    with FakeCell(speedup, scenes) as fakes:
        yield fakes, simulated_cell_config(fakes, scenes, telemetry, patience)


def simulated_cell_config(
    fakes: FakeCell, simulation: SimulationConfig, telemetry: Path | None = None, patience: float = 1.0
) -> CellConfig:
    """The cell's config for running fakes; the measures of the fingers are those of the simulated gripper."""
    arm = {"host": fakes.host, "watchdog_frequency": 10.0 / patience, "stale_after": min(0.2 * patience, 2.0)}
    geometry = simulation.gripper.geometry
    view: dict[str, Any] = {"host": fakes.host, "control_port": fakes.control_port}
    if simulation.sensor == "stereo":
        view["repair"] = to_plain(stereo_repair(simulation.stereo, simulation.walls))
    return CellConfig(
        arm=DeviceConfig("ur5e", arm),
        gripper=DeviceConfig("robotiq-2f85", {"host": fakes.host, "port": fakes.gripper_port}),
        view=DeviceConfig("remote", view),
        workspace=simulation.workspace,
        safe_box=replace(SafeBox(), low=(-0.40, -0.75, geometry.clearance - 0.001)),
        gripper_geometry=geometry,
        telemetry=telemetry,
    )
