"""Exported models behind the interface of ``GraspModel``, without torch: OpenVINO or ONNX Runtime runs the network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.workspace import Workspace
from grasping_student.models.confidence import CONFIDENCE, Confidence
from grasping_student.models.configuration import ModelConfig, describe
from grasping_student.models.heightmap_scorer import HeightmapScorer, config_on
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError, require_extra
from grasping_student.serving.export_description import PICTURES, SCORES, read_export

Runtime = Literal["openvino", "onnxruntime"]
Precision = Literal["auto", "fp32", "bf16"]
Graph = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Pictures ``(batch, 1, side, side)`` to scores ``(batch, angles, side, side)``."""


class OneExtent(UserError):
    """An exported model was asked for another workspace than its own, and its graph has one side."""


class ExportedModel(HeightmapScorer):
    """A compiled graph together with what its network was made for; it has no weights to train.

    Args:
        graph: pictures to scores.
        config: of the model.
        identity: of weights and arithmetic.
        confidence: what a score says about success.
        any_side: whether the graph takes other sides than its own.
    """

    runs_in_background: ClassVar[bool] = True

    def __init__(
        self, graph: Graph, config: ModelConfig, identity: str, confidence: Confidence | None, any_side: bool
    ) -> None:
        super().__init__(config, confidence)
        self._graph, self._identity, self._any_side = graph, identity, any_side
        self.same_grasps: float | None = None
        """Share of the scenes at export on which it chose the checkpoint's grasp; None where that is unknown."""

    @cached_property
    def version(self) -> str:
        """See ``HeightmapScorer``."""
        told = json.dumps(self.config.identity(), sort_keys=True) + self._identity
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def score_pictures(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``HeightmapScorer``."""
        return self._graph(np.ascontiguousarray(pictures[:, None]))

    def on(self, workspace: Workspace) -> ExportedModel:
        """See ``HeightmapScorer``.

        Raises:
            OneExtent: the graph has one side.
        """
        if not self._any_side:
            raise OneExtent(
                f"the exported model is for {self.workspace.extent:g} m alone, {workspace.extent:g} m need its "
                "checkpoint: export it again, or give the checkpoint"
            )
        return ExportedModel(self._graph, config_on(self.config, workspace), self._identity, self.confidence, True)


def load_exported(
    path: Path,
    backend: Runtime = "openvino",
    workspace: Workspace | None = None,
    precision: Precision = "auto",
    threads: int = 0,
) -> ExportedModel:
    """The model of an export folder; scores and grasps work as with a checkpoint.

    Args:
        path: folder that ``export`` wrote.
        backend: what runs the network; ONNX Runtime needs a model of the format ONNX, OpenVINO takes both.
        workspace: refuse a model that was made for another workspace; None takes any.
        precision: number format; auto is bf16 where the processor has it, ONNX Runtime always computes in fp32.
        threads: of the backend; 0 takes its default.

    Raises:
        UserError: no export, damaged, of another workspace or format, or a backend that is unknown or not installed.
    """
    choice(backend, ("openvino", "onnxruntime"), "backend")
    form = read_export(path)
    if workspace is not None and form.config.workspace != workspace:
        raise UserError(
            f"export {path} was made for {describe(form.config.workspace)}, the data are of {describe(workspace)}; "
            "export a model of the same workspace"
        )
    if backend == "openvino":
        require_extra("", "openvino")
        graph, words = _openvino(form.graph, precision, threads)
    elif form.format != "onnx":
        raise UserError(f"{path} is exported for OpenVINO, not for ONNX Runtime; export it with --format onnx")
    else:
        require_extra("onnx", "onnxruntime")
        graph, words = _onnxruntime(form.graph, threads), "onnxruntime fp32"
    confidence = Confidence.load(path, form.exported_from) if (path / CONFIDENCE).exists() else None
    model = ExportedModel(graph, form.config, f"{form.identity} {words}", confidence, form.any_side)
    model.same_grasps = form.same_grasps
    return model


def _openvino(path: Path, precision: Precision, threads: int) -> tuple[Graph, str]:
    import openvino

    core = openvino.Core()
    if precision == "auto":
        precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "fp32"
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "PERFORMANCE_HINT": "LATENCY",
    }
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    try:
        request = core.compile_model(core.read_model(path), "CPU", options).create_infer_request()
    except RuntimeError as error:
        told = str(error).strip().splitlines()[-1][:200]
        raise UserError(f"OpenVINO cannot run {path} ({told}); another version of openvino may, or --backend") from None
    return lambda pictures: request.infer({PICTURES: pictures})[0].copy(), f"openvino {precision}"


def _onnxruntime(path: Path, threads: int) -> Graph:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda pictures: session.run([SCORES], {PICTURES: pictures})[0]
