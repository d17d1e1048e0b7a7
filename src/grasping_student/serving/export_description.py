"""The JSON beside an exported network: how heights become its input, and its scores become a grasp."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from grasping_student.geometry import antipodal
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.rotation import Canvas, turns_of
from grasping_student.pipeline.configuration import to_plain, with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, sha256_of_file

SCHEMA_VERSION = 2
READABLE = (1, SCHEMA_VERSION)
"""The first version had ONNX alone, of one side, and told neither format nor steps."""

DESCRIPTION = "export.json"
PICTURES, SCORES = "pictures", "scores"
"""Names of the graph's input, float32 ``(batch, 1, side, side)``, and output, ``(batch, angles, side, side)``."""

ExportFormat = Literal["onnx", "openvino"]
FILES: dict[str, tuple[str, ...]] = {"onnx": ("model.onnx",), "openvino": ("model.xml", "model.bin")}
"""Format -> its files, the graph first."""


@dataclass(frozen=True)
class ExportedForm:
    """What stands in ``export.json``, for a program that runs the graph.

    Attributes:
        graph: file of the graph.
        format: of the file.
        config: of the model.
        identity: names weights and number format: content hash of the checkpoint, and ``int8`` where it was made so.
        exported_from: content hash of the checkpoint.
        any_side: whether the graph takes pictures of any side that is a multiple of the network's stride.
        same_grasps: share of the scenes at export on which it chose the checkpoint's grasp; None where that is unknown.
    """

    graph: Path
    format: ExportFormat
    config: ModelConfig
    identity: str
    exported_from: str
    any_side: bool
    same_grasps: float | None


def read_export(folder: Path) -> ExportedForm:
    """The description of an export folder, whose files are those that were exported.

    Raises:
        UserError: no export, damaged, or written by a newer version.
    """
    path = folder / DESCRIPTION
    told = read_json(path)
    version = told.get("schema_version") if isinstance(told, dict) else None
    if version not in READABLE:
        raise UserError(f"{path} has schema version {version}; this version reads {SCHEMA_VERSION}")
    kind: ExportFormat = told.get("format", "onnx")
    if kind not in get_args(ExportFormat):
        raise UserError(f"{path} is of the format {str(kind)[:40]}; this version reads {', '.join(FILES)}")
    hashes = told.get("files", {FILES["onnx"][0]: told.get("sha256")})
    for name in FILES[kind]:
        file = folder / name
        if not file.is_file() or not isinstance(hashes, dict) or sha256_of_file(file) != hashes.get(name):
            raise UserError(f"{file} is missing or not the file that was exported; export the model again")
    parity = told.get("parity")
    exported_from = str(told.get("exported_from"))
    return ExportedForm(
        graph=folder / FILES[kind][0],
        format=kind,
        config=with_values(ModelConfig(), told.get("model", {}), where=str(path)),
        identity=f"{exported_from} int8" if told.get("numbers") == "int8" else exported_from,
        exported_from=exported_from,
        any_side=told.get("input", {}).get("any_side") is True,
        same_grasps=parity.get("same_grasps") if isinstance(parity, dict) else None,
    )


def describe_export(
    folder: Path, kind: ExportFormat, config: ModelConfig, exported_from: str, any_side: bool, facts: dict[str, Any]
) -> dict[str, Any]:
    """Plain values of ``export.json`` for files that are written already.

    Args:
        folder: it holds the files of the graph.
        kind: their format.
        config: of the model.
        exported_from: content hash of the checkpoint.
        any_side: whether the graph takes other sides than that of the model's own canvas.
        facts: anything else worth telling: ``numbers``, ``parity``.
    """
    canvas = Canvas(config.workspace, config.network.stride)
    return {
        "schema_version": SCHEMA_VERSION,
        "exported_from": exported_from,
        "format": kind,
        "files": {name: sha256_of_file(folder / name) for name in FILES[kind]},
        **facts,
        "input": {
            "name": PICTURES,
            "type": "float32",
            "shape": ["batch", 1, "side", "side"],
            "side": canvas.side,
            "any_side": any_side,
            "multiple_of": canvas.stride,
        },
        "output": {"name": SCORES, "type": "float32", "shape": ["batch", config.network.angles.count, "side", "side"]},
        "units": "metres and radians; x right, y up, z up, origin at the workspace's centre on the table",
        "preprocessing": _preprocessing(config, canvas),
        "postprocessing": _postprocessing(config),
        "model": to_plain(config),
    }


def _preprocessing(config: ModelConfig, canvas: Canvas) -> dict[str, Any]:
    own, normalisation = config.workspace, config.normalisation
    angles = [float(angle) for angle in DEPLOYMENT_ANGLES.angles]
    return {
        "heightmap": {
            **_measures(own),
            "meaning": "height[row, col] above the table, seen from straight above; row 0 is the largest y, column 0 "
            "the smallest x; x = -extent/2 + (col + 0.5) pixel_size, y = extent/2 - (row + 0.5) pixel_size; a pixel "
            "holds its highest point, one without a point the height of the nearest pixel with one",
        },
        "normalisation": {
            **to_plain(normalisation),
            "meaning": "heights below background become 0, heights above ceiling become ceiling; a border of one "
            "pixel of height 0 is added; input = height / std - mean / std",
        },
        "canvas": {
            "side": canvas.side,
            "centre": canvas.centre,
            "meaning": "one picture for each turn: canvas pixel (r, c) lies right = c - centre, up = centre - r and "
            "shows the heightmap at x = cos(turn) right - sin(turn) up, y = sin(turn) right + cos(turn) up, pixels "
            "from the middle: column floor(pixels/2 + x), row floor(pixels/2 - y); outside it shows the border",
        },
        "turns": list(turns_of(angles, config.network.angles)),
        "angles": angles,
    }


def _postprocessing(config: ModelConfig) -> dict[str, Any]:
    from grasping_student.models.grasp_choice import NMS_RADIUS  # late: it loads OpenCV, and --help must be quick

    turns = turns_of([float(angle) for angle in DEPLOYMENT_ANGLES.angles], config.network.angles)
    where = {index: (picture, channel) for picture, each in enumerate(turns.values()) for index, channel in each}
    return {
        "maps": [where[index] for index in range(DEPLOYMENT_ANGLES.count)],
        "scores": "maps names for each angle the picture of its turn and the channel there, both counted from 0; the "
        "score of pixel (row, col) stands at row floor(centre - up + 0.5), column floor(centre + right + 0.5), "
        "where x = col - (pixels - 1)/2, y = (pixels - 1)/2 - row, right = cos(turn) x + sin(turn) y, up = cos(turn) "
        "y - sin(turn) x",
        "graspable": {
            "margin_pixels": config.workspace.margin_pixels,
            "meaning": "no grasp within so many pixels of the rim, and none where the height is below background",
        },
        "constraint": {
            **to_plain(config.constraint),
            "antipodal": {
                "along_step": antipodal.ALONG_STEP,
                "lines": antipodal.LINES,
                "fewest_lines": antipodal.FEWEST_LINES,
                "over_tips": antipodal.OVER_TIPS,
            },
            "meaning": "obeyed where it leaves a grasp; clearance: tips stay min_clearance above all that lies under "
            "the open fingers; antipodal: also material between the fingers, min_contact_height of the tips' reach "
            "high on average, whose sides are turned against the fingers by at most atan(friction)",
        },
        "choice": "the pixel and angle of the highest score is the grasp, the angle that along which the fingers close",
        "runners_up": {
            "radius": NMS_RADIUS,
            "meaning": "the next best, of which none lies nearer along both rows and columns",
        },
        "tips": "mean height of the 3 x 3 pixels around the grasp, less finger_depth, at least the gripper's clearance",
    }


def _measures(workspace: Workspace) -> dict[str, Any]:
    return {**to_plain(workspace), "pixel_size": workspace.pixel_size}
