"""The best grasps on one RGB-D picture of any camera: repair, score, choose, draw."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import wrap_angle
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import RgbdFrame
from grasping_student.perception.frame_checks import table_elsewhere
from grasping_student.perception.frame_files import FrameFiles, FrameFormat, load_frame
from grasping_student.perception.grasp_limits import GraspLimits
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig, observe_frame
from grasping_student.perception.observation import Note
from grasping_student.perception.pose_files import read_pose
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import sha256_of_file, write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.serving.configuration import PredictConfig

if TYPE_CHECKING:
    from grasping_student.models.grasp_choice import GraspChoice, GraspQuery, ScoringModel
    from grasping_student.models.grasp_model import GraspModel

PRETRAINED = Path(__file__).parent / "pretrained"
"""The small student that ships with the package."""

FURTHER = 4 / 3
"""Where nothing stands in the model's own extent, and no other was asked for, so much more is looked at."""

LARGEST_WIDENING = 3.0
"""A network is not asked about workspaces more than this many times as wide as its own."""


WALLED = ("bin", "walls-removed")
"""Codes of notes that tell of a bin: an empty one is empty, whatever stands outside of it."""

POOR = 3
"""Exit code of ``--strict`` for a grasp to be doubted."""


class NothingStanding(UserError):
    """The camera sees the workspace, and nothing in it may be grasped.

    Attributes:
        bounded: there is nowhere further to look: a bin was found, or limits leave nothing.
    """

    def __init__(self, message: str, bounded: bool = False) -> None:
        super().__init__(message)
        self.bounded = bounded


def load_model(folder: Path | None, extent: float | None) -> GraspModel:
    """The model of a checkpoint, on a workspace of another extent if asked for.

    The network is convolutional and knows blocks by their size in pixels, so the pixel size stays and their number
    changes: the extent is rounded to whole pixels, the margin stays in metres.

    Raises:
        UserError: no checkpoint, none shipped, or an extent that leaves nothing to grasp or is far from its own.
    """
    from grasping_student.models.grasp_model import GraspModel

    if folder is None and not (PRETRAINED / "config.json").is_file():
        raise UserError("no student ships with this build; train one (grasping-student demo) and give --model FOLDER")
    model = GraspModel.load(folder or PRETRAINED)
    own = model.workspace
    if extent is None or abs(extent - own.extent) < own.pixel_size / 2:
        return model
    return GraspModel(model.network, replace(model.config, workspace=resized(own, extent)), model.precision)


def resized(own: Workspace, extent: float) -> Workspace:
    """A workspace of about this extent (metres) with the pixel size and margin of ``own``.

    Raises:
        UserError: nothing would be left to grasp, or it is far wider than the model's own.
    """
    if not 2.0 * own.margin + 4.0 * own.pixel_size < extent <= LARGEST_WIDENING * own.extent:
        raise UserError(
            f"--extent {extent:g} does not fit this model, trained for {own.extent:g} m with a margin of "
            f"{own.margin:g} m; give between {2 * own.margin + 0.05:.2f} and {LARGEST_WIDENING * own.extent:.2f} m, or "
            "another --model"
        )
    pixels = round(extent / own.pixel_size)
    return Workspace(extent=pixels * own.pixel_size, pixels=pixels, margin=own.margin)


def predict(
    frame: RgbdFrame,
    model: ScoringModel,
    query: GraspQuery | None = None,
    repair: HeightmapRepairConfig | None = None,
    limits: GraspLimits | None = None,
) -> GraspChoice:
    """The best grasps on one picture.

    Args:
        frame: the picture.
        model: scores the heightmap; its workspace decides what is looked at.
        query: constraints, gripper, angles and number of grasps; None asks for five under no constraint.
        repair: of the heightmap; None makes all repairs.
        limits: which grasps are asked for; None asks for any.

    Raises:
        NothingStanding: nothing can be grasped in the workspace, or within the limits.
        UserError: the camera does not see the workspace, or the limits hold no part of it.
    """
    from grasping_student.models.grasp_choice import GraspQuery, NoGrasp, choose

    observation = observe_frame(frame, model.workspace, repair)
    if not observation.graspable_foreground().any():
        bounded = any(note.code in WALLED for note in observation.notes)
        raise NothingStanding(_nothing(frame, model.workspace, observation.notes, bounded), bounded)
    if limits is not None:
        observation = limits.over(observation)
    try:
        return choose(observation, model, query or GraspQuery(count=5))
    except NoGrasp:
        if limits is not None:
            raise NothingStanding(_nothing_asked(observation.notes), bounded=True) from None
        raise UserError("the model scores no pixel that may be grasped; is the checkpoint whole?") from None


def run(config: PredictConfig) -> GraspChoice:
    """Read the files, predict, write ``grasp.json``, ``grasp.png`` and ``manifest.json``.

    Raises:
        UserError: anything wrong with the files, the model or what the camera sees.
    """
    from grasping_student.plotting.prediction_figure import plot_prediction

    stage = StageRun("predict", config)
    files = _files(config)
    frame, adapted = load_frame(files, FrameFormat.of(config))
    model = load_model(config.model, config.extent)
    limits = GraspLimits.of(config, config.intrinsics)
    place = _workspace_place(config)
    frame = replace(frame, camera_to_world=np.linalg.inv(place) @ frame.camera_to_world)
    repair = HeightmapRepairConfig(ceiling=config.ceiling, bin=config.bin, any_floor=config.level_floor)
    try:
        choice = predict(frame, model, replace(model.query, count=config.top), repair, limits)
    except NothingStanding as nothing:
        if config.extent is not None or nothing.bounded:
            raise
        own = model.workspace.extent
        model = load_model(config.model, own * FURTHER)
        choice = predict(frame, model, replace(model.query, count=config.top), repair, limits)
        adapted.append(f"Nothing stands in the middle {own:g} m: looked further, in {model.workspace.extent:.2f} m.")
    choice = replace(choice, notes=(*(Note("frame-adapted", text) for text in adapted), *choice.notes))
    given = [files.depth, files.intrinsics, files.camera_to_world, files.color, config.world_to_base]
    best, *others = (in_frame_of_pose(each.to_json(), place) for each in choice.grasps)
    told = {
        "grasp": best,
        "runners_up": others,
        "constrained": choice.constrained,
        "on_seen_material": choice.on_seen_material,
        "calibrated_success": None,
        "warnings": [{"code": note.code, "text": note.text} for note in choice.notes],
        "notes": [note.text for note in choice.notes],
        "workspace": {**to_plain(model.workspace), "in_frame_of_pose": place.tolist()},
        "model": model.version,
    }
    with stage.output_folder("grasp.json"):
        write_json(config.out / "grasp.json", told)
        plot_prediction(choice, config.out / "grasp.png", frame.rgb is not None)
        stage.finish({str(path): sha256_of_file(path) for path in given if path is not None} | {"model": model.version})
    return choice


def in_frame_of_pose(grasp: dict[str, float | int], place: NDArray[np.float64]) -> dict[str, float | int]:
    """A grasp of the workspace's world in the frame of the camera's pose: x, y, z, and the angle about its z axis.

    Args:
        grasp: values of ``grasp.json``, metres and radians.
        place: the workspace's world seen from that frame, 4 x 4.
    """
    if np.array_equal(place, np.eye(4)):
        return grasp
    x, y, z, _ = place @ (grasp["x"], grasp["y"], grasp["z"], 1.0)
    closing = place[:3, :3] @ (math.cos(grasp["angle"]), math.sin(grasp["angle"]), 0.0)
    angle = wrap_angle(math.atan2(closing[1], closing[0]))
    return {**grasp, "x": float(x), "y": float(y), "z": float(z), "angle": angle}


def _workspace_place(config: PredictConfig) -> NDArray[np.float64]:
    """The workspace's world seen from the frame of the camera's pose, 4 x 4."""
    if config.world_to_base is not None:
        return read_pose(config.world_to_base, config.pose_format)
    place = np.eye(4)
    if config.workspace_center is not None:
        cos, sin = math.cos(config.workspace_yaw), math.sin(config.workspace_yaw)
        place[:2, :2] = ((cos, -sin), (sin, cos))
        place[:3, 3] = config.workspace_center
    return place


def _nothing(frame: RgbdFrame, workspace: Workspace, notes: tuple[Note, ...], bounded: bool) -> str:
    """Why there is nothing to grasp, and what to do."""
    listed = "".join(f"\n  {note}" for note in notes)
    if bounded:
        return f"the bin is empty: nothing stands on its floor inside its walls{listed}"
    return (
        f"nothing stands on the floor inside the {workspace.margin:g} m margin of the {workspace.extent:g} m "
        f"workspace: is it empty, or its origin elsewhere? A wider --extent looks further.{table_elsewhere(frame)}"
        f"{listed}"
    )


def _nothing_asked(notes: tuple[Note, ...]) -> str:
    """That nothing within the limits can be grasped, and what to do."""
    listed = "".join(f"\n  {note}" for note in notes)
    return (
        "something stands in the workspace, but no grasp on it lies within the region, mask, closing angles and places "
        f"to keep away from that were given; widen them, or leave one out{listed}"
    )


def _files(config: PredictConfig) -> FrameFiles:
    """The files that were named.

    Raises:
        UserError: a needed one was not.
    """
    needed = {"--depth": config.depth, "--intrinsics": config.intrinsics, "--camera-to-world": config.camera_to_world}
    missing = [option for option, path in needed.items() if path is None]
    if config.depth is None or config.intrinsics is None or config.camera_to_world is None:
        raise UserError(f"predict needs {', '.join(missing)}: one RGB-D picture is depth, intrinsics and pose")
    return FrameFiles(config.depth, config.intrinsics, config.camera_to_world, config.color)
