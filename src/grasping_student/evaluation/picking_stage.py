"""Stage ``evaluate picking``: all episodes of all models, over processes or in one real workspace, resumable."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.configuration import EnvironmentSpec, SimulationSpec, StopRule
from grasping_student.episodes.event_log import (
    EndReason,
    EpisodeEnd,
    Event,
    EventLog,
    attempts_in,
    read_events,
    rewrite_events,
    settle_intents,
)
from grasping_student.episodes.loop import Episode, EventRecorder, run_episode
from grasping_student.episodes.policy_spec import make_policy as policy_of_spec
from grasping_student.episodes.process_cache import (
    MakePolicy,
    close_environments,
    describe_models,
    one_thread,
    open_environment,
    open_policy,
)
from grasping_student.evaluation.configuration import PickingConfig, parse_models
from grasping_student.evaluation.rates import summarise_picking
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.stage import StageRun

ASKED = "run.json"
ATTEMPTS = "attempts.jsonl"
METRICS = "metrics.json"

_OLD_NAMES = {"world": "environment", "emptiest": "max_removed_fraction"}  # of earlier releases


@dataclass(frozen=True)
class EpisodeJob:
    """One episode of one model: everything that its result depends on."""

    environment: EnvironmentSpec
    model: str
    spec: str
    make_policy: MakePolicy
    number: int
    seed: int
    stop: StopRule

    def run(self, recorder: EventRecorder, earlier: Sequence[Attempt] = ()) -> EndReason:
        """Let the model grasp, after ``earlier`` attempts of the same episode if there are any."""
        # Whoever resumes has looked: faults from before, and grasps that were cut off, begin no row of faults.
        stop = replace(self.stop, faults_in_a_row=self.stop.faults_in_a_row + _faults_at_end(earlier))
        policy = open_policy(self.environment, self.spec, self.make_policy)
        episode = Episode.of_run(self.model, self.number, self.seed, stop, earlier)
        return run_episode(open_environment(self.environment), policy, episode, [recorder])


def run(
    config: PickingConfig, environment: EnvironmentSpec | None = None, make_policy: MakePolicy = policy_of_spec
) -> Path:
    """Run or resume the stage; returns the output folder.

    Writes ``attempts.jsonl`` (see docs/evaluation.md), ``metrics.json``, ``run.json`` (what was asked) and
    ``manifest.json``.

    Args:
        config: what to do.
        environment: where to pick; None takes the simulator that the config names.
        make_policy: from a spec to a policy.

    Raises:
        UserError: bad models or output folder, another run in the folder, or a device that failed again and again.
    """
    models = parse_models(config.models)
    environment = environment or SimulationSpec(
        config.family, config.pixels, config.engine, config.sensor, config.items, config.mesh_unit, config.walls
    )
    stage = StageRun("evaluate picking", config, free=("episodes",))
    started = time.perf_counter()
    try:
        workspace, versions = describe_models(environment, models, make_policy)
        with stage.output_folder(METRICS, versions):
            asked = {"models": models, "versions": versions, "environment": to_plain(environment), "seed": config.seed}
            write_json(config.out / ASKED, {**asked, "stop": to_plain(config.stop)})
            _pick_all(config, environment, models, make_policy)
            events = [event for event in read_events(config.out / ATTEMPTS) if event.episode < config.episodes]
            failures = config.stop.failures_in_a_row
            metrics = summarise_picking(events, list(models), config.episodes, workspace, failures, config.seed)
            facts = {"schema_version": 1, "kind": "picking", "workspace": to_plain(workspace)}
            write_json(config.out / METRICS, {**facts, **metrics})
            stage.finish(versions, picking_seconds=round(time.perf_counter() - started, 3))
    finally:
        close_environments()
    return config.out


def _pick_all(
    config: PickingConfig, environment: EnvironmentSpec, models: Mapping[str, str], make_policy: MakePolicy
) -> None:
    """Append the episodes of all models that the log does not have yet."""
    jobs = [
        EpisodeJob(environment, name, spec, make_policy, episode, config.seed, config.stop)
        for episode in range(config.episodes)
        for name, spec in models.items()
    ]
    log = config.out / ATTEMPTS
    with one_thread():
        if environment.outlives_program:
            _pick_in_a_real_workspace(jobs, log)
        else:
            _pick_in_new_environments(jobs, log, config)


def _pick_in_new_environments(jobs: Sequence[EpisodeJob], log: Path, config: PickingConfig) -> None:
    """Episodes are independent and made from their seeds: half an episode on file is dropped and done again."""
    before = read_events(log)
    done = _ended(before)
    rewrite_events(log, [event for event in before if (event.policy, event.episode) in done])
    remaining = [job for job in jobs if (job.model, job.number) not in done]
    with EventLog(log) as file:
        for events in parallel_map(run_job, remaining, config.workers, "picking", config.executor):
            file.append(*events)


def run_job(job: EpisodeJob) -> list[Event]:
    """All events of one episode."""
    events: list[Event] = []
    job.run(EventRecorder(events.append))
    return events


def _pick_in_a_real_workspace(jobs: Sequence[EpisodeJob], log: Path) -> None:
    """One workspace that stays as it was left: each attempt is on file before the next, and an episode goes on."""
    events = settle_intents(read_events(log))
    rewrite_events(log, events)
    done = _ended(events)
    with EventLog(log) as file:
        for job in jobs:
            own = (job.model, job.number)
            if own in done:
                continue
            earlier = [each for each in attempts_in(events) if (each.policy, each.episode) == own]
            reason = job.run(EventRecorder(file.append, intents=True), earlier)
            if reason is EndReason.FAULT:
                raise UserError(
                    f"episode {job.number} of {job.model}: the device failed {job.stop.faults_in_a_row} times in a "
                    "row; nothing is lost: repair the device and go on with --resume, which begins the next episode"
                )


def _ended(events: Sequence[Event]) -> set[tuple[str | None, int]]:
    """Model and number of every episode that is over."""
    return {(event.policy, event.episode) for event in events if isinstance(event, EpisodeEnd)}


def _faults_at_end(attempts: Sequence[Attempt]) -> int:
    """How many of the last attempts were faults."""
    return next((count for count, each in enumerate(reversed(attempts)) if each.counted), len(attempts))


def read_metrics(folder: Path) -> Mapping[str, Any]:
    """The metrics of an evaluation's output folder.

    Raises:
        UserError: there are none: the stage has not finished.
    """
    if not (folder / METRICS).exists():
        raise UserError(f"{folder} holds no {METRICS}: the evaluation has not finished; go on with it by --resume")
    metrics: Mapping[str, Any] = read_json(folder / METRICS)
    return metrics


def read_asked(folder: Path) -> dict[str, Any]:
    """What an evaluation was asked for: models, versions, environment, seed, and how its scenes are made or end."""
    return {_OLD_NAMES.get(name, name): value for name, value in read_json(folder / ASKED).items()}
