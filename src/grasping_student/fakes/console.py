"""``cell fake``: the simulated cell for a person at a terminal, who may break it and take that back."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from grasping_student.cameras.simulated import looking_down
from grasping_student.cameras.simulated_board import board_frame, board_point
from grasping_student.fakes.configuration import FakeCellConfig
from grasping_student.fakes.launch import FakeCell, simulated_cell
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.board_config import BoardConfig
from grasping_student.perception.frame_files import save_frame
from grasping_student.pipeline.configuration import to_yaml
from grasping_student.pipeline.files import write_text
from grasping_student.pipeline.stage import StageRun
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.pose import tool_down
from grasping_student.simulation.families import simulation

TOUCHED = (0, 6, 28, 34, 17)
"""Corners of the board that a person would touch: four far apart and one in the middle."""

FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "protective stop": ("protective_stop", {}),
    "emergency stop": ("emergency_stop", {}),
    "link dropped": ("drop_link", {"seconds": 0.3}),
    "controller restarts": ("restart", {"seconds": 0.3}),
    "cable pulled": ("freeze", {"on": True}),
    "state goes stale": ("mute", {"on": True}),
    "state is NaN": ("nan_state", {"on": True}),
    "force is NaN": ("senseless", {"values": {"actual_TCP_force": [math.nan] * 6}}),
    "unknown robot mode": ("robot_mode", {"mode": 42}),
    "program ends": ("stop_program", {}),
    "gripper too hot": ("gripper", {"fault": "8"}),
    "gripper fault is no number": ("gripper", {"fault": "0x0C"}),
    "gripper silent": ("gripper", {"silent": True}),
    "gripper talks nonsense": ("gripper", {"garbled": True}),
    "gripper position is none": ("gripper", {"senseless": {"POS": "300"}}),
    "gripper closes the link": ("gripper", {"drop_next": True}),
    "fingers stuck": ("gripper", {"stuck": True}),
    "gripper in emergency stop": ("gripper", {"emergency": True}),
    "camera blind": ("blind", {"on": True}),
}
"""Faults that the fakes can have: what a person types, and the action of the control port."""

HELP = f"""a fault breaks something: {", ".join(FAULTS)}
clear            takes all of it back, as a person would before `cell recover`
lead X Y Z       puts the tool there (base frame, metres), as a hand would while teaching
where            tells where the tool is and how far the fingers are open"""


def clear_faults(fakes: FakeCell) -> None:
    """Take every fault back, as a person would before recovering the cell."""
    for switch in ("freeze", "mute", "nan_state", "blind"):
        fakes.do(switch, on=False)
    if fakes.do("report")["robot_mode"] == 42:
        fakes.do("robot_mode", mode=7)
    fakes.do("senseless", values={})
    fakes.do("release_emergency_stop")
    fakes.do(
        "gripper", senseless={}, fault="0", silent=False, garbled=False, drop_next=False, stuck=False, emergency=False
    )


def print_now(text: str) -> None:
    """Print without waiting for more: the reader may be a file."""
    print(text, flush=True)


def run(config: FakeCellConfig, lines: Iterable[str] | None = None, log: Callable[[str], object] = print_now) -> None:
    """Serve until Ctrl-C; ``lines`` are what the person types (standard input if None)."""
    stage = StageRun("cell fake", config)
    workspace = Workspace(pixels=config.pixels)
    scenes = simulation(
        config.family, config.engine, sensor=config.sensor, items=config.items, mesh_unit=config.mesh_unit
    )
    served = simulated_cell(config.speedup, workspace, scenes, config.out / "telemetry")
    with stage.output_folder(), served as (fakes, cell):
        stage.finish()
        fakes.do("reset", seed=config.seed)
        write_text(config.out / "cell.yaml", to_yaml(replace(cell, telemetry=Path("telemetry"))))
        write_bench(config, cell)
        log(f"fake UR5e and 2F-85 at {fakes.host}, blocks in the simulator; the cell's file: {config.out}/cell.yaml")
        log("type `help` for what can be broken; Ctrl-C ends the fakes")
        try:
            for line in sys.stdin if lines is None else lines:
                log(obey(fakes, line.strip()))
            if lines is None:
                threading.Event().wait()  # started without a terminal: serve until killed
        except KeyboardInterrupt:
            log("the fakes are gone")


def obey(fakes: FakeCell, line: str) -> str:
    """Do what a person typed; returns the answer."""
    word, *values = line.split() or [""]
    if line in FAULTS:
        action, options = FAULTS[line]
        fakes.do(action, **options)
        return f"{line}: now"
    if line in ("clear", "mend"):  # `mend` is the old word
        clear_faults(fakes)
        return "all is well again; the program under test waits for `cell recover`"
    if word == "lead":
        try:
            x, y, z = map(float, values)
        except ValueError:  # not three, or no numbers
            return HELP
        fakes.do("place_tool", pose=list(tool_down(x, y, z, 0.0).values))
    if word in ("lead", "where"):
        report = fakes.do("report")
        place = " ".join(f"{value:+.3f}" for value in report["pose"][:3])
        return f"tool at {place} m, fingers {report['stroke_mm']:.0f} mm open"
    return HELP


def write_bench(config: FakeCellConfig, cell: CellConfig) -> None:
    """A rendered frame of a board on the table, and the points that the tool would have touched, 0.3 mm off."""
    board = BoardConfig()
    save_frame(board_frame(looking_down(0.75, 0.12), board, seed=config.seed), config.out / "frame")
    random = np.random.default_rng(config.seed)
    points = []
    for corner in TOUCHED:
        base = cell.workspace_in_base.world_to_base @ np.append(board_point(corner, board), 1.0)
        touched = base[:3] + random.normal(0.0, 0.0003, 3)
        points.append({"corner": corner, "base": [round(float(value), 5) for value in touched]})
    write_text(config.out / "touched.yaml", yaml.safe_dump({"touched": points}, default_flow_style=None))
