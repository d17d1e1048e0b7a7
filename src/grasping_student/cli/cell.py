"""The ``cell`` commands but ``fake``: calibrate and check the camera, monitor, recover and teach the robot cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grasping_student.pipeline.errors import UserError, require_extra

if TYPE_CHECKING:
    from grasping_student.robots.cell.calibration_config import CalibrateConfig, CheckConfig
    from grasping_student.web.monitor_config import MonitorConfig

QUESTION = "Is the cell clear, and nobody's hand in it? Type yes: "


def calibrate(config: CalibrateConfig) -> None:
    """Fit where the camera stands, and print how good the fit is."""
    from grasping_student.plotting.calibration_figure import plot_calibration
    from grasping_student.robots.cell.calibrate import print_board, run

    if config.print_board is not None:
        print(print_board(config.board, config.print_board))
        return
    calibration = run(config, plot_calibration)
    for note in calibration.notes:
        print(note)
    each = ", ".join(f"{name} {value:.1f}" for name, value in calibration.residuals_mm.items())
    print(
        f"residual {calibration.residual_mm:.2f} mm over {len(calibration.residuals_mm)} points ({each}); table "
        f"corrected by {math.degrees(calibration.table_tilt):.2f} degrees and "
        f"{calibration.table_offset * 1000:+.1f} mm\nwritten: {config.out / 'calibration.json'}, "
        f"{config.out / 'calibration.png'}"
    )


def check(config: CheckConfig) -> None:
    """Print every finding about what the camera sees.

    Raises:
        UserError: something must be mended before the cell may pick.
    """
    from grasping_student.robots.cell.check_camera import run

    findings = run(config)
    for finding in findings:
        print(f"{finding.severity:<8}{finding.about:<12}{finding.words}")
    errors = [finding.about for finding in findings if finding.severity == "error"]
    if errors:
        raise UserError(f"{len(errors)} of {len(findings)} checks failed ({', '.join(errors)}): mend these first")


def monitor(config: MonitorConfig) -> None:
    """Serve the live page until Ctrl-C."""
    require_extra("web", "nicegui")
    from grasping_student.robots.cell.cell_file import load_cell
    from grasping_student.serving.access import checked_binding
    from grasping_student.web.monitor_page import build_monitor_page
    from grasping_student.web.monitor_source import MonitorSource
    from grasping_student.web.server import serve

    cell = load_cell(config.cell)
    binding = checked_binding(config.host, config.port, config.token, moves_robot=True)
    source = MonitorSource(cell, config.run, config.seed)
    serve(binding, "Robot cell", lambda: build_monitor_page(cell, source))


@dataclass(frozen=True)
class RecoverOptions:
    """On the operator's word, clear a stop of the robot cell; nothing moves."""

    cell: Path
    """The robot cell's file."""

    yes: bool = False
    """Do not ask: you have looked into the cell."""


def recover(options: RecoverOptions) -> None:
    """Ask, clear the stop, take the arm once and look at the gripper to see that they are well, and let go."""
    from grasping_student.robots.cell.cell_file import load_cell
    from grasping_student.robots.cell.devices import gripper_config, make_arm
    from grasping_student.robots.cell.resets import ask_at_terminal
    from grasping_student.robots.cell.telemetry import TelemetryFolder
    from grasping_student.robots.faults import DeviceFault

    cell = load_cell(options.cell, to_move=True)
    if not options.yes and ask_at_terminal(QUESTION).strip().lower() != "yes":
        raise UserError("nothing was recovered: look into the cell first, then answer yes")
    arm = make_arm(cell)
    try:
        arm.recover()
        print(f"arm {arm.state().mode}; {gripper_config(cell).status()}; nothing moved")
    except DeviceFault as fault:
        raise UserError(str(fault)) from None
    finally:
        arm.close()
    TelemetryFolder(cell.telemetry).clear_stop()


@dataclass(frozen=True)
class TeachOptions:
    """Record the waypoints of the automatic reset while leading the arm by hand."""

    cell: Path
    """The robot cell's file; its `reset` is replaced."""

    speed: float = 0.2
    """Of the moves between waypoints, metres a second."""


def teach_reset(options: TeachOptions) -> None:
    """Record waypoints and put them into the cell's file."""
    from grasping_student.robots.cell.cell_file import load_cell
    from grasping_student.robots.cell.devices import make_arm, make_gripper
    from grasping_student.robots.cell.resets import ask_at_terminal, check_waypoints, save_waypoints, teach
    from grasping_student.robots.cell.telemetry import TelemetryFolder
    from grasping_student.robots.faults import DeviceFault

    cell = load_cell(options.cell, to_move=True)
    if TelemetryFolder(cell.telemetry).stop_requested:
        raise UserError(
            "the stop button was pressed and holds for this program too; when the cause is removed, "
            f"`grasping-student cell recover --cell {options.cell}` clears it"
        )
    cell.safe_box.check_speed(options.speed, cell.pick.acceleration, cell.safe_box.fastest)
    try:
        with make_arm(cell) as arm, make_gripper(cell) as gripper:
            waypoints = teach(arm, gripper, ask_at_terminal, options.speed)
            longest = gripper.longest_stroke_mm
    except DeviceFault as fault:
        raise UserError(f"{fault}. {options.cell} is as it was") from None
    if not waypoints:
        raise UserError(f"no waypoint was recorded; {options.cell} is as it was")
    for line in check_waypoints(waypoints, cell.safe_box, cell.pick.acceleration, longest):
        print(f"warning: {line}")
    save_waypoints(options.cell, waypoints)
    print(f"{len(waypoints)} waypoints in {options.cell}; see them with `evaluate picking --dry-run`")
