"""Models for predict and the server: a checkpoint or an exported one, its backend, and the extent of its workspace."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.device import chosen_device, uses_gpu
from grasping_student.pipeline.errors import UserError, require_extra
from grasping_student.serving.backends import OneExtent as OneExtent
from grasping_student.serving.configuration import Backend
from grasping_student.serving.export_description import DESCRIPTION, SCHEMA_VERSION

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.models.heightmap_scorer import HeightmapScorer
    from grasping_student.serving.backends import ExportedModel

CONFIG = "config.json"
"""Tells a checkpoint, as ``models.checkpoint`` writes it."""

PRETRAINED = Path(__file__).parent / "pretrained"
"""The general model that ships with the package."""

LARGEST_WIDENING = 3.0
"""A network is not asked about workspaces more than this many times as wide as its own."""


def load_model(folder: Path | None, extent: float | None, backend: Backend = "auto") -> HeightmapScorer:
    """The model of a folder, on a workspace of another extent if asked for.

    The network is convolutional and knows items by their size in pixels, so the pixel size stays and their number
    changes: the extent is rounded to whole pixels, the margin stays in metres.

    Args:
        folder: a checkpoint, or what ``export`` wrote; None takes the general model that ships, which is both.
        extent: metres; None takes the model's own.
        backend: what runs the network; ``auto`` is OpenVINO for an exported model, torch for a checkpoint.

    Raises:
        OneExtent: the graph of an exported model takes no other extent than its own.
        UserError: no model, none shipped, a backend that cannot run it or not on ``--device``, or an extent that leaves
            nothing to grasp or is far from its own.
    """
    folder = folder or shipped()
    exported = (folder / DESCRIPTION).is_file()
    checkpoint = (folder / CONFIG).is_file() or not exported
    if chosen_device() == "cuda" and backend != "torch":
        if backend != "auto" or not checkpoint:
            what = f"--backend {backend}" if backend != "auto" else f"{folder}, which is exported,"
            raise UserError(f"--device cuda: {what} runs on the processor; give a checkpoint, and no other --backend")
        backend = "torch"
    model: HeightmapScorer
    if exported and not (checkpoint and backend == "torch"):
        model = _exported(folder, backend)
    elif backend in ("auto", "torch"):
        model = _checkpoint(folder)
    else:
        made_from = _checkpoint(folder)
        model = _exported(exported_copy(made_from), backend)
        model.confidence = made_from.confidence  # the copy is known by the weights, which may have got theirs since
    own = model.workspace
    if extent is None or abs(extent - own.extent) < own.pixel_size / 2:
        return model
    return model.on(resized(own, extent))


def shipped() -> Path:
    """The folder of the general model that ships.

    Raises:
        UserError: this build has none.
    """
    if not (PRETRAINED / DESCRIPTION).is_file() and not (PRETRAINED / CONFIG).is_file():
        raise UserError("no model ships with this build; train one (grasping-student demo) and give --model FOLDER")
    return PRETRAINED


def fastest_backend(exported: bool) -> Backend:
    """The fastest backend that is installed, as measured (docs/export.md), for an export or a checkpoint."""
    if chosen_device() == "cuda" or (not exported and uses_gpu()):
        return "torch"
    if find_spec("openvino") is not None and (exported or find_spec("onnxscript") is not None):
        return "openvino"
    return "onnx" if exported else "torch"


def exported_copy(model: GraspModel) -> Path:
    """The folder of a checkpoint's export, made once for each content and kept in the user's cache.

    Raises:
        UserError: the extra ``train`` is missing, or the graph disagrees with the network.
    """
    from grasping_student.serving.export import export_model

    require_extra("train", "onnx", "onnxscript", "onnxruntime")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grasping-student" / "exports"
    folder = cache / f"{model.version}-{SCHEMA_VERSION}"
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


def _checkpoint(folder: Path) -> GraspModel:
    require_extra("train", "torch", otherwise="; or give an exported model, which needs none of it")
    from grasping_student.models.grasp_model import GraspModel

    return GraspModel.load(folder)


def _exported(folder: Path, backend: Backend) -> ExportedModel:
    from grasping_student.serving.backends import load_exported

    if backend == "torch":
        raise UserError(f"{folder} is an exported model, which torch cannot run; give a checkpoint or --backend auto")
    if backend == "auto":
        backend = fastest_backend(exported=True)
    return load_exported(folder, "openvino" if backend == "openvino" else "onnxruntime")


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
