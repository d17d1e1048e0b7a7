"""The teacher's pass over the scenes: part by part, in several processes, resumable."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.pseudo_label_table import TABLE, Provenance, PseudoLabelTable
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES, AngleGrid
from grasping_student.geometry.grasp_constraints import GraspConstraint
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.grasp_choice import allowed_scores
from grasping_student.models.grasp_model import GraspModel, load_affordance
from grasping_student.models.inference import Precision, device_of, resolve_precision, torch_threads
from grasping_student.models.selection import angle_maxima, non_maximum_suppression
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.stage import StageRun
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
from grasping_student.pseudo_labels.ensemble import ensemble_scores, filtered_scores, log_total

PARTS = "parts"


@dataclass(frozen=True)
class Part:
    """Some scenes, and the file their pseudo-labels go to."""

    teacher: Path
    dataset: Path
    scenes: tuple[int, ...]
    file: Path
    provenance: Provenance
    top: int
    precision: Precision
    constraint: GraspConstraint | None
    others: tuple[Path, ...]
    affordance_filter: Path | None


def run(config: PseudoLabelConfig) -> Path:
    """Pseudo-label every scene of a dataset and return the output folder.

    Raises:
        UserError: no teacher, no scenes, another workspace, an affordance filter that is none, an existing ``out``,
            or a resume with another config or other data.
    """
    stage = StageRun("pseudo-label", config)
    dataset = Dataset(config.dataset)
    dataset.require()
    teacher = GraspModel.load(config.teacher, dataset.workspace)
    workspace = dataset.workspace
    provenance = Provenance(
        teacher.version,
        dataset.version,
        workspace.extent,
        workspace.pixels,
        workspace.margin,
        config.nms_radius,
        config.foreground_only,
        resolve_precision(config.precision),
        None if config.constraint.name == "none" else to_plain(config.constraint),
        config.views,
        [GraspModel.load(path, workspace).version for path in config.others],
        None
        if config.affordance_filter is None
        else load_affordance(config.affordance_filter, "--affordance-filter", workspace).version,
        config.min_affordance,
        config.angles,
    )
    inputs = {str(config.teacher): provenance.teacher, str(config.dataset): provenance.dataset}
    inputs |= {str(path): version for path, version in zip(config.others, provenance.others, strict=True)}
    if provenance.affordance_filter is not None:
        inputs[str(config.affordance_filter)] = provenance.affordance_filter
    with stage.output_folder(TABLE, inputs) as finished:
        if not finished:
            facts = _label_dataset(config, dataset, provenance)
            stage.finish(inputs, **facts)
        shutil.rmtree(config.out / PARTS, ignore_errors=True)
    return config.out


def _label_dataset(config: PseudoLabelConfig, dataset: Dataset, provenance: Provenance) -> dict[str, int]:
    """Write the table of all scenes, part by part; returns counts for the manifest."""
    ids = [int(i) for i in dataset.ids()]
    size, precision = config.scenes_per_part, resolve_precision(config.precision)  # not as each node would resolve it
    starts = range(0, len(ids), size)
    parts = [
        Part(
            config.teacher,
            config.dataset,
            tuple(ids[first : first + size]),
            _part_file(config.out, first),
            provenance,
            config.top,
            precision,
            config.constraint.make(),
            config.others,
            config.affordance_filter,
        )
        for first in starts
    ]
    missing = [part for part in parts if not part.file.exists()]
    for part in parts:
        if part.file.exists():
            _read_part(part)  # parts of another kind are told before the others are made
    for _ in parallel_map(label_part, missing, config.workers, "pseudo-labels", config.executor):
        pass
    table = PseudoLabelTable.join([_read_part(part) for part in parts])
    table.save(config.out / TABLE, provenance)
    return {
        "scenes": len(table),
        "scenes_without_grasp": int((~np.isfinite(table.score)).all(1).sum()),
        "scenes_overruled": int(table.overruled.sum()),
    }


def _part_file(out: Path, first: int) -> Path:
    return out / PARTS / f"{first:07d}.parquet"


def _read_part(part: Part) -> PseudoLabelTable:
    table, provenance = PseudoLabelTable.load(part.file)
    if provenance != part.provenance:
        raise UserError(
            f"--resume: {part.file} was made by {provenance}, the rest would be by {part.provenance}; "
            "start again with --overwrite"
        )
    return table


def label_part(part: Part) -> int:
    """Pseudo-label the scenes of one part, write its file, return their number."""
    source, dataset = part.provenance, Dataset(part.dataset)
    others = zip(part.others, source.others, strict=True)
    affordance_filter = None
    if part.affordance_filter is not None:
        affordance_filter = _open(part.affordance_filter, part.precision, source.affordance_filter)
    labeller = SceneLabeller(
        _open(part.teacher, part.precision, source.teacher),
        part.top,
        source.nms_radius,
        source.foreground_only,
        part.constraint,
        source.views,
        tuple(_open(path, part.precision, version) for path, version in others),
        affordance_filter,
        source.min_affordance,
        AngleGrid(source.angles),
    )
    with torch_threads(1):  # as in every worker
        results = labeller.label_all([dataset.heightmap(scene) for scene in part.scenes])
    columns = {name: np.stack([result[name] for result in results]) for name in results[0]}
    PseudoLabelTable(scene=np.array(part.scenes, dtype=np.int64), **columns).save(part.file, part.provenance)
    return len(part.scenes)


@dataclass(frozen=True)
class SceneLabeller:
    """Models that look at a scene, and how their favourite grasps are chosen; see ``PseudoLabelConfig``."""

    teacher: GraspModel
    top: int
    nms_radius: float
    foreground_only: bool
    constraint: GraspConstraint | None = None
    views: int = 1
    others: tuple[GraspModel, ...] = ()
    affordance_filter: GraspModel | None = None
    min_affordance: float = 0.5
    grid: AngleGrid = TRAINING_ANGLES
    """Angles at which the models look."""

    def label_all(self, heightmaps: Sequence[Heightmap]) -> list[dict[str, NDArray]]:
        """``label`` of several scenes; a GPU looks at several in one call, where each is looked at as it is."""
        if device_of() == "cpu" or self.views > 1 or self.others:
            return [self.label(each) for each in heightmaps]
        found = []
        angles = [float(angle) for angle in self.grid.angles]
        at_once = max(1, self.teacher.pixels_per_call // (self.teacher.canvas.side**2 * self.grid.count))
        for first in range(0, len(heightmaps), at_once):
            some = heightmaps[first : first + at_once]
            scores = self.teacher.scores_of(some, angles)
            found += [self.label(each, maps) for each, maps in zip(some, scores, strict=True)]
        return found

    def label(self, heightmap: Heightmap, maps: NDArray[np.float32] | None = None) -> dict[str, NDArray]:
        """One row of the table, by column name, without the scene's id.

        Args:
            heightmap: the scene.
            maps: the teacher's ``score_maps`` of it at ``grid``, if they are known.
        """
        scores, total, overruled = self._scores(heightmap, maps)
        nms_pixels = self.nms_radius / heightmap.workspace.pixel_size
        best, row, col = angle_maxima(scores)
        columns: dict[str, NDArray] = {"score": best, "row": row.astype(np.int16), "col": col.astype(np.int16)}
        columns |= {"total": np.array(total, dtype=np.float32), "overruled": np.array(overruled)}
        for grid in (TRAINING_ANGLES, DEPLOYMENT_ANGLES):
            bins = grid.indices_in(TRAINING_ANGLES)
            chosen = non_maximum_suppression(scores[bins], self.top, nms_pixels)
            score, place = np.full(self.top, -np.inf, dtype=np.float32), np.zeros((3, self.top), dtype=np.int16)
            for rank, each in enumerate(chosen):
                score[rank], place[:, rank] = each.score, (each.row, each.col, bins[each.angle])
            names = [f"top{grid.count}_{name}" for name in ("score", "row", "col", "angle")]
            columns |= dict(zip(names, (score, *place), strict=True))
        return columns

    def _scores(
        self, heightmap: Heightmap, maps: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], float, bool]:
        """Scores at the training grid ``(64, pixels, pixels)``, -inf where nothing is chosen; their log-sum-exp before
        the filter; and whether the filter refused every grasp."""
        query = replace(
            self.teacher.query,
            required=() if self.constraint is None else (self.constraint,),
            foreground_only=self.foreground_only,
            grid=self.grid,
        )
        model = self.teacher if maps is None else _Scored(self.teacher.version, self.teacher.workspace, maps)
        scores, overruled = allowed_scores(Observation.of(heightmap), model, query).scores, False
        if self.views > 1 or self.others:
            scores = ensemble_scores(scores, (self.teacher, *self.others), heightmap, self.grid, self.views)
        total = log_total(scores)
        if self.affordance_filter is not None:
            nms_pixels = self.nms_radius / heightmap.workspace.pixel_size
            scores, overruled = filtered_scores(
                scores, self.affordance_filter, heightmap, self.grid, self.min_affordance, self.top, nms_pixels
            )
        if self.grid == TRAINING_ANGLES:
            return scores, total, overruled
        everywhere = np.full((TRAINING_ANGLES.count, *scores.shape[1:]), -np.inf, dtype=np.float32)
        everywhere[self.grid.indices_in(TRAINING_ANGLES)] = scores
        return everywhere, total, overruled


@dataclass(frozen=True, eq=False)
class _Scored:
    """A model that has scored the scene."""

    version: str
    workspace: Workspace
    maps: NDArray[np.float32]

    def score_maps(self, heightmap: Heightmap, grid: AngleGrid, /) -> NDArray[np.float32]:
        """See ``ScoringModel``."""
        return self.maps


@functools.lru_cache(maxsize=8)
def _open(path: Path, precision: Precision, version: str | None) -> GraspModel:
    """A model of a worker, opened once; ``version`` tells a retrained one from the one kept."""
    model = GraspModel.load(path, precision=precision)
    if model.version != version:
        raise UserError(f"{path} changed while it was pseudo-labelling; start again with --overwrite")
    return model
