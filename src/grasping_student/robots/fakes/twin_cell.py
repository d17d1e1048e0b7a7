"""A robot cell whose devices are fakes with the simulator behind them, ready to drive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from grasping_student.geometry.workspace import Workspace, paper_workspace
from grasping_student.pipeline.configuration import to_plain
from grasping_student.robots.arms.safety import SafeBox
from grasping_student.robots.cell.config import CellConfig, DeviceConfig, PickConfig
from grasping_student.robots.fakes.launch import FakeCell
from grasping_student.simulation.config import SimulationConfig, standard


@contextmanager
def twin_cell(
    speedup: float = 20.0,
    workspace: Workspace | None = None,
    simulation: SimulationConfig | None = None,
    live: Path | None = None,
    patience: float = 1.0,
) -> Iterator[tuple[FakeCell, CellConfig]]:
    """Start the twin; yields its controls and the cell's config.

    Args:
        speedup: how much faster than real time the fakes move.
        workspace: None takes the paper's 338 pixels.
        simulation: scenes behind the fakes; None takes the standard ones.
        live: folder for ``cell monitor``.
        patience: factor on the drivers' time limits, for a machine that is busy with other work.
    """
    world = replace(simulation or standard(), workspace=workspace or paper_workspace())
    with FakeCell(speedup, twin={"simulation": to_plain(world)}) as fakes:
        yield fakes, twin_config(fakes, world, live, patience)


def twin_config(
    fakes: FakeCell, world: SimulationConfig, live: Path | None = None, patience: float = 1.0
) -> CellConfig:
    """The cell's config for running fakes; finger depth and clearance are those of the simulated gripper."""
    arm = {"host": fakes.host, "watchdog_frequency": 10.0 / patience, "stale_after": min(0.2 * patience, 2.0)}
    depth, clearance = world.gripper.finger_depth, world.gripper.clearance
    return CellConfig(
        arm=DeviceConfig("ur5e", arm),
        gripper=DeviceConfig("robotiq-2f85", {"host": fakes.host, "port": fakes.gripper_port}),
        view=DeviceConfig("twin", {"host": fakes.host, "control_port": fakes.control_port}),
        workspace=world.workspace,
        safe_box=replace(SafeBox(), low=(-0.40, -0.75, clearance - 0.001)),
        pick=PickConfig(finger_depth=depth, clearance=clearance),
        live=live,
    )
