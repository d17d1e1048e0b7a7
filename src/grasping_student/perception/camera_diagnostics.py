"""Camera diagnostics: one sentence for everything in a frame that is wrong with camera, pose or table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.calibration import Calibration
from grasping_student.perception.floor import FloorPlane, fit_floor, refine_floor
from grasping_student.perception.frame import RgbdFrame, frame_to_heightmap, pixels_of_world_points, world_points
from grasping_student.perception.holes import shadows

Severity = Literal["good", "warning", "error"]


@dataclass(frozen=True)
class Diagnostic:
    """The result of one check.

    Attributes:
        about: ``units``, ``coverage``, ``holes``, ``tilt``, ``background``, ``noise``, ``moved``, ``pose`` or ``cell``.
        severity: ``error`` makes grasps wrong or impossible, ``warning`` makes them worse.
        words: what was measured, what is right, what to do.
    """

    about: str
    severity: Severity
    words: str


@dataclass(frozen=True, eq=False)
class FrameReport:
    """A frame with what the checks need of it.

    Attributes:
        frame: the picture.
        heightmap: raw, of the workspace.
        floor: the plane found, or None.
        noise: standard deviation of the camera's points about it, metres.
        calibration: where the camera should stand, or None.
        camera_serial: of the camera in hand.
        reference: grey picture taken when calibrating, or None.
    """

    frame: RgbdFrame
    heightmap: Heightmap
    floor: FloorPlane | None
    noise: float
    calibration: Calibration | None = None
    camera_serial: str = ""
    reference: NDArray[np.uint8] | None = None


def examine(
    frame: RgbdFrame,
    workspace: Workspace,
    calibration: Calibration | None = None,
    camera_serial: str = "",
    reference: NDArray[np.uint8] | None = None,
) -> list[Diagnostic]:
    """The results of all checks of one frame, in the order in which causes should be removed.

    Args:
        frame: the picture, its depth in metres, and the pose that is checked: the one with which grasps are picked.
        workspace: what should be seen.
        calibration: to compare with, or None.
        camera_serial: of the camera in hand; empty if unknown.
        reference: grey picture taken when calibrating.
    """
    units = check_units(frame)
    if units.severity == "error":
        return [units]  # in another unit nothing else means anything
    heightmap = frame_to_heightmap(frame, workspace)
    floor, noise = fit_floor(heightmap), 0.0
    if floor is not None:
        floor, noise = refine_floor(world_points(frame), workspace, floor)
    report = FrameReport(frame, heightmap, floor, noise, calibration, camera_serial, reference)
    checks: tuple[Callable[[FrameReport], Diagnostic], ...] = (
        check_coverage,
        check_holes,
        check_moved,
        check_tilt,
        check_background,
        check_noise,
    )
    return [units, *(check(report) for check in checks)]


def check_units(frame: RgbdFrame) -> Diagnostic:
    """Whether the depths can be metres of a table-top camera."""
    if not frame.measured.any():
        return Diagnostic(
            "units", "error", "No pixel has a depth: is the lens covered, the camera too near, or unplugged?"
        )
    typical = float(np.nanmedian(frame.depth))
    if typical > 20.0:
        words = f"The typical depth is {typical:g} m: these are millimetres; divide by 1000 or say --depth-unit mm."
        return Diagnostic("units", "error", words)
    if typical < 0.1:
        words = f"The typical depth is {typical * 1000:g} mm, nearer than any camera measures: wrong unit or scale."
        return Diagnostic("units", "error", words)
    if typical > 3.0:
        words = f"The typical depth is {typical:.1f} m: the camera looks past the table, or hangs too high."
        return Diagnostic("units", "warning", words)
    return Diagnostic("units", "good", f"Depths are metres, typically {typical:.2f}.")


def check_coverage(report: FrameReport) -> Diagnostic:
    """Whether the picture holds the whole workspace."""
    half = report.heightmap.workspace.extent / 2
    names = ("far left", "far right", "near right", "near left")
    corners = np.array([(-half, half, 0.0), (half, half, 0.0), (half, -half, 0.0), (-half, -half, 0.0)])
    frame = report.frame
    _, _, inside = pixels_of_world_points(corners, frame.intrinsics, frame.camera_to_world)
    if inside.all():
        return Diagnostic("coverage", "good", "All four corners of the workspace lie in the picture.")
    missing = ", ".join(name for name, seen in zip(names, inside, strict=True) if not seen)
    seen = 1.0 - float(shadows(report.heightmap).mean())
    severity: Severity = "error" if seen < 0.9 else "warning"
    return Diagnostic(
        "coverage",
        severity,
        f"The workspace's {missing} corner is outside the picture ({seen:.0%} of the workspace "
        "was seen): move the camera, or take a smaller extent.",
    )


def check_holes(report: FrameReport) -> Diagnostic:
    """How much of the workspace has no depth."""
    shadow = shadows(report.heightmap)
    share = float(shadow[report.heightmap.workspace.graspable_slice].mean())
    if share > 0.3:
        words = "look for glare, black or shining surfaces, too little light or pattern, or a camera that is too near."
        return Diagnostic("holes", "error", f"{share:.0%} of the graspable area has no depth: {words}")
    if share > 0.08:
        words = f"{share:.0%} of the graspable area has no depth: dark or shining things, or shadows of tall ones."
        return Diagnostic("holes", "warning", words)
    return Diagnostic("holes", "good", f"{share:.1%} of the graspable area has no depth.")


def check_tilt(report: FrameReport) -> Diagnostic:
    """Whether the table lies level in the pose's world."""
    if report.floor is None:
        return Diagnostic(
            "tilt",
            "error",
            "No table was found within 10 degrees and 25 mm of height 0: is the pose right (camera to "
            "world, metres, z up), or is the table covered with things?",
        )
    degrees = math.degrees(report.floor.tilt)
    across = report.floor.tilt * report.heightmap.workspace.extent * 1000.0
    if degrees > 0.5:
        words = f"The table is tilted by {degrees:.2f} degrees, {across:.0f} mm across the workspace: calibrate again."
        return Diagnostic("tilt", "error" if degrees > 3.0 else "warning", words)
    return Diagnostic("tilt", "good", f"The table is level within {degrees:.2f} degrees.")


def check_background(report: FrameReport) -> Diagnostic:
    """Whether the empty table measures zero."""
    if report.floor is None:
        return Diagnostic("background", "error", "Without a table its height cannot be judged.")
    off = report.floor.offset * 1000.0
    if abs(off) > 3.0:
        words = (
            f"The table measures {off:+.1f} mm where it should be 0: camera or table was moved in height, or the "
            "world's origin does not lie on the table. Calibrate again."
        )
        return Diagnostic("background", "error" if abs(off) > 15.0 else "warning", words)
    return Diagnostic("background", "good", f"The table measures {off:+.1f} mm.")


def check_noise(report: FrameReport) -> Diagnostic:
    """How rough the table looks."""
    if report.floor is None:
        return Diagnostic("noise", "warning", "Without a table its noise cannot be judged.")
    noise = report.noise * 1000.0
    if noise > 2.0:
        words = f"The table is rough by {noise:.1f} mm: take the median of more frames, or bring the camera nearer."
        return Diagnostic("noise", "warning", words)
    return Diagnostic("noise", "good", f"The table is smooth within {noise:.1f} mm.")


def check_moved(report: FrameReport) -> Diagnostic:
    """Whether the camera is the one that was calibrated and stands where it stood then."""
    calibration = report.calibration
    if calibration is None:
        return Diagnostic("moved", "warning", "No calibration was given: whether the camera was moved cannot be told.")
    if report.camera_serial and report.camera_serial != calibration.camera_serial:
        words = f"This is camera {report.camera_serial}, calibrated was {calibration.camera_serial}: calibrate again."
        return Diagnostic("moved", "error", words)
    if report.frame.intrinsics.shape != calibration.intrinsics.shape:
        words = f"The picture is {report.frame.intrinsics.shape}, calibrated was {calibration.intrinsics.shape}."
        return Diagnostic("moved", "error", f"{words} Set the camera to the calibrated size.")
    shift = None
    if report.reference is not None and report.frame.rgb is not None:
        shift = picture_shift(report.frame, report.reference, report.heightmap.workspace)
    tilt = 0.0 if report.floor is None else math.degrees(report.floor.tilt)
    off = 0.0 if report.floor is None else report.floor.offset * 1000.0
    if shift is not None and shift > 2.0:
        scale = float(np.nanmedian(report.frame.depth)) / report.frame.intrinsics.fx * 1000.0
        words = f"What stands around the workspace has shifted by {shift:.1f} pixels (about {shift * scale:.0f} mm)"
        return Diagnostic("moved", "error", f"{words} since {calibration.date}: the camera was moved. Calibrate again.")
    if report.floor is None or tilt > 0.7 or abs(off) > 5.0:
        what = "camera or table was moved, or `workspace_in_base` changed"
        words = f"The table lies {off:+.1f} mm and {tilt:.2f} degrees from where it was on {calibration.date}"
        return Diagnostic("moved", "error", f"{words}: {what}. Calibrate again.")
    told = "" if shift is not None else " (sideways it cannot be told without a reference picture)"
    return Diagnostic("moved", "good", f"The camera stands where it was calibrated on {calibration.date}{told}.")


def picture_shift(frame: RgbdFrame, reference: NDArray[np.uint8], workspace: Workspace) -> float | None:
    """How far the surroundings of the workspace have moved in the picture, pixels; None if that cannot be told.

    The workspace itself is left out: what lies in it changes all the time.

    Args:
        frame: with colour.
        reference: grey picture of the same size, taken when calibrating.
        workspace: left out, with a rim of a tenth.
    """
    assert frame.rgb is not None
    now = np.asarray(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    if reference.shape != now.shape:
        return None
    half = 0.55 * workspace.extent
    corners = np.array([(-half, half, 0.0), (half, half, 0.0), (half, -half, 0.0), (-half, -half, 0.0)])
    row, col, _ = pixels_of_world_points(corners, frame.intrinsics, frame.camera_to_world)
    inside = cv2.fillConvexPoly(np.zeros(now.shape, np.uint8), np.column_stack([col, row]).astype(np.int32), 1) > 0
    around = ~inside
    before = reference.astype(np.float32)
    if around.mean() < 0.15 or min(now[around].std(), before[around].std()) < 3.0:
        return None  # nothing to be seen around the workspace
    masked = [np.where(around, picture - picture[around].mean(), 0.0) for picture in (before, now)]
    window = cv2.createHanningWindow((now.shape[1], now.shape[0]), cv2.CV_32F)
    first, second = (each.astype(np.float32) for each in masked)
    (dx, dy), response = cv2.phaseCorrelate(first, second, window)
    return None if response < 0.03 else math.hypot(dx, dy)
