"""Relabelling: from the same state, the person's grasp, the teacher's best near it, and the teacher's best of all.

The paper (section III) corrects labelled scenes by their teacher, from a person's coarse angles to 64 bins. Here both
are executed, so that which of the two succeeds more is measured and not assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.base import RestorableEnvironment
from grasping_student.episodes.configuration import SimulationSpec
from grasping_student.episodes.event_log import EventLog, outcome_name, read_attempts, rewrite_events
from grasping_student.episodes.loop import policy_seed
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.episodes.process_cache import (
    close_environments,
    one_thread,
    open_environment,
    open_model,
    open_policy,
)
from grasping_student.evaluation.one_shot import prepare_scene
from grasping_student.geometry.grasp import TRAINING_ANGLES, Outcome, PlanarGrasp, angle_distance
from grasping_student.models.grasp_choice import NMS_RADIUS
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.executor_base import ExecutorConfig
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.policies.base import NothingToGrasp
from grasping_student.simulation.config import DEFAULT_ENGINE, EngineName
from grasping_student.simulation.families import FAMILIES, Family

ATTEMPTS = "attempts.jsonl"
KINDS = ("scripted", "nearby", "best")
"""The person's grasp, the teacher's best within reach of it, the teacher's best."""


@dataclass(frozen=True)
class RelabellingConfig:
    """Execute a person's grasps and their corrections from the same states."""

    teacher: Path = Path("runs/teacher")
    scenes: int = 480
    family: Family = "standard"
    engine: EngineName = DEFAULT_ENGINE
    pixels: int = 112
    seed: int = 0
    reach: float = NMS_RADIUS
    """A correction lies so near to the person's grasp along rows and columns, metres."""

    workers: int = 1
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    out: Path = Path("runs/relabelling")
    resume: bool = False


@dataclass(frozen=True)
class RelabelJob:
    """One scene."""

    environment: SimulationSpec
    teacher: Path
    scene: int
    seed: int
    reach: float


def run(config: RelabellingConfig) -> Path:
    """Run or resume; writes ``attempts.jsonl`` and ``metrics.json``, returns the folder."""
    config.out.mkdir(parents=True, exist_ok=True)
    log, environment_spec = config.out / ATTEMPTS, SimulationSpec(config.family, config.pixels, config.engine)
    before = read_attempts(log)
    counts: dict[int, int] = {}
    for each in before:
        counts[each.episode] = counts.get(each.episode, 0) + 1
    whole = {scene for scene, count in counts.items() if count == len(KINDS)}
    rewrite_events(log, [each for each in before if each.episode in whole])
    jobs = [
        RelabelJob(environment_spec, config.teacher, scene, config.seed, config.reach)
        for scene in range(config.scenes)
        if scene not in whole
    ]
    try:
        with one_thread(), EventLog(log) as file:
            for attempts in parallel_map(relabel_scene, jobs, config.workers, "relabelling", config.executor):
                file.append(*attempts)
    finally:
        close_environments()
    scenes = {each.episode for each in read_attempts(log) if each.episode < config.scenes}
    metrics = {"scenes": len(scenes), "pixel_mm": 1000 * _pixel(config)}
    write_json(config.out / "metrics.json", metrics)
    return config.out


def _pixel(config: RelabellingConfig) -> float:
    return FAMILIES[config.family]().workspace.extent / config.pixels


def relabel_scene(job: RelabelJob) -> list[Attempt]:
    """All three grasps from the same state."""
    environment = open_environment(job.environment)
    assert isinstance(environment, RestorableEnvironment)
    prepare_scene(environment, job.scene, job.seed, 0.85)
    state, observation = environment.save_state(), environment.observe()
    heightmap = observation.heightmap
    model = open_model(job.teacher)
    person = open_policy(job.environment, "scripted", make_policy)
    person.begin_episode(policy_seed(job.seed, job.scene, 0))
    scores = model.allowed_scores(heightmap, TRAINING_ANGLES)
    try:
        own, _ = person(observation)
    except NothingToGrasp:
        return [_attempt(job, kind, model.version) for kind in KINDS]
    near = np.full_like(scores, -np.inf)
    reach = round(job.reach / heightmap.workspace.pixel_size)
    rows = slice(max(own.row - reach, 0), own.row + reach + 1)
    cols = slice(max(own.col - reach, 0), own.col + reach + 1)
    near[:, rows, cols] = scores[:, rows, cols]
    grasps = {"scripted": own, "nearby": best_of(near) or own, "best": best_of(scores) or own}
    attempts = []
    for kind, grasp in grasps.items():
        environment.restore_state(state)
        attempts.append(_attempt(job, kind, model.version, grasp, environment.execute(grasp)))
    return attempts


def _attempt(
    job: RelabelJob, kind: str, version: str, grasp: PlanarGrasp | None = None, outcome: Outcome | None = None
) -> Attempt:
    return Attempt(
        episode=job.scene,
        index=0,
        environment="simulation",
        source="script" if kind == "scripted" else "policy",
        policy=kind,
        policy_version=version,
        grasp=grasp,
        outcome=outcome,
    )


def best_of(scores: np.ndarray) -> PlanarGrasp | None:
    """The best of a stack of maps on the training grid, or None."""
    angle, row, col = np.unravel_index(int(scores.argmax()), scores.shape)
    if not np.isfinite(scores[angle, row, col]):
        return None
    return PlanarGrasp(int(row), int(col), TRAINING_ANGLES.angle(int(angle)))


def read_corrections(folder: Path, kind: str) -> tuple[pd.DataFrame, str]:
    """Rows of one kind of grasp of a finished run, as ``study.run_store`` keeps them, and the teacher's version.

    Each says besides how far it lies from the person's grasp, millimetres, and by how much it is turned, degrees.
    """
    metrics = read_json(folder / "metrics.json")
    attempts = [each for each in read_attempts(folder / ATTEMPTS) if each.episode < metrics["scenes"]]
    own, person = ({each.episode: each for each in attempts if each.policy == name} for name in (kind, "scripted"))
    rows = []
    for scene in sorted(own):
        moved, turned = _change(own[scene].grasp, person[scene].grasp)
        rows.append(
            {
                "part": "",
                "index": scene,
                "outcome": outcome_name(own[scene]),
                "successes": int(bool(own[scene].success)),
                "attempts": int(own[scene].counted),
                "moved_mm": round(metrics["pixel_mm"] * moved, 1),
                "turned_degrees": round(turned, 1),
            }
        )
    return pd.DataFrame(rows), str(attempts[0].policy_version)


def _change(grasp: PlanarGrasp | None, person: PlanarGrasp | None) -> tuple[float, float]:
    """Distance in pixels and turn in degrees of a grasp from the person's; 0 where there was nothing to grasp."""
    if grasp is None or person is None:
        return 0.0, 0.0
    distance = float(np.hypot(grasp.row - person.row, grasp.col - person.col))
    return distance, float(np.degrees(angle_distance(grasp.angle, person.angle)))
