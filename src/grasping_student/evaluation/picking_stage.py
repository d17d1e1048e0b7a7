"""Stage ``evaluate picking``: all episodes of all models, over processes or on one real world, resumable."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grasping_student.episodes.attempt import End, EpisodeEnd, Event, EventLog, Intent, Try, read_events, rewrite_events
from grasping_student.episodes.loop import pick_episode
from grasping_student.episodes.open_environments import (
    MakePolicy,
    close_environments,
    describe_models,
    one_thread,
    open_environment,
    open_policy,
)
from grasping_student.episodes.policy_spec import make_policy as policy_of_spec
from grasping_student.evaluation.configuration import (
    EnvironmentSpec,
    PickingConfig,
    SimulationSpec,
    StopRule,
    parse_models,
)
from grasping_student.evaluation.rates import summarise_picking
from grasping_student.geometry.grasp import Outcome
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.stage import StageRun

ATTEMPTS = "attempts.jsonl"
METRICS = "metrics.json"


@dataclass(frozen=True)
class EpisodeJob:
    """One episode of one model: everything that its result depends on."""

    world: EnvironmentSpec
    model: str
    spec: str
    make_policy: MakePolicy
    episode: int
    seed: int
    rule: StopRule


def run(config: PickingConfig, world: EnvironmentSpec | None = None, make_policy: MakePolicy = policy_of_spec) -> Path:
    """Run or resume the stage; returns the output folder.

    Writes ``attempts.jsonl`` (every try, see docs/evaluation.md), ``metrics.json``, ``run.json`` (what was asked) and
    ``manifest.json``.

    Args:
        config: what to do.
        world: what to pick in; None takes the simulator that the config names.
        make_policy: from a spec to a policy.

    Raises:
        UserError: bad models or output folder, another run in the folder, or a device that failed again and again.
    """
    models = parse_models(config.models)
    world = world or SimulationSpec(config.family, config.pixels)
    stage = StageRun("evaluate picking", config, free=("episodes",))
    started = time.perf_counter()
    try:
        workspace, versions = describe_models(world, models, make_policy)
        with stage.output_folder(METRICS, versions):
            asked = {"models": models, "versions": versions, "world": to_plain(world), "stop": to_plain(config.stop)}
            write_json(config.out / "run.json", {**asked, "seed": config.seed})
            _pick_all(config, world, models, make_policy)
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
    config: PickingConfig, world: EnvironmentSpec, models: Mapping[str, str], make_policy: MakePolicy
) -> None:
    """Append the episodes of all models that the log does not have yet."""
    jobs = [
        EpisodeJob(world, name, spec, make_policy, episode, config.seed, config.stop)
        for episode in range(config.episodes)
        for name, spec in models.items()
    ]
    log = config.out / ATTEMPTS
    with one_thread():
        if world.outlives_program:
            _pick_in_a_lasting_world(jobs, log)
        else:
            _pick_in_new_worlds(jobs, log, config.workers)


def _pick_in_new_worlds(jobs: Sequence[EpisodeJob], log: Path, workers: int) -> None:
    """Episodes are independent and made from their seeds: half an episode on file is dropped and done again."""
    before = read_events(log)
    done = {(event.model, event.episode) for event in before if isinstance(event, End)}
    rewrite_events(log, [event for event in before if (event.model, event.episode) in done])
    remaining = [job for job in jobs if (job.model, job.episode) not in done]
    with EventLog(log) as file:
        for events in parallel_map(run_job, remaining, workers, "picking"):
            file.append(*events)


def run_job(job: EpisodeJob) -> list[Event]:
    """All events of one episode."""
    events: list[Event] = []
    policy = open_policy(job.world, job.spec, job.make_policy)
    pick_episode(
        open_environment(job.world),
        policy,
        model=job.model,
        episode=job.episode,
        seed=job.seed,
        record=events.append,
        rule=job.rule,
    )
    return events


def _pick_in_a_lasting_world(jobs: Sequence[EpisodeJob], log: Path) -> None:
    """One world that stays as it was left: each try is on file before the next, and an episode goes on where it was."""
    events = settle_intents(read_events(log))
    rewrite_events(log, events)
    done = {(event.model, event.episode) for event in events if isinstance(event, End)}
    with EventLog(log) as file:
        for job in jobs:
            if (job.model, job.episode) in done:
                continue
            own = (job.model, job.episode)
            earlier = [event for event in events if isinstance(event, Try) and (event.model, event.episode) == own]
            # Whoever resumes has looked: faults from before, and grasps that were cut off, begin no row of faults.
            rule = replace(job.rule, faults_in_a_row=job.rule.faults_in_a_row + _faults_at_end(earlier))
            reason = pick_episode(
                open_environment(job.world),
                open_policy(job.world, job.spec, job.make_policy),
                model=job.model,
                episode=job.episode,
                seed=job.seed,
                record=file.append,
                rule=rule,
                earlier=earlier,
                write_intents=True,
            )
            if reason is EpisodeEnd.FAULT:
                raise UserError(
                    f"episode {job.episode} of {job.model}: the device failed {job.rule.faults_in_a_row} times in a "
                    "row; nothing is lost: mend the device and go on with --resume, which begins the next episode"
                )


def _faults_at_end(tries: Sequence[Try]) -> int:
    """How many of the last tries were no attempts."""
    return next((count for count, each in enumerate(reversed(tries)) if each.is_attempt), len(tries))


def settle_intents(events: Sequence[Event]) -> list[Event]:
    """The log without intents; a grasp that was begun and whose end nobody saw becomes a ``fault``, no attempt."""
    tried = {(event.model, event.episode, event.index) for event in events if isinstance(event, Try)}
    settled: list[Event] = []
    for event in events:
        if not isinstance(event, Intent):
            settled.append(event)
        elif (event.model, event.episode, event.index) not in tried:
            settled.append(Try(**vars(event), outcome=Outcome.FAULT.value))
    return settled


def read_metrics(folder: Path) -> Mapping[str, Any]:
    """The metrics of an evaluation's output folder.

    Raises:
        UserError: there are none: the stage has not finished.
    """
    from grasping_student.pipeline.files import read_json

    if not (folder / METRICS).exists():
        raise UserError(f"{folder} holds no {METRICS}: the evaluation has not finished; go on with it by --resume")
    metrics: Mapping[str, Any] = read_json(folder / METRICS)
    return metrics
