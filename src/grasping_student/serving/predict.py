"""The best grasps on one RGB-D picture of any camera: mend, score, check, draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp
from grasping_student.geometry.grasp_constraints import GraspConstraint
from grasping_student.geometry.gripper import GripperGeometry, tip_height
from grasping_student.geometry.heightmap import fill_holes
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import RgbdFrame
from grasping_student.perception.frame_files import FrameFiles, FrameFormat, load_frame
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig, observe_frame
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import sha256_of_file, write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.seen_material import STANDARD_GRIPPER, finger_opening, foreground, seen_material

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel

PRETRAINED = Path(__file__).parent / "pretrained"
"""The small student that ships with the package."""

FURTHER = 4 / 3
"""Where nothing stands in the model's own extent, and no other was asked for, so much more is looked at."""

LARGEST_WIDENING = 3.0
"""A network is not asked about workspaces more than this many times as wide as its own."""


class NothingStanding(UserError):
    """The camera sees the workspace, and nothing in it may be grasped."""


class ScoreModel(Protocol):
    """What predicting needs of a model; ``GraspModel`` is one."""

    @property
    def workspace(self) -> Workspace:
        """The workspace of the heightmaps that it scores."""

    @property
    def version(self) -> str:
        """Content hash of what decides."""

    def score_maps(self, heightmap: Any, grid: AngleGrid) -> NDArray[np.float32]:
        """Shape ``(grid.count, pixels, pixels)``, -inf where nothing may be grasped."""


@dataclass(frozen=True)
class PredictedGrasp:
    """A grasp in the world frame of the given pose.

    Attributes:
        grasp: pixel and angle.
        x: metres.
        y: metres.
        z: height of the finger tips, metres.
        score: of the model, comparable within one picture.
        width: opening of the fingers before going down, metres.
    """

    grasp: PlanarGrasp
    x: float
    y: float
    z: float
    score: float
    width: float

    def to_json(self) -> dict[str, float | int]:
        """Plain values under the names of ``grasp.json``."""
        return {
            "x": self.x,
            "y": self.y,
            "z": self.z,
            "angle": self.grasp.angle,
            "row": self.grasp.row,
            "col": self.grasp.col,
            "score": self.score,
            "width": self.width,
        }


@dataclass(frozen=True, eq=False)
class Prediction:
    """The grasps on one picture, best first, and what they were chosen from.

    Attributes:
        grasps: at least one.
        mended: the heightmap that was scored.
        scores: best score over all angles, shape ``(pixels, pixels)``; -inf where no grasp may be centred.
        notes: in words, what was mended.
    """

    grasps: tuple[PredictedGrasp, ...]
    mended: Observation
    scores: NDArray[np.float32]
    notes: tuple[str, ...]


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
    model: ScoreModel,
    count: int = 5,
    mending: HeightmapRepairConfig | None = None,
    grid: AngleGrid = DEPLOYMENT_ANGLES,
    constraint: GraspConstraint | None = None,
    gripper: GripperGeometry = STANDARD_GRIPPER,
) -> Prediction:
    """The best grasps on one picture.

    Args:
        frame: the picture.
        model: scores the heightmap; its workspace decides what is looked at.
        count: how many grasps, fewer if there is no room for as many.
        mending: repairs of the heightmap; None makes all.
        grid: angles that are tried.
        constraint: obeyed where it leaves a grasp; None asks nothing.
        gripper: how deep its tips go, and how wide it opens.

    Raises:
        UserError: the camera does not see the workspace, or nothing in it can be grasped.
    """
    from grasping_student.models.grasp_model import NMS_RADIUS
    from grasping_student.models.selection import non_maximum_suppression

    mended = observe_frame(frame, model.workspace, mending)
    notes = [note.text for note in mended.notes]
    allowed = seen_material(frame, mended, gripper=gripper)
    if not allowed.any():
        allowed = seen_material(frame, mended, 0.0, gripper)  # nothing but thin items
    if not allowed.any():
        allowed = foreground(mended)
        if not allowed.any():
            raise NothingStanding(
                f"nothing stands on the floor inside the {model.workspace.margin:g} m margin of the "
                f"{model.workspace.extent:g} m workspace: is it empty, or its origin elsewhere? A wider --extent looks "
                "further" + "".join(f"\n  {note}" for note in notes)
            )
        notes.append("No item is both well seen and high enough to grip: the grasp is on the best of what there is.")
    scores = model.score_maps(mended.heightmap, grid).copy()
    scores[:, ~allowed] = -np.inf
    if constraint is not None:
        passing = constraint.allows(fill_holes(mended.heightmap).height, grid.angles, model.workspace)
        passing &= np.isfinite(scores)
        if passing.any():
            scores[~passing] = -np.inf
        else:
            notes.append(
                "Nowhere do both fingers find room and something to hold: the grasp is the best of a poor lot."
            )
    chosen = non_maximum_suppression(scores, count, NMS_RADIUS / model.workspace.pixel_size)
    if not chosen:
        raise UserError("the model scores no pixel that may be grasped; is the checkpoint whole?")
    grasps = tuple(
        _placed(PlanarGrasp(each.row, each.col, grid.angle(each.angle)), each.score, mended, gripper) for each in chosen
    )
    return Prediction(grasps, mended, scores.max(axis=0), tuple(notes))


def _placed(grasp: PlanarGrasp, score: float, mended: Observation, gripper: GripperGeometry) -> PredictedGrasp:
    """A grasp with its height, in the world of the pose, and its finger opening."""
    x, y = grasp.xy(mended.heightmap.workspace)
    tips = tip_height(mended.surface, grasp.row, grasp.col, gripper)
    width = finger_opening(mended.heightmap, grasp, min(tips, float(mended.heightmap.height.max()) - 1e-4), gripper)
    return PredictedGrasp(grasp, x, y, tips + float(mended.floor.z(x, y)), score, width)


def _predict(frame: RgbdFrame, model: GraspModel, count: int, mending: HeightmapRepairConfig) -> Prediction:
    """With the constraint and the gripper that the model was taught with."""
    own = model.config.constraint
    return predict(frame, model, count, mending, constraint=own.make(), gripper=own.gripper)


def run(config: PredictConfig) -> Prediction:
    """Read the files, predict, write ``grasp.json``, ``grasp.png`` and ``manifest.json``.

    Raises:
        UserError: anything wrong with the files, the model or what the camera sees.
    """
    from grasping_student.plotting.prediction_figure import plot_prediction

    stage = StageRun("predict", config)
    files = _files(config)
    frame, adapted = load_frame(files, FrameFormat.of(config))
    model = load_model(config.model, config.extent)
    mending = HeightmapRepairConfig(ceiling=config.ceiling)
    try:
        prediction = _predict(frame, model, config.top, mending)
    except NothingStanding:
        if config.extent is not None:
            raise
        own = model.workspace.extent
        model = load_model(config.model, own * FURTHER)
        prediction = _predict(frame, model, config.top, mending)
        adapted.append(f"Nothing stands in the middle {own:g} m: looked further, in {model.workspace.extent:.2f} m.")
    prediction = replace(prediction, notes=(*adapted, *prediction.notes))
    given = [files.depth, files.intrinsics, files.camera_to_world, *([files.color] if files.color else [])]
    best, *others = (each.to_json() for each in prediction.grasps)
    workspace = {"extent": model.workspace.extent, "pixels": model.workspace.pixels, "margin": model.workspace.margin}
    told = {
        "grasp": best,
        "runners_up": others,
        "notes": list(prediction.notes),
        "workspace": workspace,
        "model": model.version,
    }
    with stage.output_folder("grasp.json"):
        write_json(config.out / "grasp.json", told)
        plot_prediction(prediction, config.out / "grasp.png", frame.rgb is not None)
        stage.finish({str(path): sha256_of_file(path) for path in given} | {"model": model.version})
    return prediction


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
