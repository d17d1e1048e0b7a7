"""The best grasps on one RGB-D picture of any camera: repair, score, choose, draw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

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
from grasping_student.serving.background_scores import BackgroundScores
from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.loading import OneExtent, load_model
from grasping_student.serving.timing import timed

if TYPE_CHECKING:
    from grasping_student.models.confidence import Confidence
    from grasping_student.models.grasp_choice import GraspChoice, GraspQuery, ScoringModel

    class LoadedModel(ScoringModel, Protocol):
        """What is used of ``models.grasp_model.GraspModel``."""

        @property
        def query(self) -> GraspQuery:
            """Which grasps the model would choose from."""

        @property
        def confidence(self) -> Confidence | None:
            """What a score says about success."""


FURTHER = 4 / 3
"""Where nothing stands in the model's own extent, and no other was asked for, so much more is looked at."""

WALLED = ("bin", "walls-removed")
"""Codes of notes that tell of a bin: an empty one is empty, whatever stands outside of it."""

NOTHING_ASKED = (
    "something stands in the workspace, but no grasp on it lies within the region, mask, closing angles and places to "
    "keep away from that were given; widen them, or leave one out"
)

POOR = 3
"""Exit code of ``--strict`` for a grasp to be doubted."""


class NothingStanding(UserError):
    """The camera sees the workspace, and nothing in it may be grasped.

    Attributes:
        bounded: there is nowhere further to look: a bin was found, or limits leave nothing.
        code: for programs.
        notes: repairs of the picture.
    """

    def __init__(self, message: str, bounded: bool, code: str, notes: tuple[Note, ...]) -> None:
        super().__init__("".join((message, *(f"\n  {note}" for note in notes))))
        self.bounded = bounded
        self.code = code
        self.notes = notes


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

    with timed("observe"):
        observation = observe_frame(frame, model.workspace, repair)
    if not observation.graspable_foreground().any():
        bounded = any(note.code in WALLED for note in observation.notes)
        code = "bin-empty" if bounded else "nothing-stands"
        raise NothingStanding(_nothing(frame, model.workspace, bounded), bounded, code, observation.notes)
    query = query or GraspQuery(count=5)
    if limits is not None:
        observation = limits.over(observation)
    try:
        with timed("choose"):
            return choose(observation, BackgroundScores(model, observation.heightmap, query.grid), query)
    except NoGrasp:
        if limits is not None:
            raise NothingStanding(NOTHING_ASKED, True, "nothing-within-limits", observation.notes) from None
        raise UserError("the model scores no pixel that may be grasped; is the checkpoint whole?") from None


def run(config: PredictConfig) -> GraspChoice:
    """Read the files, predict, write ``grasp.json``, ``grasp.png`` and ``manifest.json``.

    Raises:
        UserError: anything wrong with the files, the model or what the camera sees.
    """
    from grasping_student.plotting.prediction_figure import plot_prediction

    stage = StageRun("predict", config)
    prediction = predict_files(config, lambda extent: load_model(config.model, extent, config.backend))
    given = [config.depth, config.intrinsics, config.camera_to_world, config.color, config.world_to_base, config.mask]
    with stage.output_folder("grasp.json"):
        write_json(config.out / "grasp.json", prediction.to_json())
        plot_prediction(prediction.choice, config.out / "grasp.png", config.color is not None)
        version = prediction.model_version
        stage.finish({str(path): sha256_of_file(path) for path in given if path is not None} | {"model": version})
    return prediction.choice


@dataclass(frozen=True, eq=False)
class Prediction:
    """The grasps on one picture, best first, and in which frame they are told.

    Attributes:
        choice: the grasps.
        workspace: where they were looked for.
        place: the workspace's world seen from the frame of the camera's pose, 4 x 4.
        model_version: content hash of what decided.
        success: calibrated chance of success of each grasp; None where the model's scores are not calibrated.
    """

    choice: GraspChoice
    workspace: Workspace
    place: NDArray[np.float64]
    model_version: str
    success: tuple[float | None, ...]

    def grasps(self) -> list[dict[str, float | int]]:
        """Plain values of all grasps, best first, in the frame of the pose; metres and radians."""
        return [in_frame_of_pose(each.to_json(), self.place) for each in self.choice.grasps]

    def to_json(self) -> dict[str, Any]:
        """Plain values: ``grasp.json``."""
        best, *others = self.grasps()
        return {
            "grasp": best,
            "runners_up": others,
            "constrained": self.choice.constrained,
            "on_seen_material": self.choice.on_seen_material,
            "calibrated_success": self.success[0],
            "warnings": [{"code": note.code, "text": note.text} for note in self.choice.notes],
            "notes": [note.text for note in self.choice.notes],
            "workspace": {**to_plain(self.workspace), "in_frame_of_pose": self.place.tolist()},
            "model": self.model_version,
        }


def predict_files(config: PredictConfig, load: Callable[[float | None], LoadedModel]) -> Prediction:
    """The best grasps on the picture in the files of a config: what ``predict`` and the server do.

    Args:
        config: files and options.
        load: the model, on a workspace of an extent in metres; None asks for its own.

    Raises:
        NothingStanding: nothing is to be grasped.
        UserError: anything wrong with the files, the model or what the camera sees.
    """
    with timed("read"):
        files = _files(config)
        frame, adapted = load_frame(files, FrameFormat.of(config))
        limits = GraspLimits.of(config, config.intrinsics)
        place = _workspace_place(config)
        frame = replace(frame, camera_to_world=np.linalg.inv(place) @ frame.camera_to_world)
    model = load(config.extent)
    repair = HeightmapRepairConfig(ceiling=config.ceiling, bin=config.bin, any_floor=config.level_floor)
    try:
        choice = predict(frame, model, replace(model.query, count=config.top), repair, limits)
    except NothingStanding as nothing:
        if config.extent is not None or nothing.bounded:
            raise
        own = model.workspace.extent
        try:
            model = load(own * FURTHER)
        except OneExtent:
            raise nothing from None
        choice = predict(frame, model, replace(model.query, count=config.top), repair, limits)
        adapted.append(f"Nothing stands in the middle {own:g} m: looked further, in {model.workspace.extent:.2f} m.")
    choice = replace(choice, notes=(*(Note("frame-adapted", text) for text in adapted), *choice.notes))
    choice, success = promising(choice, config.min_success, model.confidence)
    return Prediction(choice, model.workspace, place, model.version, success)


def promising(
    choice: GraspChoice, least: float | None, confidence: Confidence | None
) -> tuple[GraspChoice, tuple[float | None, ...]]:
    """The grasps whose chance of success is at least as asked, and the chances; None where no confidence is known.

    Raises:
        NothingStanding: none has.
        UserError: something is asked of a model whose scores are not calibrated.
    """
    if confidence is None:
        if least is None:
            return choice, (None,) * len(choice.grasps)
        raise UserError(
            f"--min-success {least:g} needs a model whose scores are calibrated to chances of success, and this one's "
            "are not: 'grasping-student train confidence' does it; or leave it out"
        )
    chances = tuple(confidence.chance(each.score) for each in choice.grasps)
    if least is None:
        return choice, chances
    kept = [(each, chance) for each, chance in zip(choice.grasps, chances, strict=True) if chance >= least]
    if not kept:
        raise NothingStanding(
            f"no grasp here has a chance of success of at least {least:g}; give a lower --min-success, or change the "
            "scene",
            True,
            "nothing-promising",
            choice.notes,
        )
    return replace(choice, grasps=tuple(each for each, _ in kept)), tuple(chance for _, chance in kept)


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


def _nothing(frame: RgbdFrame, workspace: Workspace, bounded: bool) -> str:
    """Why there is nothing to grasp, and what to do."""
    if bounded:
        return "the bin is empty: nothing stands on its floor inside its walls"
    return (
        f"nothing stands on the floor inside the {workspace.margin:g} m margin of the {workspace.extent:g} m "
        f"workspace: is it empty, or its origin elsewhere? A wider --extent looks further.{table_elsewhere(frame)}"
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
