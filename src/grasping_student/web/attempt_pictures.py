"""Pictures of a dataset's attempts over HTTP, for pages that list many of them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fastapi import Response
from nicegui import app

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.pipeline.errors import UserError
from grasping_student.plotting.png import png_bytes
from grasping_student.web.pictures import around, draw_gripper, enlarge, height_colours

PictureKind = Literal["crop", "height", "colour"]

CROP = 0.15
"""Side of the square shown around a grasp, metres; more for a gripper that is wider."""

SIDES = (16, 1024)
"""Smallest and largest picture that is made, pixels."""


def picture_address(attempt: Attempt, kind: PictureKind, side: int) -> str:
    """Where the picture of an attempt is served; it changes if an id is ever given to another attempt."""
    return f"/attempts/{attempt.id}/{kind}.png?side={side}&made={attempt.created_at[-15:]}"


def attempt_picture(
    heightmap: Heightmap, attempt: Attempt, kind: PictureKind, side: int, gripper: GripperGeometry
) -> bytes:
    """PNG of an attempt with its grasp drawn to scale, ``side`` pixels square."""
    workspace = heightmap.workspace
    base = heightmap.rgb if kind == "colour" else height_colours(heightmap)
    if attempt.grasp is None:
        return png_bytes(enlarge(base, side))
    metres = min(max(CROP, 1.25 * (gripper.opening + 2 * gripper.finger_thickness)), workspace.extent)
    zoom = workspace.extent / metres if kind == "crop" else 1.0
    picture = draw_gripper(enlarge(base, round(side * zoom)), attempt.grasp, gripper, workspace, max(1, side // 80))
    if kind == "crop":
        picture = around(picture, attempt.grasp, metres, workspace)
    return png_bytes(enlarge(picture, side))


def serve_attempt_pictures(path: Path, gripper: GripperGeometry) -> None:
    """Register ``/attempts/{id}/{kind}.png``; a deleted attempt still has its picture, so that it can be restored."""
    dataset = Dataset(path)

    @app.get("/attempts/{attempt_id}/{kind}.png")
    def picture(attempt_id: int, kind: PictureKind, side: int = 96) -> Response:
        side = min(max(side, SIDES[0]), SIDES[1])
        try:
            attempt, heightmap = dataset.attempt(attempt_id), dataset.heightmap(attempt_id)
        except UserError as error:
            return Response(str(error), status_code=404, media_type="text/plain")
        content = attempt_picture(heightmap, attempt, kind, side, gripper)
        return Response(content, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})
