"""Run an experiment: replicate by replicate its stages, the one-shot test of all models, then the runs' rows."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import check_executors, parallel_map
from grasping_student.study import costs, planning
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.estimates import (
    all_configs,
    expected_seconds,
    logs_of,
    models_in,
    unknown_costs,
    whole_plan,
)
from grasping_student.study.measures import measured_rows, stage_records
from grasping_student.study.planning import PlannedRun
from grasping_student.study.results_sizes import check_sizes, with_engine
from grasping_student.study.run_store import add_runs
from grasping_student.study.stage_graph import StageGraph
from grasping_student.study.stages import Stage, processor_seconds, run_stage, settle_outdated
from grasping_student.study.starting_weights import check_starting_weights

LEARNING = ("teacher", "student", "affordance", "affordance_filter")
"""Kinds of stages whose networks may start from weights of others."""


def run(config: ExperimentConfig) -> Path:
    """Run or go on with an experiment; returns its results folder.

    Raises:
        UserError: unknown names, results of other sizes or another version of the code, labels without a success, or
            another experiment at work in the same cache.
    """
    config = with_engine(config)
    design = planning.design_of(config)
    folder, graph = config.out / config.name, StageGraph(config)
    if not planning.trials_of(config, design):
        raise UserError(f"{config.name} has no trial with these levels and domains; --dry-run without them shows all")
    runs = planning.planned_runs(config, design, graph)
    if not runs:
        raise UserError(f"{config.name} has no runs of {', '.join(config.conditions)} at these levels and domains")
    one_shot = "one_shot" in design.measures
    check_sizes(config.out, config, remember=not config.dry_run)
    missing = planning.missing_runs(config, runs, one_shot)
    with nullcontext() if config.dry_run else _alone_in(config.cache):
        settle_outdated(config, planning.stages_of(missing), logs_of(config, graph, missing, one_shot))
        seconds, _ = expected_seconds(config, graph, missing, one_shot)
        _log(
            f"{config.name}: {len(runs)} runs, {len(runs) - len(missing)} of them done; the rest takes about "
            f"{costs.format_duration(seconds)} on {config.workers} free cores{unknown_costs(config, missing)}"
        )
        if config.dry_run:
            return folder
        check_executors(config)
        if any(not stage.done and stage.kind in LEARNING for stage in planning.stages_of(missing)):
            check_starting_weights(config.sizes)
        check_all_labels(missing)
        _make(config, graph, missing, one_shot)
        costs.save_costs(config.out, costs.measured_costs(config.cache))
    from grasping_student.study.figures import plot_experiment
    from grasping_student.study.pictures import plot_grasps, plot_maps

    plot_experiment(config.out, config.name)
    plot_maps(folder, runs)
    if "picking" in design.measures:
        plot_grasps(folder, runs, graph)
    _log(f"results in {folder}")
    return folder


def run_all(config: ExperimentConfig) -> None:
    """Say how long all experiments will take, then run one after the other.

    Raises:
        UserError: as ``run``.
    """
    config = with_engine(config)
    configs = all_configs(config)
    check_sizes(config.out, config, remember=not config.dry_run)
    _log(whole_plan(config))
    if not config.dry_run:
        for each in configs:
            run(each)


def _make(config: ExperimentConfig, graph: StageGraph, missing: Sequence[PlannedRun], one_shot: bool) -> None:
    """Make the missing runs, each replicate whole before the next begins."""
    started, folder = time.perf_counter(), config.out / config.name
    replicates = sorted({each.trial.replicate for each in missing})
    for number, replicate in enumerate(replicates):
        own = [each for each in missing if each.trial.replicate == replicate]
        _log(f"replicate {replicate} ({number + 1} of {len(replicates)}): {len(own)} runs")
        make_stages(config, own)
        if one_shot:
            _test_one_shot(config, graph, own)
        rows = [measured_rows(config, graph, each, one_shot) for each in own]
        add_runs(folder, rows, stage_records(config, graph, own, one_shot))
        left, _ = expected_seconds(config, graph, [e for e in missing if e.trial.replicate > replicate], one_shot)
        passed = costs.format_duration(time.perf_counter() - started)
        _log(f"replicate {replicate} done after {passed}; about {costs.format_duration(left)} to go")


def make_stages(config: ExperimentConfig, runs: Sequence[PlannedRun]) -> None:
    """Run what is missing, level by level: stages of one level do not need each other.

    Raises:
        UserError: a teacher's labels hold no success.
    """
    missing = [stage for stage in planning.stages_of(runs) if not stage.done]
    for depth in sorted({stage.depth for stage in missing}):
        level = [stage for stage in missing if stage.depth == depth]
        inside = [stage for stage in level if stage.kind in costs.PARALLEL_INSIDE]
        for stage in inside:
            _log(f"  {stage.kind}: {stage.name}")
            run_stage(stage)
        others = [stage for stage in level if stage not in inside]
        if others:
            check_labels(others)
            kinds = ", ".join(dict.fromkeys(stage.kind for stage in others))
            # the longest first, or the last worker to finish would finish alone
            others.sort(key=lambda stage: -stage.units)
            made = parallel_map(run_stage, others, config.workers, f"{len(others)} stages ({kinds})", config.executor)
            for stage, seconds in zip(others, made, strict=True):
                if not sys.stderr.isatty():  # a terminal has the bar
                    _log(f"  {stage.kind}: {stage.name}, {costs.format_duration(seconds)} of processor time")


def check_all_labels(runs: Sequence[PlannedRun]) -> None:
    """Collect the labels of all replicates and check each, before the first is trained on.

    Raises:
        UserError: the labels of a replicate hold no success.
    """
    teachers = [stage for stage in planning.stages_of(runs) if stage.kind == "teacher" and not stage.done]
    for pool in {stage.name: stage for teacher in teachers for stage in teacher.inputs}.values():
        if not pool.done and not pool.inputs:
            _log(f"  {pool.kind}: {pool.name}")
            run_stage(pool)
    check_labels([teacher for teacher in teachers if all(each.done for each in teacher.inputs)])


def check_labels(stages: Sequence[Stage]) -> None:
    """Make sure that every teacher has a success to learn from, before hours are spent.

    Raises:
        UserError: one has none.
    """
    from grasping_student.datasets.store import Dataset
    from grasping_student.training.labels import read_labels

    for stage in stages:
        if stage.kind == "teacher":
            teacher = stage.config
            try:
                read_labels(Dataset(teacher.dataset), teacher.sources, teacher.labels, seed=teacher.label_seed)
            except UserError as error:
                raise UserError(
                    f"replicate {teacher.label_seed} of {teacher.labels} labels: {error}; in an experiment leave this "
                    "level out (--levels), choose other --replicate-ids, or enlarge --sizes.pool"
                ) from None


def _test_one_shot(config: ExperimentConfig, graph: StageGraph, runs: Sequence[PlannedRun]) -> None:
    for log in logs_of(config, graph, runs, True):
        models = models_in(graph, runs, log)
        jobs = log.jobs(models, config.one_shot_scenes)
        before = processor_seconds()
        log.measure(models, config.one_shot_scenes, config.workers, config.executor)
        seconds = processor_seconds() - before
        if jobs and config.executor.name == "processes":  # what other machines used is not known here
            # a scene costs about as much as ten attempts; one measurement cannot tell them apart
            parts = len(jobs) + sum(len(job.models) for job in jobs) / 10
            scale = str(config.sizes.pixels)
            each = {"one_shot scene": seconds / parts, "one_shot attempt": seconds / parts / 10}
            costs.save_costs(config.out, {costs.cost_key(name, scale): round(value, 5) for name, value in each.items()})


@contextmanager
def _alone_in(cache: Path) -> Iterator[None]:
    """Nobody else at work in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another experiment is at work in {cache}; wait for it, or give this one another --cache"
            ) from None
        yield


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
