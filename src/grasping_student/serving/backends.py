"""Exported models behind the interface of ``GraspModel``: the network runs in OpenVINO or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grasping_student.geometry.workspace import Workspace
from grasping_student.models.checkpoint import describe
from grasping_student.models.confidence import CONFIDENCE, Confidence
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.inference import Precision, resolve_precision
from grasping_student.pipeline.configuration import choice, with_values
from grasping_student.pipeline.errors import UserError, require_extra
from grasping_student.pipeline.files import read_json, sha256_of_file
from grasping_student.serving.export import DESCRIPTION, GRAPH, PICTURES, SCHEMA_VERSION, SCORES

Backend = Literal["openvino", "onnxruntime"]
Graph = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Pictures to scores, both ``(batch, 1, side, side)``."""


def load_exported(
    path: Path,
    backend: Backend = "openvino",
    workspace: Workspace | None = None,
    precision: Precision = "auto",
    threads: int = 0,
) -> GraspModel:
    """The model of an export folder; scores, grasps and policies work as with a checkpoint.

    Args:
        path: folder that ``export`` wrote.
        backend: what runs the network.
        workspace: refuse a model that was made for another workspace; None takes any.
        precision: number format; ONNX Runtime always computes in fp32.
        threads: of the backend; 0 takes its default.

    Raises:
        UserError: no export, damaged, of another workspace, an unknown backend, or the extra ``serve`` is missing.
    """
    choice(backend, ("openvino", "onnxruntime"), "backend")
    require_extra("serve", backend)
    description = read_json(path / DESCRIPTION)
    version = description.get("schema_version") if isinstance(description, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(f"{path / DESCRIPTION} has schema version {version}; this version reads {SCHEMA_VERSION}")
    if not (path / GRAPH).is_file() or sha256_of_file(path / GRAPH) != description.get("sha256"):
        raise UserError(f"{path / GRAPH} is missing or not the file that was exported; export the model again")
    config = with_values(ModelConfig(), description.get("model", {}), where=str(path / DESCRIPTION))
    if workspace is not None and config.workspace != workspace:
        raise UserError(
            f"export {path} was made for {describe(config.workspace)}, the data are of {describe(workspace)}; "
            "export a model of the same workspace"
        )
    if backend == "openvino":
        number_format = resolve_precision(precision, "cpu")
        graph = _openvino(path / GRAPH, number_format, threads)
        words = f"openvino {number_format}"
    else:
        graph, words = _onnxruntime(path / GRAPH, threads), "onnxruntime fp32"
    exported_from = str(description.get("exported_from"))
    confidence = Confidence.load(path, exported_from) if (path / CONFIDENCE).exists() else None
    return GraspModel(GraphNetwork(graph, f"{exported_from} {words}"), config, "fp32", confidence)


class GraphNetwork(nn.Module):
    """A compiled graph where a network is expected; it has no weights of its own and cannot be trained."""

    def __init__(self, graph: Graph, identity: str) -> None:
        """Keep the graph; ``identity`` names its weights and arithmetic and enters the model's version."""
        super().__init__()
        self._graph = graph
        self.register_buffer("identity", torch.frombuffer(bytearray(identity.encode()), dtype=torch.uint8))

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphNetwork:
        return self  # nothing in it changes, and a compiled graph has no copy

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.from_numpy(self._graph(np.ascontiguousarray(pictures.numpy())))


def _openvino(path: Path, precision: Literal["fp32", "bf16"], threads: int) -> Graph:
    import openvino

    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "PERFORMANCE_HINT": "LATENCY",
    }
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    core = openvino.Core()
    request = core.compile_model(core.read_model(path), "CPU", options).create_infer_request()
    return lambda pictures: request.infer({PICTURES: pictures})[0].copy()


def _onnxruntime(path: Path, threads: int) -> Graph:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda pictures: session.run([SCORES], {PICTURES: pictures})[0]
