"""Precision of pseudo-labels: a teacher's grasps executed in the simulator, with how sure it was of each.

From the same state of a scene: the teacher's best grasp (the paper's pseudo-label), its best among those that each rule
on grasps lets pass, and its best at some angles drawn by chance, which cover all angles and all degrees of certainty.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
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
from grasping_student.pipeline.files import atomic_path, write_json

SHOTS = "shots.jsonl"
RULED: dict[str, ConstraintName] = {"room": "clearance", "grip": "antipodal"}
KINDS = ("best", *RULED, "angle")
"""The teacher's best; its best that a rule lets pass; its best at an angle drawn by chance."""

NO_GRASP = "no_grasp"
_DRAWN_ANGLES = 0xA4617E


@dataclass(frozen=True)
class PrecisionConfig:
    """Execute what a teacher would have the student learn."""

    teacher: Path = Path("runs/teacher")
    scenes: int = 480
    drawn_angles: int = 4
    """Angles of the 64 drawn for each scene."""

    foreground_only: bool = True
    family: Literal["standard", "sparse", "dense"] = "standard"
    pixels: int = 112
    seed: int = 0
    emptiest: float = 0.85
    workers: int = 1
    out: Path = Path("runs/precision")
    resume: bool = False


@dataclass(frozen=True)
class Shot:
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
    """Least height of the tips over what lies under both open fingers, metres."""

    room: bool
    grip: bool
    """Whether the rule of that name lets it pass."""

    outcome: str


@dataclass(frozen=True)
class SceneOfShots:
    """One scene to grasp in."""

    world: EnvironmentSpec
    config: PrecisionConfig
    scene: int


def run(config: PrecisionConfig, world: EnvironmentSpec | None = None) -> Path:
    """Run or resume; writes ``shots.jsonl``, a line a scene, and ``metrics.json``; returns the folder."""
    config.out.mkdir(parents=True, exist_ok=True)
    log, world = config.out / SHOTS, world or SimulationSpec(config.family, config.pixels)
    done = read_shots(log)
    with atomic_path(log) as temporary:  # without a line that a kill cut short
        temporary.write_text("".join(_line(scene, shots) for scene, shots in done.items()), encoding="utf-8")
    jobs = [SceneOfShots(world, config, scene) for scene in range(config.scenes) if scene not in done]
    try:
        with one_thread(), log.open("a", encoding="utf-8") as file:
            found = parallel_map(shoot_scene, jobs, config.workers, "precision")
            for job, shots in zip(jobs, found, strict=True):
                file.write(_line(job.scene, shots))
                file.flush()
                os.fsync(file.fileno())
    finally:
        close_environments()
    wanted = {scene: each for scene, each in read_shots(log).items() if scene < config.scenes}
    write_json(config.out / "metrics.json", {"version": open_model(config.teacher).version, **summary(wanted)})
    return config.out


def read_shots(path: Path) -> dict[int, list[Shot]]:
    """Scene -> its shots; a last line that a kill cut short is left out.

    Raises:
        UserError: a line that holds no shots.
    """
    found = {}
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            found[int(values["scene"])] = [Shot(**each) for each in values["shots"]]
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}, line {number} holds no shots of a scene ({error!r})") from None
    return found


def _line(scene: int, shots: Sequence[Shot]) -> str:
    return json.dumps({"scene": scene, "shots": [asdict(each) for each in shots]}, allow_nan=False) + "\n"


def shoot_scene(job: SceneOfShots) -> list[Shot]:
    """All grasps of the teacher from the same state."""
    config, environment = job.config, open_environment(job.world)
    assert isinstance(environment, RestorableEnvironment)
    prepare_scene(environment, job.scene, config.seed, config.emptiest)
    state, heightmap = environment.save_state(), environment.observe().heightmap
    model = open_model(config.teacher)
    scores = model.allowed_scores(heightmap, TRAINING_ANGLES, config.foreground_only)
    if not np.isfinite(scores).any():
        return [_nothing(kind) for kind in _kinds(config)]
    height = clean_height(heightmap, model.config.normalisation)
    given = (height, TRAINING_ANGLES.angles)
    passes = {
        name: made.allows(*given, heightmap.workspace)
        for name, constraint in RULED.items()
        if (made := GraspConstraintConfig(constraint).make())
    }
    clearance = finger_clearance(*given, GripperGeometry(), heightmap.workspace)
    share = log_probabilities(scores) / np.log(10.0)
    ended: dict[tuple[int, int, int], str] = {}
    shots = []
    for kind, allowed in zip(_kinds(config), _choices(scores, passes, config, job.scene), strict=True):
        angle, row, col = (int(each) for each in np.unravel_index(int(allowed.argmax()), scores.shape))
        if not np.isfinite(allowed[angle, row, col]):
            shots.append(_nothing(kind, angle))
            continue
        if (angle, row, col) not in ended:  # the same grasp from the same state ends alike
            environment.restore_state(state)
            grasp = PlanarGrasp(row, col, TRAINING_ANGLES.angle(angle))
            ended[angle, row, col] = environment.execute(grasp).value
        score, sure, room = (round(float(each[angle, row, col]), 6) for each in (scores, share, clearance))
        ruled = {name: bool(each[angle, row, col]) for name, each in passes.items()}
        shots.append(Shot(kind, row, col, angle, score, sure, room, **ruled, outcome=ended[angle, row, col]))
    return shots


def _nothing(kind: str, angle: int = 0) -> Shot:
    return Shot(kind, 0, 0, angle, 0.0, 0.0, 0.0, room=False, grip=False, outcome=NO_GRASP)


def _kinds(config: PrecisionConfig) -> list[str]:
    return ["best", *RULED, *["angle"] * config.drawn_angles]


def _choices(
    scores: NDArray[np.float32], passes: Mapping[str, NDArray[np.bool_]], config: PrecisionConfig, scene: int
) -> list[NDArray[np.float32]]:
    """What each kind may choose from, scores with -inf elsewhere."""
    random = np.random.default_rng([_DRAWN_ANGLES, config.seed, scene])
    found = [scores, *(np.where(passes[name], scores, -np.inf) for name in RULED)]
    for angle in random.choice(TRAINING_ANGLES.count, config.drawn_angles, replace=False):
        only = np.full_like(scores, -np.inf)
        only[angle] = scores[angle]
        found.append(only)
    return found


def summary(shots: dict[int, list[Shot]]) -> dict[str, Any]:
    """Shots by kind, scene after scene: outcomes as 1, 0 and - (no attempt), numbers as text with blanks between."""
    scenes = sorted(shots)
    metrics: dict[str, dict[str, str]] = {}
    for kind in KINDS:
        own = [each for scene in scenes for each in shots[scene] if each.kind == kind]
        metrics[kind] = {
            "outcomes": "".join(_symbol(each.outcome) for each in own),
            "angle": " ".join(str(each.angle) for each in own),
            "score": " ".join(f"{each.score:.3f}" for each in own),
            "confidence": " ".join(f"{each.confidence:.3f}" for each in own),
            "clearance_mm": " ".join(f"{1000 * each.clearance:.1f}" for each in own),
            **{name: "".join("01"[getattr(each, name)] for each in own) for name in RULED},
        }
    return {"scenes": len(scenes), "kinds": metrics}


def _symbol(outcome: str) -> str:
    return "1" if outcome == Outcome.SUCCESS else "-" if outcome in (NO_GRASP, Outcome.FAULT) else "0"
