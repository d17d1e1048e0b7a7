"""The rectangle metric on recorded scenes: does a model's best grasp match a rectangle that a person drew.

A grasp matches a rectangle when its angle is off by less than 30 degrees and their areas overlap: intersection over
union above 0.25 (Jiang, Moseson, Saxena, ICRA 2011). The grasp's own rectangle is as wide as the fingers open there
(``perception.placement``) and as high as the people's rectangles are in the median. Nobody drew every good grasp, so
the share says how often a model does what a person would, not how often it would hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from grasping_student.datasets.splits import Split
from grasping_student.datasets.store import Dataset
from grasping_student.episodes.loop import policy_seed
from grasping_student.episodes.policy_spec import prefix_and_folder
from grasping_student.evaluation.configuration import RectanglesConfig, parse_models
from grasping_student.evaluation.rates import difference, rate
from grasping_student.evaluation.statistics import Counts
from grasping_student.geometry.grasp import PlanarGrasp, angle_distance
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.observation import Observation
from grasping_student.perception.placement import place_grasp
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.stage import StageRun

METRICS = "metrics.json"


class GraspRectangle(NamedTuple):
    """A grasp with the sides of its rectangle, metres: the opening along the closing direction, the jaw across it."""

    grasp: PlanarGrasp
    opening: float
    jaw: float

    def area(self) -> float:
        """Square metres."""
        return self.opening * self.jaw


@dataclass(frozen=True, eq=False)
class RectangleScene:
    """One recorded scene with the rectangles that people drew in it."""

    episode: int
    heightmap: Heightmap
    rectangles: tuple[GraspRectangle, ...]


def intersection_over_union(first: GraspRectangle, second: GraspRectangle, workspace: Workspace) -> float:
    """Area that two rectangles share over the area that they cover together, in [0, 1]."""
    _, corners = cv2.rotatedRectangleIntersection(_turned(first, workspace), _turned(second, workspace))
    shared = 0.0 if corners is None else cv2.contourArea(cv2.convexHull(corners)) * 1e-6
    return float(shared / (first.area() + second.area() - shared))


def matches(chosen: GraspRectangle, drawn: GraspRectangle, workspace: Workspace, config: RectanglesConfig) -> bool:
    """Whether a grasp is the one that a person drew."""
    turned = float(angle_distance(chosen.grasp.angle, drawn.grasp.angle))
    return (
        turned <= math.radians(config.angle) and intersection_over_union(chosen, drawn, workspace) > config.min_overlap
    )


def _turned(rectangle: GraspRectangle, workspace: Workspace) -> tuple[tuple[float, float], tuple[float, float], float]:
    """A rectangle as OpenCV wants it: centre, sides in millimetres, degrees; its y axis points up here."""
    x, y = rectangle.grasp.xy(workspace)
    sides = (rectangle.opening * 1000.0, rectangle.jaw * 1000.0)
    return (float(x) * 1000.0, float(y) * 1000.0), sides, math.degrees(rectangle.grasp.angle)


def read_scenes(dataset: Dataset, episodes: tuple[int, ...] | None = None) -> tuple[RectangleScene, ...]:
    """The scenes of a dataset in which people drew rectangles, in the order of the dataset.

    Args:
        dataset: its successful grasps carry ``opening_m`` and ``jaw_m``, as the importers of rectangles write them.
        episodes: only these; None takes all.

    Raises:
        UserError: there is none.
    """
    found: dict[tuple[int, bytes], tuple[Heightmap, list[GraspRectangle]]] = {}
    for attempt in dataset.attempts(success=True):
        sides = [(attempt.extra or {}).get(name) for name in ("opening_m", "jaw_m")]
        if attempt.grasp is None or (episodes is not None and attempt.episode not in episodes):
            continue
        if not all(isinstance(side, float) and 0.0 < side < 10.0 for side in sides):
            continue
        heightmap = dataset.heightmap(attempt.id)
        _, rectangles = found.setdefault((attempt.episode, heightmap.height.tobytes()), (heightmap, []))
        rectangles.append(GraspRectangle(attempt.grasp, *(float(side) for side in sides if side is not None)))
    if not found:
        where = "" if episodes is None else " among the split's held-out episodes"
        raise UserError(
            f"{dataset.path} has no scene with rectangles{where}; 'dataset import cornell', 'ivalab' and 'jacquard' "
            "write such datasets"
        )
    return tuple(RectangleScene(key[0], each, tuple(rectangles)) for key, (each, rectangles) in found.items())


class Chooser(NamedTuple):
    """A model that is tested."""

    version: str
    gripper: GripperGeometry
    best: Callable[[Observation, int], list[PlanarGrasp]]
    """Observation and number of the scene -> its grasps, best first; empty where it finds nothing."""


def chooser(spec: str, workspace: Workspace, config: RectanglesConfig) -> Chooser:
    """The model that a spec names: ``random``, ``antipodal`` or a checkpoint folder, with the prefixes of policies.

    Raises:
        UserError: no such model, or a checkpoint of another pixel size.
    """
    if spec in ("random", "antipodal"):
        from grasping_student.policies.base import NothingToGrasp
        from grasping_student.policies.random_antipodal import RandomAntipodal
        from grasping_student.policies.random_foreground import RandomForeground

        policy = RandomAntipodal() if spec == "antipodal" else RandomForeground()

        def by_chance(observation: Observation, scene: int) -> list[PlanarGrasp]:
            policy.begin_episode(policy_seed(config.seed, scene, 0))
            try:
                return [policy(observation)[0] for _ in range(config.top)]
            except NothingToGrasp:
                return []

        return Chooser(policy.version, GripperGeometry(), by_chance)
    return _checkpoint(spec, workspace, config)


def _checkpoint(spec: str, workspace: Workspace, config: RectanglesConfig) -> Chooser:
    from grasping_student.geometry.grasp_constraints import CONSTRAINTS, ConstraintName, GraspConstraintConfig
    from grasping_student.models.grasp_choice import NoGrasp, choose
    from grasping_student.models.grasp_model import GraspModel

    prefix, folder = prefix_and_folder(spec)
    if not folder.is_dir():
        raise UserError(f"--models: '{spec}' is neither a checkpoint folder nor one of: random, antipodal")
    if prefix not in ("", "unconstrained", *CONSTRAINTS):
        raise UserError(f"--models: '{spec}': {prefix}: is for episodes; a recorded scene is grasped once")
    model = GraspModel.load(folder).on(workspace)
    gripper = model.query.gripper
    if prefix == "unconstrained":
        model = model.unconstrained()
    name: ConstraintName = prefix if prefix in CONSTRAINTS else "none"
    constraint = GraspConstraintConfig(name, gripper=gripper).make()
    query = replace(model.query, count=config.top, required=() if constraint is None else (constraint,))

    def best(observation: Observation, scene: int) -> list[PlanarGrasp]:
        try:
            return [each.grasp for each in choose(observation, model, query).grasps]
        except NoGrasp:
            return []

    return Chooser(model.version + ("" if constraint is None else f"-{name}"), gripper, best)


def first_matches(
    model: Chooser, scenes: tuple[RectangleScene, ...], jaw: float, config: RectanglesConfig
) -> Iterator[int | None]:
    """Scene by scene the place, from 0, of the model's best grasp that matches a rectangle; None where none does."""
    for number, scene in enumerate(scenes):
        observation = Observation.of(scene.heightmap)
        found = None
        for place, grasp in enumerate(model.best(observation, number)):
            opening = place_grasp(observation, grasp, model.gripper).opening
            chosen = GraspRectangle(grasp, opening, jaw)
            if any(matches(chosen, drawn, scene.heightmap.workspace, config) for drawn in scene.rectangles):
                found = place
                break
        yield found


def run(config: RectanglesConfig) -> Path:
    """Run the stage ``evaluate rectangles``; returns the output folder.

    Writes ``metrics.json``: for each model the share of scenes whose best grasp matches a rectangle, the share with a
    match among its best ``top``, and the place of the first match scene by scene. The unit of the intervals is the
    episode: its scenes show the same objects.

    Raises:
        UserError: no models, no scene with rectangles, a checkpoint of another pixel size, or an existing ``out``.
    """
    specs = parse_models(config.models)
    stage = StageRun("evaluate rectangles", config)
    dataset = Dataset(config.dataset)
    split = None if config.split is None else Split.load(config.split)
    if split is not None and split.dataset_version != dataset.version:
        raise UserError(f"{config.split} splits another dataset than {config.dataset}; split this one again")
    scenes = read_scenes(dataset, None if split is None else split.held_out)
    jaw = float(np.median([drawn.jaw for scene in scenes for drawn in scene.rectangles]))
    models = {name: chooser(spec, dataset.workspace, config) for name, spec in specs.items()}
    inputs = {str(config.dataset): dataset.version, **{name: model.version for name, model in models.items()}}
    with stage.output_folder(METRICS, inputs):
        first = {name: list(first_matches(model, scenes, jaw, config)) for name, model in models.items()}
        rows = {name: _row(models[name].version, places, scenes, config) for name, places in first.items()}
        write_json(
            config.out / METRICS,
            {
                "schema_version": 1,
                "kind": "rectangles",
                "scenes": len(scenes),
                "episodes": len({scene.episode for scene in scenes}),
                "rectangles": sum(len(scene.rectangles) for scene in scenes),
                "angle_degrees": config.angle,
                "min_overlap": config.min_overlap,
                "jaw_m": jaw,
                "top": config.top,
                "models": rows,
                "differences": _differences(first, scenes, config.seed),
            },
        )
        stage.finish(inputs)
    return config.out


def _counts(hits: list[bool], scenes: tuple[RectangleScene, ...]) -> Counts:
    _, which = np.unique([scene.episode for scene in scenes], return_inverse=True)
    return Counts(np.bincount(which, weights=hits), np.bincount(which))


def _row(
    version: str, places: list[int | None], scenes: tuple[RectangleScene, ...], config: RectanglesConfig
) -> dict[str, Any]:
    best = rate(_counts([place == 0 for place in places], scenes), config.seed)
    among = rate(_counts([place is not None for place in places], scenes), config.seed)
    return {"version": version, **best, "top_n": among, "first_match": places}


def _differences(
    first: Mapping[str, list[int | None]], scenes: tuple[RectangleScene, ...], seed: int
) -> list[dict[str, Any]]:
    """Every model's share less the first model's, over the same scenes."""
    names = list(first)
    counts = {name: _counts([place == 0 for place in first[name]], scenes) for name in names}
    return [
        {"first": names[0], "second": name, "best": difference(counts[names[0]], counts[name], seed)}
        for name in names[1:]
    ]
