"""Relabelling: from the same state, the person's grasp, the teacher's best near it, and the teacher's best of all.

The paper (section III) corrects labelled scenes by their teacher, from a person's coarse angles to 64 bins. Here both
are executed, so that which of the two succeeds more is measured and not assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from grasping_student.environments.base import RestorableEnvironment
from grasping_student.episodes.attempt import EventLog, Try, read_events, rewrite_events
from grasping_student.episodes.loop import policy_seed
from grasping_student.episodes.open_environments import (
    close_environments,
    one_thread,
    open_environment,
    open_model,
    open_policy,
)
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.evaluation.configuration import SimulationSpec
from grasping_student.evaluation.one_shot import prepare_scene
from grasping_student.geometry.grasp import TRAINING_ANGLES, PlanarGrasp, angle_distance
from grasping_student.models.grasp_model import NMS_RADIUS
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import write_json
from grasping_student.policies.base import NothingToGrasp

TRIES = "attempts.jsonl"
KINDS = ("scripted", "nearby", "best")
"""The person's grasp, the teacher's best within reach of it, the teacher's best."""


@dataclass(frozen=True)
class RelabellingConfig:
    """Execute a person's grasps and their corrections from the same states."""

    teacher: Path = Path("runs/teacher")
    scenes: int = 480
    family: Literal["standard", "sparse", "dense"] = "standard"
    pixels: int = 112
    seed: int = 0
    reach: float = NMS_RADIUS
    """A correction lies so near to the person's grasp along rows and columns, metres."""

    workers: int = 1
    out: Path = Path("runs/relabelling")
    resume: bool = False


@dataclass(frozen=True)
class RelabelJob:
    """One scene."""

    world: SimulationSpec
    teacher: Path
    scene: int
    seed: int
    reach: float


def run(config: RelabellingConfig) -> Path:
    """Run or resume; writes ``attempts.jsonl`` and ``metrics.json``, returns the folder."""
    config.out.mkdir(parents=True, exist_ok=True)
    log, world = config.out / TRIES, SimulationSpec(config.family, config.pixels)
    before = [event for event in read_events(log) if isinstance(event, Try)]
    counts: dict[int, int] = {}
    for each in before:
        counts[each.episode] = counts.get(each.episode, 0) + 1
    whole = {scene for scene, count in counts.items() if count == len(KINDS)}
    rewrite_events(log, [each for each in before if each.episode in whole])
    jobs = [
        RelabelJob(world, config.teacher, scene, config.seed, config.reach)
        for scene in range(config.scenes)
        if scene not in whole
    ]
    try:
        with one_thread(), EventLog(log) as file:
            for tries in parallel_map(relabel_scene, jobs, config.workers, "relabelling"):
                file.append(*tries)
    finally:
        close_environments()
    tries = [event for event in read_events(log) if isinstance(event, Try) and event.episode < config.scenes]
    write_json(config.out / "metrics.json", relabelling_metrics(tries, world))
    return config.out


def relabel_scene(job: RelabelJob) -> list[Try]:
    """All three grasps from the same state."""
    environment = open_environment(job.world)
    assert isinstance(environment, RestorableEnvironment)
    prepare_scene(environment, job.scene, job.seed, 0.85)
    state, observation = environment.save_state(), environment.observe()
    heightmap = observation.heightmap
    model = open_model(job.teacher)
    person = open_policy(job.world, "scripted", make_policy)
    person.begin_episode(policy_seed(job.seed, job.scene, 0))
    scores = model.allowed_scores(heightmap, TRAINING_ANGLES)
    try:
        own, _ = person(observation)
    except NothingToGrasp:
        return [Try(kind, model.version, job.scene, 0, 0, 0, 0.0, None, "no_grasp") for kind in KINDS]
    near = np.full_like(scores, -np.inf)
    reach = round(job.reach / heightmap.workspace.pixel_size)
    rows = slice(max(own.row - reach, 0), own.row + reach + 1)
    cols = slice(max(own.col - reach, 0), own.col + reach + 1)
    near[:, rows, cols] = scores[:, rows, cols]
    grasps = {"scripted": own, "nearby": best_of(near) or own, "best": best_of(scores) or own}
    tries = []
    for kind, grasp in grasps.items():
        environment.restore_state(state)
        outcome = environment.execute(grasp).value
        tries.append(Try(kind, model.version, job.scene, 0, grasp.row, grasp.col, grasp.angle, None, outcome))
    return tries


def best_of(scores: np.ndarray) -> PlanarGrasp | None:
    """The best of a stack of maps on the training grid, or None."""
    angle, row, col = np.unravel_index(int(scores.argmax()), scores.shape)
    if not np.isfinite(scores[angle, row, col]):
        return None
    return PlanarGrasp(int(row), int(col), TRAINING_ANGLES.angle(int(angle)))


def relabelling_metrics(tries: Sequence[Try], world: SimulationSpec) -> dict[str, Any]:
    """Outcomes by kind, and how far each correction lies from the person's grasp, scene by scene."""
    from grasping_student.simulation.config import FAMILIES

    pixel = FAMILIES[world.family]().workspace.extent / world.pixels
    by = {kind: {each.episode: each for each in tries if each.model == kind} for kind in KINDS}
    scenes = sorted(by["scripted"])
    metrics: dict[str, Any] = {"scenes": len(scenes)}
    for kind in KINDS:
        own, person = by[kind], by["scripted"]
        moved = [1000 * pixel * float(np.hypot(own[s].row - person[s].row, own[s].col - person[s].col)) for s in scenes]
        turned = [float(np.degrees(angle_distance(own[s].angle, person[s].angle))) for s in scenes]
        metrics[kind] = {
            "version": own[scenes[0]].version if scenes else None,
            "outcomes": "".join("1" if own[s].success else "0" if own[s].is_attempt else "-" for s in scenes),
            "moved_mm": [round(each, 1) for each in moved],
            "turned_degrees": [round(each, 1) for each in turned],
        }
    return metrics
