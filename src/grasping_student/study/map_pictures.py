"""Figures 2 and 4: maps of trained models, drawn while the models are in the cache and kept with the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grasping_student.datasets.store import Dataset
from grasping_student.evaluation.proxy import success_map
from grasping_student.geometry.grasp import AngleGrid
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.inference import torch_threads
from grasping_student.plotting.map_figures import SceneMaps, angle_maps_figure, model_maps_figure
from grasping_student.study.figures import PICTURES, PREFERRED_SETTINGS, arm_title, cell_title, save_both
from grasping_student.study.planning import Row
from grasping_student.study.stages import Stage
from grasping_student.training.affordance import held_out_attempts

SHOWN_ANGLES = AngleGrid(8)
SHOWN_SCENES = 2
_LOOKED_AT = 24


def plot_maps(folder: Path, rows: Sequence[Row]) -> list[Path]:
    """Draw what an experiment's models see, as PNG and SVG; returns the pictures, none where a model is not there.

    Args:
        folder: the experiment's results folder.
        rows: its runs with their stages; those of ``affordance`` give figure 2, those of ``entropy`` figure 4.
    """
    drawn = []
    with torch_threads(1):
        for row in rows:
            if "affordance" in row.extra and row.extra["affordance"].done:
                start, _ = PICTURES["affordance"]
                title, path = row.cell.regime.replace("-", " ").capitalize(), folder / f"{start}-{row.cell.regime}"
                drawn.append(_affordance_maps(row.extra["affordance"], title, path))
        chosen = _cell_to_show([row for row in rows if "entropy" in row.extra])
        if chosen:
            start, _ = PICTURES["entropy"]
            drawn.append(_model_maps(chosen, folder / f"{start}-{chosen[0].cell.regime}"))
    return drawn


def _affordance_maps(stage: Stage, title: str, path: Path) -> Path:
    model = GraspModel.load(stage.out)
    dataset, attempts = held_out_attempts(stage.out)[0]
    scene = _fullest([dataset.heightmap(each.id) for each in attempts[:_LOOKED_AT]])[0]
    angles = [float(angle) for angle in SHOWN_ANGLES.angles]
    maps = np.stack([success_map(model, scene, angle) for angle in angles])
    save_both(angle_maps_figure(scene, maps, angles, title), path)
    return path.with_suffix(".png")


def _cell_to_show(rows: Sequence[Row]) -> list[Row]:
    """The rows of the cell with most models at hand, of those the preferred setting, of those the first draw."""
    cells: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        if isinstance(row.spec, Stage) and row.spec.done:
            cells.setdefault((row.cell.regime, row.cell.setting, row.cell.draw), []).append(row)

    def rank(key: tuple[str, str, int]) -> tuple[int, int, int]:
        order = (*PREFERRED_SETTINGS, key[1])
        return (-len(cells[key]), order.index(key[1]), key[2])

    return cells[min(cells, key=rank)] if cells else []


def _model_maps(rows: Sequence[Row], path: Path) -> Path:
    dataset = Dataset(rows[0].extra["entropy"].config.dataset)
    firsts = {attempt.episode: attempt.id for attempt in reversed(list(dataset.attempts()))}  # one of every episode
    ids = sorted(firsts.values())[:_LOOKED_AT]
    scenes = _fullest([dataset.heightmap(each) for each in ids])[:SHOWN_SCENES]
    models = [GraspModel.load(row.spec.out) for row in rows if isinstance(row.spec, Stage)]
    maps = [SceneMaps(scene, tuple(model.scores_at(scene, [0.0])[0] for model in models)) for scene in scenes]
    save_both(model_maps_figure(maps, [arm_title(row.arm) for row in rows], title=cell_title(rows[0])), path)
    return path.with_suffix(".png")


def _fullest(scenes: Sequence[Heightmap]) -> list[Heightmap]:
    """Scenes by how much lies in the graspable area, most first."""
    return sorted(scenes, key=lambda scene: -int(scene.graspable_foreground().sum()))
