"""Precision of pseudo-labels: a teacher's grasps executed in the simulator, with how sure it was of each.

From the same state of a scene: the teacher's best grasp (the paper's pseudo-label), its best among those that each
constraint lets pass, and its best at some random angles, which cover all angles and all degrees of certainty.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grasping_student.environments.base import RestorableEnvironment
from grasping_student.episodes.configuration import EnvironmentSpec, SimulationSpec
from grasping_student.episodes.process_cache import close_environments, one_thread, open_environment, open_model
from grasping_student.evaluation.network_metrics import log_probabilities
from grasping_student.evaluation.one_shot import prepare_scene
from grasping_student.geometry.grasp import TRAINING_ANGLES, Outcome, PlanarGrasp
from grasping_student.geometry.grasp_constraints import ConstraintName, GraspConstraintConfig
from grasping_student.geometry.gripper import GripperGeometry, finger_clearance
from grasping_student.models.normalisation import clean_height
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.executor_base import ExecutorConfig
from grasping_student.pipeline.files import atomic_path, read_json, write_json
from grasping_student.simulation.config import DEFAULT_ENGINE, EngineName
from grasping_student.simulation.families import Family

GRASPS = "grasps.jsonl"
CONSTRAINTS: tuple[ConstraintName, ...] = ("clearance", "antipodal")
KINDS = ("best", *CONSTRAINTS, "angle")
"""The teacher's best; its best that a constraint lets pass; its best at a random angle."""

NO_GRASP = "no_grasp"
_RANDOM_ANGLES = 0xA4617E


@dataclass(frozen=True)
class PrecisionConfig:
    """Execute what a teacher would have the student learn."""

    teacher: Path = Path("runs/teacher")
    scenes: int = 480
    random_angles: int = 4
    """Random angles of the 64 for each scene."""

    foreground_only: bool = True
    family: Family = "standard"
    engine: EngineName = DEFAULT_ENGINE
    pixels: int = 112
    seed: int = 0
    max_removed_fraction: float = 0.85
    workers: int = 1
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    out: Path = Path("runs/precision")
    resume: bool = False


@dataclass(frozen=True)
class TeacherGrasp:
    """One grasp of a teacher and how it ended."""

    kind: str
    row: int
    col: int
    angle: int
    """Bin of the 64."""

    score: float
    confidence: float
    """log10 of its share of the softmax over all allowed pixels and angles of the scene."""

    clearance: float
    """Minimum height of the tips over what lies under both open fingers, metres."""

    clear: bool
    """Whether the clearance constraint lets it pass."""

    antipodal: bool
    """Whether the antipodal constraint lets it pass."""

    outcome: str


@dataclass(frozen=True)
class SceneJob:
    """One scene to grasp in."""

    environment: EnvironmentSpec
    config: PrecisionConfig
    scene: int


def run(config: PrecisionConfig, environment: EnvironmentSpec | None = None) -> Path:
    """Run or resume; writes ``grasps.jsonl``, a line a scene, and ``metrics.json``; returns the folder."""
    config.out.mkdir(parents=True, exist_ok=True)
    log, environment = config.out / GRASPS, environment or SimulationSpec(config.family, config.pixels, config.engine)
    done = read_log(log)
    with atomic_path(log) as temporary:  # without a line that a kill cut short
        temporary.write_text("".join(_line(scene, grasps) for scene, grasps in done.items()), encoding="utf-8")
    jobs = [SceneJob(environment, config, scene) for scene in range(config.scenes) if scene not in done]
    try:
        with one_thread(), log.open("a", encoding="utf-8") as file:
            found = parallel_map(grasp_in_scene, jobs, config.workers, "precision", config.executor)
            for job, grasps in zip(jobs, found, strict=True):
                file.write(_line(job.scene, grasps))
                file.flush()
                os.fsync(file.fileno())
    finally:
        close_environments()
    wanted = {scene: each for scene, each in read_log(log).items() if scene < config.scenes}
    write_json(config.out / "metrics.json", {"version": open_model(config.teacher).version, "scenes": len(wanted)})
    return config.out


def read_log(path: Path) -> dict[int, list[TeacherGrasp]]:
    """Scene -> its grasps; a last line that a kill cut short is left out.

    Raises:
        UserError: a line that holds no grasps.
    """
    found = {}
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            found[int(values["scene"])] = [TeacherGrasp(**each) for each in values["grasps"]]
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}, line {number} holds no grasps of a scene ({error!r})") from None
    return found


def _line(scene: int, grasps: Sequence[TeacherGrasp]) -> str:
    return json.dumps({"scene": scene, "grasps": [asdict(each) for each in grasps]}, allow_nan=False) + "\n"


def grasp_in_scene(job: SceneJob) -> list[TeacherGrasp]:
    """All grasps of the teacher from the same state."""
    config, environment = job.config, open_environment(job.environment)
    assert isinstance(environment, RestorableEnvironment)
    prepare_scene(environment, job.scene, config.seed, config.max_removed_fraction)
    state, heightmap = environment.save_state(), environment.observe().heightmap
    model = open_model(config.teacher)
    scores = model.allowed_scores(heightmap, TRAINING_ANGLES, config.foreground_only)
    if not np.isfinite(scores).any():
        return [_nothing(kind) for kind in _kinds(config)]
    height = clean_height(heightmap, model.config.normalisation)
    given = (height, TRAINING_ANGLES.angles)
    passes = {
        name: constraint.allows(*given, heightmap.workspace)
        for name in CONSTRAINTS
        if (constraint := GraspConstraintConfig(name).make())
    }
    clearance = finger_clearance(*given, GripperGeometry(), heightmap.workspace)
    share = log_probabilities(scores) / np.log(10.0)
    ended: dict[tuple[int, int, int], str] = {}
    grasps = []
    for kind, allowed in zip(_kinds(config), _choices(scores, passes, config, job.scene), strict=True):
        angle, row, col = (int(each) for each in np.unravel_index(int(allowed.argmax()), scores.shape))
        if not np.isfinite(allowed[angle, row, col]):
            grasps.append(_nothing(kind, angle))
            continue
        if (angle, row, col) not in ended:  # the same grasp from the same state ends alike
            environment.restore_state(state)
            grasp = PlanarGrasp(row, col, TRAINING_ANGLES.angle(angle))
            ended[angle, row, col] = environment.execute(grasp).value
        score, sure, least = (round(float(each[angle, row, col]), 6) for each in (scores, share, clearance))
        clear, antipodal = (bool(passes[name][angle, row, col]) for name in CONSTRAINTS)
        outcome = ended[angle, row, col]
        grasps.append(TeacherGrasp(kind, row, col, angle, score, sure, least, clear, antipodal, outcome))
    return grasps


def _nothing(kind: str, angle: int = 0) -> TeacherGrasp:
    return TeacherGrasp(kind, 0, 0, angle, 0.0, 0.0, 0.0, clear=False, antipodal=False, outcome=NO_GRASP)


def _kinds(config: PrecisionConfig) -> list[str]:
    return ["best", *CONSTRAINTS, *["angle"] * config.random_angles]


def _choices(
    scores: NDArray[np.float32], passes: Mapping[ConstraintName, NDArray[np.bool_]], config: PrecisionConfig, scene: int
) -> list[NDArray[np.float32]]:
    """What each kind may choose from, scores with -inf elsewhere."""
    random = np.random.default_rng([_RANDOM_ANGLES, config.seed, scene])
    found = [scores, *(np.where(passes[name], scores, -np.inf) for name in CONSTRAINTS)]
    for angle in random.choice(TRAINING_ANGLES.count, config.random_angles, replace=False):
        only = np.full_like(scores, -np.inf)
        only[angle] = scores[angle]
        found.append(only)
    return found


def read_grasps(folder: Path) -> tuple[pd.DataFrame, str]:
    """Rows of a finished run by kind, scene after scene, as ``study.run_store`` keeps them, and the teacher's version.

    Raises:
        UserError: the log is damaged.
    """
    grasps = read_log(folder / GRASPS)
    rows = pd.DataFrame([asdict(each) for scene in sorted(grasps) for each in grasps[scene]])
    rows = rows.rename(columns={"kind": "part"})
    rows["index"] = rows.groupby("part").cumcount()
    rows["successes"] = (rows["outcome"] == Outcome.SUCCESS.value).astype(int)
    rows["attempts"] = (~rows["outcome"].isin((NO_GRASP, Outcome.FAULT.value))).astype(int)
    rows["clearance_mm"] = (1000 * rows["clearance"]).round(1)
    rows[["score", "confidence"]] = rows[["score", "confidence"]].round(3)
    return rows.drop(columns=["row", "col", "clearance"]), str(read_json(folder / "metrics.json")["version"])
