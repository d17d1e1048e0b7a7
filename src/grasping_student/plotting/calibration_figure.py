"""The picture of a calibration: where the touched points lie, how far each is off, and what the table looks like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.calibration import Calibration
from grasping_student.perception.frame import RgbdFrame, frame_to_heightmap
from grasping_student.pipeline.files import atomic_path


def plot_calibration(
    calibration: Calibration,
    frame: RgbdFrame,
    workspace: Workspace,
    pixels: NDArray[np.float64],
    residuals: NDArray[np.float64],
    path: Path,
) -> None:
    """Write a PNG with the picture, the residuals and the table's heights after the correction.

    Args:
        calibration: the result.
        frame: the picture it was made from.
        workspace: the table's part that is shown.
        pixels: columns and rows of the points, ``(n, 2)``.
        residuals: of the points, metres, ``(n,)``.
        path: file to write.
    """
    figure = Figure(figsize=(14.0, 4.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    picture, bars, table = figure.subplots(1, 3, width_ratios=(1.6, 0.8, 1.0))
    picture.imshow(frame.depth if frame.rgb is None else frame.rgb)
    dots = picture.scatter(
        pixels[:, 0], pixels[:, 1], c=residuals * 1000.0, s=46, cmap="plasma", edgecolors="white", vmin=0.0
    )
    figure.colorbar(dots, ax=picture, shrink=0.8, label="residual, mm")
    picture.set_title("touched points as the camera sees them")
    picture.set_axis_off()
    names = list(calibration.residuals_mm)
    bars.barh(range(len(names)), list(calibration.residuals_mm.values()), color="#0072b2")
    bars.axvline(calibration.residual_mm, color="#d55e00")
    bars.set_yticks(range(len(names)), names, fontsize=8)
    bars.invert_yaxis()
    bars.set_xlabel("residual, mm (line: root mean square)")
    bars.set_title(f"{calibration.method}: {calibration.residual_mm:.2f} mm")
    placed = replace(frame, camera_to_world=calibration.camera_to_world)
    heights = frame_to_heightmap(placed, workspace).height * 1000.0
    half = workspace.extent * 50.0
    image = table.imshow(heights, cmap="RdBu_r", vmin=-8.0, vmax=8.0, extent=(-half, half, -half, half))
    figure.colorbar(image, ax=table, shrink=0.8, label="mm above the table")
    table.set_xlabel("cm")
    table.set_title(
        f"table, corrected by {np.degrees(calibration.table_tilt):.2f}° and {calibration.table_offset * 1000:+.1f} mm"
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
