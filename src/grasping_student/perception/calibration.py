"""Calibration of the camera's place: from touched points to a stored calibration with its residuals, and back."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.floor import FloorPlane, fit_floor, refine_floor
from grasping_student.perception.frame import Intrinsics, RgbdFrame, check_pose, frame_to_heightmap, world_points
from grasping_student.perception.rigid_fit import RigidFit
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json

SCHEMA_VERSION = 1
POSES = ("fitted_camera_to_base", "camera_to_base", "camera_to_world")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Where a camera stands and how well that is known.

    Attributes:
        fitted_camera_to_base: camera frame to the arm's base, 4 x 4, from the touched points alone.
        camera_to_base: the same with the table's tilt and height corrected: what a cell uses.
        camera_to_world: camera frame to the workspace's world, 4 x 4, corrected.
        table_in_camera: the table's plane as ``(a, b, c, d)`` with ``a x + b y + c z + d = 0``, unit normal, metres.
        residuals_mm: of every point, by its name.
        residual_mm: their root mean square.
        method: ``charuco`` or ``touch points``.
        date: ISO 8601, UTC.
        camera_serial: of the camera.
        robot_serial: of the arm; empty if not told.
        intrinsics: of the camera when calibrated.
        table_tilt: turned away by the correction, radians.
        table_offset: height taken off by the correction, metres.
        table_noise: standard deviation of the table's heights, metres.
        notes: in words.
    """

    fitted_camera_to_base: NDArray[np.float64]
    camera_to_base: NDArray[np.float64]
    camera_to_world: NDArray[np.float64]
    table_in_camera: tuple[float, float, float, float]
    residuals_mm: dict[str, float]
    residual_mm: float
    method: str
    date: str
    camera_serial: str
    robot_serial: str
    intrinsics: Intrinsics
    table_tilt: float
    table_offset: float
    table_noise: float
    notes: tuple[str, ...] = ()


def table_correction(plane: FloorPlane) -> NDArray[np.float64]:
    """The motion that lays a plane onto z = 0: the smallest turn about its point under the origin, then down.

    Args:
        plane: in the world frame before the correction.

    Returns:
        4 x 4, from the world before to the world after.
    """
    normal = np.array([-plane.slope_x, -plane.slope_y, 1.0])
    normal /= np.linalg.norm(normal)
    axis, cosine = np.cross(normal, (0.0, 0.0, 1.0)), normal[2]
    skew = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    motion = np.eye(4)
    motion[:3, :3] = np.eye(3) + skew + skew @ skew / (1.0 + cosine)
    motion[:3, 3] = -motion[:3, :3] @ np.array([0.0, 0.0, plane.offset])
    return motion


def plane_in_camera(camera_to_world: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """The world's z = 0 in the camera's frame, as ``(a, b, c, d)`` with a unit normal towards the camera's side."""
    a, b, c = camera_to_world[2, :3]
    return float(a), float(b), float(c), float(camera_to_world[2, 3])


def calibrate(
    frame: RgbdFrame, fit: RigidFit, world_to_base: NDArray[np.floating], workspace: Workspace, largest_tilt: float
) -> tuple[NDArray[np.float64], FloorPlane, float]:
    """From camera to base and the table in the picture to ``camera_to_world``.

    Args:
        frame: of the empty or sparsely filled table; its own pose is not used.
        fit: camera to base.
        world_to_base: where the workspace lies, 4 x 4.
        workspace: its extent.
        largest_tilt: largest tilt between fit and table that is corrected rather than refused, radians.

    Returns:
        ``camera_to_world`` corrected, the table's plane before the correction, the table's noise (metres).

    Raises:
        UserError: no table is seen, or it lies far off what the touched points say.
    """
    nominal = np.linalg.inv(world_to_base) @ fit.from_to
    placed = replace(frame, camera_to_world=nominal)
    plane = fit_floor(frame_to_heightmap(placed, workspace))
    if plane is None:
        raise UserError(
            "no table is seen where the touched points put the workspace (within 10 degrees and 25 mm): is the "
            "workspace's place in the cell's file right, and were the points touched with the tool's tip?"
        )
    if plane.tilt > largest_tilt:
        raise UserError(
            f"the table in the picture is tilted by {math.degrees(plane.tilt):.2f} degrees against the touched points, "
            f"{math.degrees(largest_tilt):.2f} are allowed: touch the points again, further apart"
        )
    plane, noise = refine_floor(world_points(placed), workspace, plane)
    return table_correction(plane) @ nominal, plane, noise


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration as JSON."""
    values: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
    for field in dataclasses.fields(calibration):
        value = getattr(calibration, field.name)
        if isinstance(value, np.ndarray):
            value = value.tolist()
        elif isinstance(value, Intrinsics):
            value = dataclasses.asdict(value)
        values[field.name] = value
    write_json(path, values)


def load_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        UserError: missing, of another kind or version, or its pose is no rigid motion.
    """
    values = read_json(path)
    if not isinstance(values, dict) or values.get("schema_version") != SCHEMA_VERSION:
        raise UserError(f"{path} is no calibration of version {SCHEMA_VERSION}; make one with: cell calibrate")
    names = {field.name for field in dataclasses.fields(Calibration)}
    missing = sorted(names - values.keys())
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}; make it anew with: cell calibrate")
    try:
        calibration = Calibration(
            **{
                **{name: values[name] for name in names},
                **{name: np.array(values[name], dtype=np.float64) for name in POSES},
                "table_in_camera": tuple(values["table_in_camera"]),
                "intrinsics": Intrinsics(**values["intrinsics"]),
                "notes": tuple(values["notes"]),
            }
        )
        for name in POSES:
            check_pose(getattr(calibration, name), name)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} holds no calibration: {error}; make it anew with: cell calibrate") from None
    return calibration
