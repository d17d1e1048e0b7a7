"""Models for predict and the server: a checkpoint or an exported one, its backend, and the extent of its workspace."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError, require_extra
from grasping_student.serving.configuration import Backend

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel

PRETRAINED = Path(__file__).parent / "pretrained"
"""The small student that ships with the package."""

LARGEST_WIDENING = 3.0
"""A network is not asked about workspaces more than this many times as wide as its own."""


class OneExtent(UserError):
    """An exported model was asked for another workspace than its own."""


def load_model(folder: Path | None, extent: float | None, backend: Backend = "auto") -> GraspModel:
    """The model of a folder, on a workspace of another extent if asked for.

    The network is convolutional and knows items by their size in pixels, so the pixel size stays and their number
    changes: the extent is rounded to whole pixels, the margin stays in metres.

    Args:
        folder: a checkpoint, or what ``export`` wrote; None takes the student that ships.
        extent: metres; None takes the model's own.
        backend: what runs the network; ``auto`` is torch for a checkpoint. Another extent than its own always runs in
            torch: a graph has one size.

    Raises:
        UserError: no model, none shipped, a backend that cannot run it, or an extent that leaves nothing to grasp or is
            far from its own.
    """
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.serving.export import DESCRIPTION

    if folder is None and not (PRETRAINED / "config.json").is_file():
        raise UserError("no student ships with this build; train one (grasping-student demo) and give --model FOLDER")
    folder = folder or PRETRAINED
    if (folder / DESCRIPTION).is_file():
        return _exported(folder, extent, backend)
    model = GraspModel.load(folder)
    own = model.workspace
    if extent is not None and abs(extent - own.extent) >= own.pixel_size / 2:
        return model.on(resized(own, extent))
    if backend in ("auto", "torch"):
        return model
    exported = _exported(exported_copy(model), None, backend)
    exported.confidence = model.confidence  # the copy is known by the weights, which may have got theirs since
    return exported


def fastest_backend() -> Backend:
    """The fastest backend that is installed, as measured (docs/performance.md)."""
    return "openvino" if find_spec("openvino") is not None and find_spec("onnxscript") is not None else "torch"


def exported_copy(model: GraspModel) -> Path:
    """The folder of a checkpoint's export, made once for each content and kept in the user's cache.

    Raises:
        UserError: the extra ``serve`` is missing, or the graph disagrees with the network.
    """
    from grasping_student.serving.export import DESCRIPTION, export_model

    require_extra("serve", "onnx", "onnxscript", "onnxruntime")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grasping-student" / "exports"
    folder = cache / model.version
    if (folder / DESCRIPTION).is_file():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f"{model.version}-", dir=cache))
    try:
        export_model(model, making)
        making.rename(folder)
    except OSError:
        if not (folder / DESCRIPTION).is_file():  # otherwise another process was faster
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _exported(folder: Path, extent: float | None, backend: Backend) -> GraspModel:
    from grasping_student.serving.backends import load_exported

    if backend == "torch":
        raise UserError(f"{folder} is an exported model, which torch cannot run; give a checkpoint or --backend auto")
    if backend == "auto":
        backend = "openvino" if find_spec("openvino") is not None else "onnx"
    model = load_exported(folder, "openvino" if backend == "openvino" else "onnxruntime")
    own = model.workspace
    if extent is not None and abs(extent - own.extent) >= own.pixel_size / 2:
        raise OneExtent(
            f"--extent {extent:g} needs a checkpoint: the exported model in {folder} is for {own.extent:g} m alone"
        )
    return model


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
