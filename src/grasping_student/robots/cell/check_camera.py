"""``cell check``: one frame of the cell's camera, or a recorded one, through the diagnostics of the camera."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.perception.calibration import Calibration, load_calibration
from grasping_student.perception.camera_diagnostics import Diagnostic, examine
from grasping_student.perception.frame_files import FrameFormat, frame_files, load_frame
from grasping_student.perception.intrinsics_files import check_plausible
from grasping_student.perception.pose_files import read_pose
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.robots.cell.calibrate import take_frame
from grasping_student.robots.cell.calibration_config import CheckConfig
from grasping_student.robots.cell.camera_view import CameraViewConfig, calibrated_pose, camera_to_world
from grasping_student.robots.cell.cell_file import load_cell
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.devices import view_config

SAME_POSE = 1e-4
"""Numbers of one pose in two files agree within this, metres or cosines."""


def run(config: CheckConfig) -> list[Diagnostic]:
    """Look, and write ``check.json`` if a folder was named.

    Raises:
        UserError: neither a cell nor a frame was given, or no frame can be had.
    """
    if config.cell is None and config.frame is None:
        raise UserError("cell check needs --cell FILE (the robot cell), or --frame FOLDER of a recorded frame")
    cell = load_cell(config.cell) if config.cell is not None else None
    calibration: Calibration | None = None
    reference: NDArray[np.uint8] | None = None
    path = config.calibration or _calibration_beside(cell)
    if path is not None:
        calibration = load_calibration(path)
        picture = cv2.imread(str(path.parent / "reference.png"), cv2.IMREAD_GRAYSCALE)
        reference = None if picture is None else np.asarray(picture, dtype=np.uint8)
    findings = _examine(config, cell, calibration, reference) + _compare_poses(cell, calibration)
    findings += _check_file(config.cell)
    if config.out is not None:
        stage = StageRun("cell check", config)
        with stage.output_folder("check.json", reads=[path]):
            write_json(config.out / "check.json", {"findings": [asdict(finding) for finding in findings]})
            stage.finish()
    return findings


def _examine(
    config: CheckConfig, cell: CellConfig | None, calibration: Calibration | None, reference: NDArray[np.uint8] | None
) -> list[Diagnostic]:
    pose = _pose_of_picking(config, cell, calibration)
    if config.frame is not None and (config.frame / "camera.json").exists():
        try:
            frame, _ = load_frame(frame_files(config.frame), FrameFormat.of(config))
        except UserError as error:
            return [Diagnostic("units", "error", str(error))]
        serial = ""
    else:
        frame, serial = take_frame(cell or CellConfig(), config.frame)
        try:
            check_plausible(frame.intrinsics)  # a frame from files was checked when it was read
        except ValueError as error:
            return [Diagnostic("intrinsics", "error", f"{error}.")]
    if pose is not None:
        frame = replace(frame, camera_to_world=pose)
    return examine(frame, (cell or CellConfig()).workspace, calibration, serial, reference)


def _pose_of_picking(
    config: CheckConfig, cell: CellConfig | None, calibration: Calibration | None
) -> NDArray[np.float64] | None:
    """``camera_to_world`` with which the cell would pick; None for the recorded frame's own.

    Where the cell names no pose, or not yet, that of the calibration stands in for it.

    Raises:
        UserError: the pose that the cell's camera names is missing, and it is this camera that looks.
    """
    if cell is None:
        return None if calibration is None else calibration.camera_to_world
    options = _calibrated_camera(cell)
    if options is not None and (config.frame is None or options.camera_to_base.exists()):
        return calibrated_pose(options, cell.workspace_in_base)
    return None if calibration is None else camera_to_world(calibration.camera_to_base, cell.workspace_in_base)


def _compare_poses(cell: CellConfig | None, calibration: Calibration | None) -> list[Diagnostic]:
    """An error if the cell picks with another pose than the one that was calibrated."""
    options = _calibrated_camera(cell)
    if options is None or calibration is None or not options.camera_to_base.exists():
        return []
    if np.allclose(read_pose(options.camera_to_base), calibration.camera_to_base, rtol=0.0, atol=SAME_POSE):
        return []
    words = f"{options.camera_to_base} holds another pose than the calibration of {calibration.date}"
    return [Diagnostic("pose", "error", f"{words}: let view.options.camera_to_base name the one beside it.")]


def _check_file(path: Path | None) -> list[Diagnostic]:
    """The place of the workspace, and a warning if the cell's file is enough to look, but not to pick."""
    if path is None:
        return []
    place = load_cell(path).workspace_in_base
    words = f"The workspace is turned by {math.degrees(place.yaw):.1f} degrees against the arm's base."
    findings = [Diagnostic("cell", "good", words)]
    try:
        load_cell(path, to_move=True)
    except UserError as error:
        findings.append(Diagnostic("cell", "warning", f"Picking would refuse this file: {error}."))
    return findings


def _calibration_beside(cell: CellConfig | None) -> Path | None:
    """``calibration.json`` beside the pose that a cell's camera names, if it is there."""
    options = _calibrated_camera(cell)
    beside = None if options is None else options.camera_to_base.parent / "calibration.json"
    return beside if beside is not None and beside.exists() else None


def _calibrated_camera(cell: CellConfig | None) -> CameraViewConfig | None:
    """Options of a cell's own camera; None if it has none, or one whose frames have poses of their own."""
    options = None if cell is None else view_config(cell)
    return options if isinstance(options, CameraViewConfig) and not options.camera.frames_have_poses else None
