"""A scene as the canvas in the browser takes it: plain JSON values, the heights once per scene."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.plotting.png import png_address
from grasping_student.web.footprint import TOUCH
from grasping_student.web.pictures import UNMEASURED_COLOUR, palette, top_of_scale
from grasping_student.web.suggestions import Suggestion

HEIGHT_UNIT = 1e-4
"""Heights travel as whole numbers of 0.1 mm, as they lie in the dataset."""

HEIGHT_OFFSET = -0.1
"""Lowest height that travels, metres."""

UNMEASURED = 65535


def encode_height(heightmap: Heightmap) -> str:
    """Little-endian uint16 in base 64: 0.1 mm above 10 cm under the table; 65535 is unmeasured."""
    steps = np.round((heightmap.height.astype(np.float64) - HEIGHT_OFFSET) / HEIGHT_UNIT)
    steps = np.where(np.isfinite(steps), np.clip(steps, 0, UNMEASURED - 1), UNMEASURED)
    return base64.b64encode(steps.astype("<u2").tobytes()).decode("ascii")


def grasp_payload(grasp: PlanarGrasp | None) -> dict[str, Any] | None:
    """A grasp as the canvas takes it."""
    return None if grasp is None else {"row": grasp.row, "col": grasp.col, "angle": grasp.angle}


def suggestion_payload(suggestions: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """Suggested grasps as the canvas takes them, best first."""
    return [{"row": s.grasp.row, "col": s.grasp.col, "angle": s.grasp.angle, "score": s.score} for s in suggestions]


def scene_payload(
    number: int, heightmap: Heightmap, gripper: GripperGeometry, draft: PlanarGrasp | None = None
) -> dict[str, Any]:
    """Everything that the canvas needs to draw a scene and to check a footprint on it.

    Args:
        number: which scene; an action that names another one is stale.
        heightmap: the scene.
        gripper: drawn to scale.
        draft: a grasp to begin with, after an undo.
    """
    workspace = heightmap.workspace
    return {
        "number": number,
        "pixels": workspace.pixels,
        "extent": workspace.extent,
        "margin": workspace.margin_pixels,
        "height": encode_height(heightmap),
        "height_unit": HEIGHT_UNIT,
        "height_offset": HEIGHT_OFFSET,
        "top": top_of_scale(heightmap),
        "rgb": png_address(heightmap.rgb),
        "palette": base64.b64encode(palette().tobytes()).decode("ascii"),
        "unmeasured_colour": list(UNMEASURED_COLOUR),
        "gripper": {**asdict(gripper), "touch": TOUCH},
        "draft": grasp_payload(draft),
    }
