"""``cell check``: one frame of the cell's camera, or a recorded one, before the depth doctor."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.calibration import Calibration, load_calibration
from grasping_student.cameras.depth_doctor import Finding, examine
from grasping_student.cameras.files import frame_files, load_frame
from grasping_student.configuration import with_values
from grasping_student.environments.robot_cell.calibrating import take_frame
from grasping_student.environments.robot_cell.calibration_config import CheckConfig
from grasping_student.environments.robot_cell.camera_view import RealSenseViewConfig
from grasping_student.environments.robot_cell.config import CellConfig, load_cell
from grasping_student.errors import UserError
from grasping_student.files import prepare_output, write_json


def run(config: CheckConfig) -> list[Finding]:
    """Look, and write ``check.json`` if a folder was named.

    Raises:
        UserError: neither a cell nor a frame was given, or no frame can be had.
    """
    if config.cell is None and config.frame is None:
        raise UserError("cell check needs --cell FILE (the robot cell), or --frame FOLDER of a recorded frame")
    cell = load_cell(config.cell) if config.cell is not None else CellConfig()
    calibration: Calibration | None = None
    reference: NDArray[np.uint8] | None = None
    path = config.calibration or _calibration_of(cell)
    if path is not None:
        calibration = load_calibration(path)
        picture = cv2.imread(str(path.parent / "reference.png"), cv2.IMREAD_GRAYSCALE)
        reference = None if picture is None else np.asarray(picture, dtype=np.uint8)
    findings = _examine(config, cell, calibration, reference)
    if config.out is not None:
        prepare_output(config.out, overwrite=config.overwrite)
        write_json(config.out / "check.json", {"findings": [asdict(finding) for finding in findings]})
    return findings


def _examine(
    config: CheckConfig, cell: CellConfig, calibration: Calibration | None, reference: NDArray[np.uint8] | None
) -> list[Finding]:
    if config.frame is not None and (config.frame / "camera.json").exists():
        try:
            frame, _ = load_frame(frame_files(config.frame), config.depth_unit)
        except UserError as error:
            return [Finding("units", "error", str(error))]
        serial = ""
    else:
        frame, serial = take_frame(cell, config.frame)
    return examine(frame, cell.workspace, calibration, serial, reference)


def _calibration_of(cell: CellConfig) -> Path | None:
    """``calibration.json`` beside the pose that a cell's camera names, if it is there."""
    if cell.view.kind != "realsense":
        return None
    pose = with_values(RealSenseViewConfig(), cell.view.options, "view.options").camera_to_base
    beside = pose.parent / "calibration.json"
    return beside if beside.exists() else None
