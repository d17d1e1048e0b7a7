"""``cell calibrate``: touched points and a picture become a stored calibration, or a refusal that names the culprit."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.cameras.base import Camera
from grasping_student.cameras.recorded import RecordedCamera
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.board_config import BoardConfig
from grasping_student.perception.calibration import Calibration, calibrate, plane_in_camera, save_calibration
from grasping_student.perception.charuco import SeenBoard, board_picture, see_board
from grasping_student.perception.frame import RgbdFrame
from grasping_student.perception.rigid_fit import check_fit, fit_rigid
from grasping_student.perception.touched_points import points_in_camera, read_touched
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, sha256_of_file
from grasping_student.pipeline.stage import StageRun
from grasping_student.robots.cell.calibration_config import CalibrateConfig
from grasping_student.robots.cell.camera_view import CameraViewConfig
from grasping_student.robots.cell.cell_file import load_cell
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.devices import arm_config, view_config

DOTS_AN_INCH = 300.0

DEPTH_OFF = 0.004
"""Depths that disagree with the board by more than this are noted, metres."""


PlotCalibration = Callable[[Calibration, RgbdFrame, Workspace, NDArray[np.float64], NDArray[np.float64], Path], None]


def run(config: CalibrateConfig, plot: PlotCalibration) -> Calibration:
    """Fit, check, store and draw.

    Args:
        config: cell, touched points, limits, output folder.
        plot: ``plotting.calibration_figure.plot_calibration``; plotting stands above this part.

    Raises:
        UserError: anything missing, a board or point that is not seen, or a fit that is not good enough; nothing is
            stored then.
    """
    stage = StageRun("cell calibrate", config)
    if config.cell is None or config.touched is None:
        raise UserError("cell calibrate needs --cell FILE (the robot cell) and --touched FILE (the touched points)")
    cell = load_cell(config.cell)
    points = read_touched(config.touched)
    frame, serial = take_frame(cell, config.frame)
    board = None
    if config.method == "charuco":
        if frame.rgb is None:
            raise UserError("a ChArUco board is seen in colour, and the frame has none; give one, or --method points")
        board = see_board(frame.rgb, frame.intrinsics, config.board)
    in_camera, pixels = points_in_camera(points, frame, board)
    names = [point.name for point in points]
    fit = fit_rigid(in_camera, np.array([point.base for point in points]).reshape(-1, 3))
    check_fit(fit, names, config.max_residual_mm / 1000.0)
    world_to_base = cell.workspace_in_base.world_to_base
    camera_to_world, plane, noise = calibrate(
        frame, fit, world_to_base, cell.workspace, math.radians(config.max_tilt_degrees)
    )
    calibration = Calibration(
        fitted_camera_to_base=fit.from_to,
        camera_to_base=world_to_base @ camera_to_world,
        camera_to_world=camera_to_world,
        table_in_camera=plane_in_camera(camera_to_world),
        residuals_mm={name: 1000.0 * float(value) for name, value in zip(names, fit.residuals, strict=True)},
        residual_mm=1000.0 * fit.rms,
        method="charuco" if board is not None else "touch points",
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        camera_serial=serial,
        robot_serial=config.robot_serial or arm_config(cell).serial(),
        intrinsics=frame.intrinsics,
        table_tilt=plane.tilt,
        table_offset=plane.offset,
        table_noise=noise,
        notes=tuple(_board_notes(frame, board)) if board is not None else (),
    )
    with stage.output_folder("calibration.json"):
        save_calibration(calibration, config.out / "calibration.json")
        np.savetxt(config.out / "camera_to_base.txt", calibration.camera_to_base, fmt="%.12g")
        np.savetxt(config.out / "world_to_base.txt", world_to_base, fmt="%.12g")
        plot(calibration, frame, cell.workspace, pixels, fit.residuals, config.out / "calibration.png")
        if frame.rgb is not None:
            cv2.imwrite(str(config.out / "reference.png"), cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY))
        stage.finish({str(path): sha256_of_file(path) for path in (config.cell, config.touched)})
    return calibration


def print_board(board: BoardConfig, path: Path) -> str:
    """Write the board as a PNG that prints at its true size; returns what to do with it.

    Raises:
        UserError: no PNG, an unknown dictionary, or a file that exists.
    """
    from PIL import Image

    if path.suffix.lower() != ".png":
        raise UserError(f"--print-board {path}: give a name that ends in .png")
    if path.exists():
        raise UserError(f"--print-board {path} exists; name another")
    picture = Image.fromarray(board_picture(board, DOTS_AN_INCH / 0.0254))
    with atomic_path(path) as temporary:
        picture.save(temporary, dpi=(DOTS_AN_INCH, DOTS_AN_INCH))
    size = f"{1000 * board.columns * board.square:.0f} x {1000 * board.rows * board.square:.0f} mm"
    return f"{path}: {size}; print it without scaling, glue it to something flat, and measure its squares"


def take_frame(cell: CellConfig, recorded: Path | None) -> tuple[RgbdFrame, str]:
    """One frame and the camera's serial number: of a recorded folder, else of the cell's own camera.

    Raises:
        UserError: the cell has no camera, or it gives no picture.
    """
    camera: Camera
    if recorded is not None:
        camera = RecordedCamera(recorded)
    elif isinstance(options := view_config(cell), CameraViewConfig):
        camera = options.camera.make(np.eye(4))
    else:
        raise UserError(f"the cell's view is '{cell.view.kind}', no camera: give --frame FOLDER of a recorded frame")
    with camera as device:
        return device.read(), device.serial


def _board_notes(frame: RgbdFrame, board: SeenBoard) -> list[str]:
    """Sentences on the reprojection error and on the depth at the board's corners."""
    notes = [f"The board's corners are reprojected within {board.reprojection:.2f} pixels."]
    off = []
    for number, (u, v) in board.pixels.items():
        depth = frame.depth[min(round(v), frame.intrinsics.height - 1), min(round(u), frame.intrinsics.width - 1)]
        off.append(float(depth) - float(board.corners[number][2]))
    if np.isfinite(off).any() and abs(np.nanmedian(off)) > DEPTH_OFF:
        notes.append(
            f"Depth reads {np.nanmedian(off) * 1000:+.1f} mm against the board: measure the printed squares, or "
            "calibrate the camera's depth with the vendor's tool."
        )
    return notes
