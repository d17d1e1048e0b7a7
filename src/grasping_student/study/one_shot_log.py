"""One-shot tests of all models of a replicate in one pass: a scene is prepared once, whoever grasps in it.

Every attempt goes to one log per environment and replicate. A model that is added later grasps in the same scenes from
the same states, so pairs do not depend on which models were measured together.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.configuration import SimulationSpec
from grasping_student.episodes.event_log import EventLog, read_attempts, rewrite_events
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.episodes.process_cache import close_environments, one_thread
from grasping_student.evaluation.one_shot import SceneJob, run_scene
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.executor_base import ExecutorConfig
from grasping_student.pipeline.files import read_object, write_json
from grasping_student.pipeline.stage import FORMER_DEFAULTS
from grasping_student.study.configuration import OnVersionMismatch
from grasping_student.study.stage_registry import code_version, read_version

MAX_REMOVED_FRACTION = 0.85
"""Each scene loses a share of its blocks between 0 and this, at random, as in ``evaluate one-shot`` by default."""


@dataclass(frozen=True)
class OneShotLog:
    """All one-shot attempts in one environment on the scenes of one seed."""

    cache: Path
    environment: SimulationSpec
    seed: int

    @property
    def name(self) -> str:
        return f"one_shot-{self._scenes}"

    @property
    def path(self) -> Path:
        return self.cache / "one-shot" / f"{self._scenes}.jsonl"

    @property
    def _scenes(self) -> str:
        engine = self.environment.engine
        suffix = "" if engine == FORMER_DEFAULTS["engine"] else f"-{engine}"
        return f"{self.environment.family}-{self.environment.pixels}-{self.seed}{suffix}"

    @property
    def _about(self) -> Path:
        return self.path.with_suffix(".code.json")

    @property
    def version(self) -> int | None:
        """Version of the code that began the log; None where there is none yet."""
        if not self._about.exists():
            return None
        about = read_object(self._about)
        return read_version("one_shot", about.get("version", about.get("code")))

    @property
    def outdated(self) -> bool:
        """Whether another version of the code measured it, or from bins as full as others."""
        if self.version is None:
            return False
        about = read_object(self._about)
        removed = about.get("max_removed_fraction", about.get("emptiest"))
        return self.version != code_version("one_shot") or removed != MAX_REMOVED_FRACTION

    def check(self, on_mismatch: OnVersionMismatch) -> None:
        """Refuse a log of another version of the code, unless it is to be kept or measured anew.

        Raises:
            UserError: it is one, and ``on_mismatch`` is ``refuse``.
        """
        if self.outdated and on_mismatch == "refuse":
            raise UserError(
                f"{self.path} was measured by another version of the code; --on-version-mismatch redo measures anew, "
                "--on-version-mismatch keep adds to it, another --cache leaves it alone"
            )

    def record(self) -> dict[str, Any]:
        """The line of ``stages.jsonl`` about it."""
        config = {
            "family": self.environment.family,
            "engine": self.environment.engine,
            "pixels": self.environment.pixels,
            "seed": self.seed,
            "max_removed_fraction": MAX_REMOVED_FRACTION,
        }
        version = code_version("one_shot") if self.version is None else self.version
        return {"name": self.name, "kind": "one_shot", "version": version, "config": config, "inputs": []}

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

    def measure(
        self, models: Mapping[str, str], scenes: int, workers: int, executor: ExecutorConfig | None = None
    ) -> int:
        """Let every model grasp once in each scene in which it has not; returns how many attempts were added.

        Args:
            models: name in the log -> spec, see ``episodes.policy_spec``; a name stands for one model for ever.
            scenes: number of scenes, from 0.
            workers: number of processes.
            executor: where to work; None stays on this machine.
        """
        jobs = self.jobs(models, scenes)
        if not jobs:
            return 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._about.exists():
            about = {"version": code_version("one_shot"), "max_removed_fraction": MAX_REMOVED_FRACTION}
            write_json(self._about, about)
        rewrite_events(self.path, read_attempts(self.path))  # without a line that a kill cut short
        added, title = 0, f"one-shot, {self.environment.family}, seed {self.seed}"
        try:
            with one_thread(), EventLog(self.path) as log:
                for attempts in parallel_map(run_scene, jobs, workers, title, executor):
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
                jobs.append(SceneJob(self.environment, missing, make_policy, scene, self.seed, MAX_REMOVED_FRACTION))
        return jobs


def forget_models(cache: Path, stages: Container[str]) -> None:
    """Take the attempts of models out of all logs of a cache: a model trained anew under its old name grasps anew.

    Args:
        cache: of the experiments.
        stages: names of the models' stages; a model under a constraint is named ``CONSTRAINT:STAGE``.
    """
    for path in sorted((cache / "one-shot").glob("*.jsonl")):
        attempts = read_attempts(path)
        kept = [each for each in attempts if str(each.policy).rpartition(":")[2] not in stages]
        if len(kept) < len(attempts):
            rewrite_events(path, kept)
