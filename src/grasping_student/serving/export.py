"""A trained model as ONNX or OpenVINO, for inference without torch: weights and graph, and beside them their use."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grasping_student.pipeline.errors import UserError, require_extra
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.serving.export_description import (
    DESCRIPTION,
    FILES,
    PICTURES,
    SCORES,
    ExportFormat,
    describe_export,
)

if TYPE_CHECKING:
    from grasping_student.geometry.heightmap import Heightmap
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.models.heightmap_scorer import HeightmapScorer
    from grasping_student.serving.parity import Parity

LARGEST_DIFFERENCE = 1e-3
"""A graph whose fp32 scores differ by more than this share of their spread is not written."""

MOST_OTHER_GRASPS = 0.02
"""A graph in int8 that chooses other grasps on more than this share of the scenes is not written."""

MOST_CANVASES = 64
"""A graph for any side is promised up to this many times the network's stride."""


@dataclass(frozen=True)
class ExportConfig:
    """Write a checkpoint as ONNX or OpenVINO, with its pre- and post-processing in export.json."""

    model: Path = Path("runs/student")
    """Checkpoint folder."""

    out: Path = Path("runs/export")
    """Folder for the graph, export.json and manifest.json."""

    format: ExportFormat = "onnx"
    """``onnx`` is read by ONNX Runtime and by OpenVINO, ``openvino`` by OpenVINO alone."""

    int8: bool = False
    """Weights and activations in 8 bits; needs --calibration."""

    calibration: Path | None = None
    """Dataset of your scenes: ranges of the activations come from one half, and grasps are compared on the other."""

    scenes: int = 200
    """Most scenes of the dataset that are used."""

    seed: int = 0
    """Which scenes, and the boxes on those that are drawn where no dataset is given."""

    overwrite: bool = False
    """Replace the output folder if it exists."""

    def __post_init__(self) -> None:
        if self.int8 and self.calibration is None:
            raise ValueError("int8 needs scenes of yours to fix the ranges of numbers: give --calibration DATASET")
        if self.scenes < 4:
            raise ValueError(f"scenes is {self.scenes}; at least 4 are needed to compare on")


def run(config: ExportConfig) -> Path:
    """Export a checkpoint and return the output folder.

    Raises:
        UserError: no checkpoint or dataset, an ``out`` that exists or holds one of them, a package that is missing, or
            a graph that disagrees.
    """
    require_extra("train", "torch", "onnx", "onnxscript", "onnxruntime")
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.serving.quantisation import dataset_scenes

    stage = StageRun("export", config)
    model = GraspModel.load(config.model)
    inputs, scenes = {str(config.model): model.version}, None
    if config.calibration is not None:
        version, scenes = dataset_scenes(config.calibration, model.workspace, config.scenes, config.seed)
        inputs[str(config.calibration)] = version
    with stage.output_folder(FILES[config.format][0]):
        parity = export_model(model, config.out, config.seed, config.format, scenes, config.int8)
        stage.finish(inputs, parity=parity._asdict())
    return config.out


def export_model(
    model: GraspModel,
    out: Path,
    seed: int = 0,
    kind: ExportFormat = "onnx",
    scenes: Sequence[Heightmap] | None = None,
    int8: bool = False,
) -> Parity:
    """Write the graph and ``export.json`` into an existing folder.

    Args:
        model: its network is written; the batch is free, and where the network allows it the side too.
        out: the folder.
        seed: of the scenes that are drawn where none are given.
        kind: format of the graph.
        scenes: on which graph and network are compared, and in int8 calibrated with the first half of them.
        int8: in 8 bits.

    Returns:
        How the graph, in fp32 or int8, agrees with the network in fp32.

    Raises:
        UserError: it disagrees: in fp32 by a score, in int8 by too many grasps.
    """
    from grasping_student.models.grasp_model import GraspModel
    from grasping_student.serving.parity import measure_parity, sample_scenes
    from grasping_student.serving.quantisation import quantise

    reference = GraspModel(model.network, model.config, "fp32", model.confidence)
    compared = list(sample_scenes(model.workspace, seed) if scenes is None else scenes)
    if int8:
        calibrating, compared = compared[: len(compared) // 2], compared[len(compared) // 2 :]
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=out))
    try:
        any_side = _write_onnx(reference, making / FILES["onnx"][0])
        if int8:
            quantise(making / FILES["onnx"][0], reference, calibrating)
        if kind == "openvino":
            _as_openvino(making)
        facts = {"numbers": "int8" if int8 else "fp32"}
        told = describe_export(making, kind, model.config, model.version, any_side, facts)
        write_json(making / DESCRIPTION, told)
        parity = measure_parity(reference, _loaded(making, kind), compared)
        _check(parity, int8)
        write_json(making / DESCRIPTION, {**told, "parity": {**parity._asdict(), "seed": seed}})
        if model.confidence is not None:
            model.confidence.save(making)
        for file in sorted(making.iterdir(), key=lambda each: each.name == DESCRIPTION):  # the description comes last
            file.replace(out / file.name)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return parity


def _loaded(folder: Path, kind: ExportFormat) -> HeightmapScorer:
    from grasping_student.serving.backends import load_exported

    return load_exported(folder, "onnxruntime" if kind == "onnx" else "openvino", precision="fp32")


def _check(parity: Parity, int8: bool) -> None:
    if int8:
        other = 1.0 - parity.same_grasps
        if other > MOST_OTHER_GRASPS + 1e-9:
            raise UserError(
                f"in int8 the model chooses other grasps on {other:.1%} of {parity.scenes} scenes, at most "
                f"{MOST_OTHER_GRASPS:.0%} is accepted; export it without --int8, or calibrate on more scenes"
            )
    elif not parity.largest_difference <= LARGEST_DIFFERENCE:
        raise UserError(
            f"the exported graph's scores differ from the network's by {parity.largest_difference:.2g} of their "
            f"spread; at most {LARGEST_DIFFERENCE:g} is accepted: another version of torch or onnxruntime may help"
        )


def _write_onnx(model: GraspModel, path: Path) -> bool:
    """Write the graph; whether it takes pictures of any side that the network takes."""
    import copy

    import torch

    network = copy.deepcopy(model.network).eval().to(memory_format=torch.contiguous_format)
    stride, side = model.canvas.stride, model.canvas.side
    batch = torch.export.Dim("batch")
    sides = [stride * torch.export.Dim(name, min=2, max=MOST_CANVASES) for name in ("rows", "columns")]
    for free in ({0: batch, 2: sides[0], 3: sides[1]}, {0: batch}):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the exporter announces its own deprecations
                logging.getLogger("torch.onnx").setLevel(logging.ERROR)
                torch.onnx.export(
                    network,
                    (torch.zeros(2, 1, side, side),),
                    path,
                    input_names=[PICTURES],
                    output_names=[SCORES],
                    dynamo=True,
                    dynamic_shapes=(free,),
                    external_data=False,
                    verbose=False,
                )
        except torch.onnx.errors.OnnxExporterError:
            if len(free) == 1:
                raise
            continue  # its layers are written for one side
        return len(free) > 1
    raise AssertionError("unreachable: the last form raises")


def _as_openvino(folder: Path) -> None:
    """The graph in the format of OpenVINO, in place of ONNX."""
    require_extra("", "openvino")
    import openvino

    graph = folder / FILES["onnx"][0]
    openvino.save_model(openvino.Core().read_model(graph), folder / FILES["openvino"][0], compress_to_fp16=False)
    graph.unlink()
