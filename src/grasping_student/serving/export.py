"""A trained model as ONNX, for inference without its training code: weights and graph in one file, config beside it."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError, require_extra
from grasping_student.pipeline.files import atomic_path, sha256_of_file, write_json
from grasping_student.pipeline.stage import StageRun

if TYPE_CHECKING:
    from grasping_student.models.grasp_model import GraspModel

SCHEMA_VERSION = 1
GRAPH, DESCRIPTION = "model.onnx", "export.json"
PICTURES, SCORES = "pictures", "scores"
"""Names of the graph's input and output, both float32 ``(batch, 1, side, side)``."""

LARGEST_DIFFERENCE = 1e-3
"""A graph whose fp32 scores differ by more than this share of their spread is not written."""


@dataclass(frozen=True)
class ExportConfig:
    """Write a checkpoint as ONNX, for OpenVINO or ONNX Runtime."""

    model: Path = Path("runs/student")
    """Checkpoint folder."""

    out: Path = Path("runs/export")
    """Folder for model.onnx, export.json and manifest.json."""

    seed: int = 0
    """Pictures on which graph and network are compared."""

    overwrite: bool = False
    """Replace the output folder if it exists."""


def run(config: ExportConfig) -> Path:
    """Export a checkpoint and return the output folder.

    Raises:
        UserError: no checkpoint, an ``out`` that exists or holds the checkpoint, the extra ``serve`` is missing, or a
            graph that disagrees.
    """
    require_extra("serve", "onnx", "onnxscript", "onnxruntime")
    from grasping_student.models.grasp_model import GraspModel

    stage = StageRun("export", config)
    model = GraspModel.load(config.model)
    with stage.output_folder(GRAPH):
        difference = export_model(model, config.out, config.seed)
        stage.finish({str(config.model): model.version}, largest_difference=difference)
    return config.out


def export_model(model: GraspModel, out: Path, seed: int = 0) -> float:
    """Write ``model.onnx`` and ``export.json`` into an existing folder.

    Args:
        model: its network is written in fp32; the batch is free, the side is the model's canvas.
        out: the folder.
        seed: of the pictures on which the graph is compared.

    Returns:
        Largest difference between the graph's scores and the network's, as a share of the scores' spread.

    Raises:
        UserError: the difference exceeds ``LARGEST_DIFFERENCE``.
    """
    import copy

    import numpy as np
    import torch

    network = copy.deepcopy(model.network).eval().to(memory_format=torch.contiguous_format)
    side = model.canvas.side
    random = np.random.default_rng(seed)
    pictures = torch.from_numpy(random.standard_normal((2, 1, side, side), dtype=np.float32))
    with atomic_path(out / GRAPH) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            network,
            (pictures,),
            temporary,
            input_names=[PICTURES],
            output_names=[SCORES],
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            verbose=False,
        )
        with torch.inference_mode():
            expected = network(pictures).numpy()
        difference = float(np.abs(_graph_scores(temporary, pictures.numpy()) - expected).max())
        difference /= max(float(expected.std()), 1e-12)
        if not difference <= LARGEST_DIFFERENCE:
            raise UserError(
                f"the exported graph's scores differ from the network's by {difference:.2g} of their spread; "
                f"at most {LARGEST_DIFFERENCE:g} is accepted: another version of torch or onnxruntime may help"
            )
    description = {
        "schema_version": SCHEMA_VERSION,
        "exported_from": model.version,
        "model": to_plain(model.config),
        "sha256": sha256_of_file(out / GRAPH),
    }
    if model.confidence is not None:
        model.confidence.save(out)
    write_json(out / DESCRIPTION, description)
    return difference


def _graph_scores(path: Path, pictures: Any) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run([SCORES], {PICTURES: pictures})[0]
