"""A graph of ONNX in 8 bits, the ranges of its activations taken from scenes of the user's own."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.serving.export_description import PICTURES

if TYPE_CHECKING:
    from grasping_student.models.heightmap_scorer import HeightmapScorer

FEWEST_SCENES = 20
"""Fewer scenes in a dataset than this say little about the ranges of numbers or about grasps."""

MOST_PICTURES = 96
"""So many turned scenes fix the ranges: activations of more would fill the memory."""


def dataset_scenes(path: Path, workspace: Workspace, most: int, seed: int) -> tuple[str, list[Heightmap]]:
    """Content hash and scenes of a dataset, in random order.

    Args:
        path: of the dataset.
        workspace: that its scenes must have.
        most: no more scenes than this.
        seed: of the choice and order.

    Raises:
        UserError: no dataset, of another workspace, or with too few scenes.
    """
    from grasping_student.datasets.store import Dataset
    from grasping_student.models.configuration import describe

    dataset = Dataset(path)
    dataset.require()
    if dataset.workspace != workspace:
        raise UserError(
            f"--calibration {path} is of {describe(dataset.workspace)}, the model of {describe(workspace)}; give "
            "scenes of the model's workspace"
        )
    ids = np.random.default_rng(seed).permutation(dataset.ids())[:most]
    if len(ids) < FEWEST_SCENES:
        raise UserError(f"--calibration {path}: {len(ids)} scenes are too few; at least {FEWEST_SCENES} are needed")
    return dataset.version, [dataset.heightmap(int(each)) for each in ids]


def quantise(graph: Path, model: HeightmapScorer, scenes: Sequence[Heightmap]) -> None:
    """Replace a graph by one in 8 bits, but for its first and last layer.

    The first would round heights to almost a millimetre, the last would make neighbouring scores tie.

    Args:
        graph: of ONNX, in fp32.
        model: lays the scenes on its canvas.
        scenes: whose activations fix the ranges.
    """
    import onnx
    from onnxruntime import quantization

    class Pictures(quantization.CalibrationDataReader):
        """Hands the pictures to the calibration, one by one."""

        def __init__(self, pictures: Iterator[NDArray[np.float32]]) -> None:
            self._pictures = pictures

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            """The next input, None at the end."""
            picture = next(self._pictures, None)
            return None if picture is None else {PICTURES: picture}

    convolutions = [node.name for node in onnx.load(graph).graph.node if node.op_type == "Conv"]
    quantised = graph.with_suffix(".int8.onnx")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # advice to fuse what the exporter has fused already
    try:
        quantization.quantize_static(
            graph,
            quantised,
            Pictures(_turned(model, scenes)),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=[convolutions[0], convolutions[-1]],
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )
    finally:
        logging.disable(before)
    quantised.replace(graph)


def _turned(model: HeightmapScorer, scenes: Sequence[Heightmap]) -> Iterator[NDArray[np.float32]]:
    """Each scene at one turn or more, every turn of deployment as often, ``(1, 1, side, side)``."""
    turns = list(model.turns([float(angle) for angle in DEPLOYMENT_ANGLES.angles]))
    rounds = max(1, min(MOST_PICTURES // max(len(scenes), 1), len(turns)))
    for number, scene in enumerate(scenes[:MOST_PICTURES]):
        for each in range(rounds):
            turn = turns[(number + each * len(turns) // rounds) % len(turns)]
            yield from (picture[:, None] for picture in model.pictures_at(scene, [turn]))
