"""One-shot tests of all models of a draw in one pass: a scene is prepared once, whoever grasps in it.

Every attempt goes to one log per world and draw. A model that is added later grasps in the same scenes from the same
states, so pairs do not depend on what was measured together.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.configuration import SimulationSpec
from grasping_student.episodes.event_log import EventLog, read_attempts, rewrite_events
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.episodes.process_cache import close_environments, one_thread
from grasping_student.evaluation.one_shot import SceneJob, run_scene
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study.stages import Stale
from grasping_student.study.versions import code_version

EMPTIEST = 0.85
"""Each scene loses a share of its blocks drawn between 0 and this, as ``evaluate one-shot`` does by default."""


@dataclass(frozen=True)
class OneShotLog:
    """All one-shot attempts in one world on the scenes of one seed."""

    cache: Path
    world: SimulationSpec
    seed: int

    @property
    def path(self) -> Path:
        return self.cache / "one-shot" / f"{self.world.family}-{self.world.pixels}-{self.seed}.jsonl"

    @property
    def _about(self) -> Path:
        return self.path.with_suffix(".code.json")

    @property
    def made_by(self) -> str | None:
        """Version of the code that began the log; None where there is none yet."""
        return str(read_json(self._about)["code"]) if self._about.exists() else None

    @property
    def stale(self) -> bool:
        """Whether another version of the code measured it, or from bins as full as others."""
        if self.made_by is None:
            return False
        return self.made_by != code_version("one_shot") or read_json(self._about).get("emptiest") != EMPTIEST

    def check(self, stale: Stale) -> None:
        """Refuse a log of another version of the code, unless it is to be kept or measured anew.

        Raises:
            UserError: it is one, and ``stale`` is ``refuse``.
        """
        if self.stale and stale == "refuse":
            raise UserError(
                f"{self.path} was measured by another version of the code; --stale redo measures anew, --stale keep "
                "adds to it, another --cache leaves it alone"
            )

    def remove(self) -> None:
        """Forget all attempts and who made them; nothing happens where there are none."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def attempts(self) -> dict[str, dict[int, Attempt]]:
        """Model -> scene -> attempt."""
        found: dict[str, dict[int, Attempt]] = {}
        for each in read_attempts(self.path):
            found.setdefault(str(each.policy), {})[each.episode] = each
        return found

    def measure(self, models: Mapping[str, str], scenes: int, workers: int) -> int:
        """Let every model grasp once in each scene in which it has not; returns how many attempts were added.

        Args:
            models: name in the log -> spec, see ``evaluation.policy_spec``; a name stands for one model for ever.
            scenes: number of scenes, from 0.
            workers: number of processes.
        """
        jobs = self.jobs(models, scenes)
        if not jobs:
            return 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._about.exists():
            write_json(self._about, {"code": code_version("one_shot"), "emptiest": EMPTIEST})
        rewrite_events(self.path, read_attempts(self.path))  # without a line that a kill cut short
        added = 0
        try:
            with one_thread(), EventLog(self.path) as log:
                for attempts in parallel_map(
                    run_scene, jobs, workers, f"one-shot, {self.world.family}, seed {self.seed}"
                ):
                    log.append(*attempts)
                    added += len(attempts)
        finally:
            close_environments()
        return added

    def jobs(self, models: Mapping[str, str], scenes: int) -> list[SceneJob]:
        """A job for each scene in which some model is missing."""
        done = self.attempts()
        jobs = []
        for scene in range(scenes):
            missing = tuple((name, spec) for name, spec in models.items() if scene not in done.get(name, {}))
            if missing:
                jobs.append(SceneJob(self.world, missing, make_policy, scene, self.seed, EMPTIEST))
        return jobs


def forget_attempts(cache: Path, stages: Container[str]) -> None:
    """Take the attempts of models out of all logs of a cache: what is trained anew under its old name grasps anew.

    Args:
        cache: of the experiments.
        stages: names of the models' stages; a model under a rule is named ``STAGE-RULE``.
    """
    for path in sorted((cache / "one-shot").glob("*.jsonl")):
        attempts = read_attempts(path)
        kept = [each for each in attempts if not any(name in stages for name in _stage_names(str(each.policy)))]
        if len(kept) < len(attempts):
            rewrite_events(path, kept)


def _stage_names(model: str) -> tuple[str, str]:
    """A model's name in a log, and the name without a rule at its end."""
    return model, model.rpartition("-")[0]


def outcome_string(attempts: Mapping[int, Attempt], scenes: Iterable[int]) -> str:
    """Successes scene by scene: 1, 0, or - where a device failed."""
    return "".join("1" if attempts[s].success else "0" if attempts[s].counted else "-" for s in scenes)
