"""Run an experiment: draw by draw its stages, the one-shot test of all models, then a file for each run."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.manifest import write_manifest
from grasping_student.study import costs, planning
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.estimates import (
    all_configs,
    asked_rows,
    expected_seconds,
    logs_of,
    models_in,
    unknown_costs,
    whole_plan,
)
from grasping_student.study.outdated import settle_stale
from grasping_student.study.planning import Row
from grasping_student.study.run_record import kinds, write_measured
from grasping_student.study.stage_graph import Recipes
from grasping_student.study.stages import Stage, processor_seconds, run_stage
from grasping_student.study.starting_weights import check_starting_weights
from grasping_student.study.versions import code_version

LEARNING = ("teacher", "student", "affordance", "judge")
"""Kinds of stages whose networks may start from weights of others."""


def run(config: ExperimentConfig) -> Path:
    """Run or go on with an experiment; returns its results folder.

    Raises:
        UserError: unknown names, results of other sizes or another version of the code, labels without a success, or
            another experiment at work in the same cache.
    """
    design = planning.design_of(config)
    begun = time.time()
    folder, recipes = config.out / config.name, Recipes(config)
    if not planning.cells_of(config, design):
        raise UserError(f"{config.name} has no cell with these settings and regimes; --dry-run without them shows all")
    rows = asked_rows(config, design, recipes)
    if not rows:
        raise UserError(f"{config.name} has no runs of {', '.join(config.arms)} at these settings and regimes")
    shots = "one_shot" in design.measures
    planning.check_asked(folder, config, remember=not config.dry_run)
    missing = planning.missing_rows(config, rows, shots)
    with nullcontext() if config.dry_run else _only_one(config.cache):
        settle_stale(config, planning.stages_of(missing), logs_of(config, recipes, missing, shots))
        seconds, _ = expected_seconds(config, recipes, missing, shots)
        _say(
            f"{config.name}: {len(rows)} runs, {len(rows) - len(missing)} of them done; the rest takes about "
            f"{costs.in_words(seconds)} on {config.workers} free cores{unknown_costs(config, missing)}"
        )
        if config.dry_run:
            return folder
        if any(not stage.done and stage.kind in LEARNING for stage in planning.stages_of(missing)):
            check_starting_weights(config.sizes)
        check_all_labels(missing)
        started = time.perf_counter()
        draws = sorted({row.cell.draw for row in missing})
        for number, draw in enumerate(draws):
            own = [row for row in missing if row.cell.draw == draw]
            _say(f"draw {draw} ({number + 1} of {len(draws)}): {len(own)} runs")
            make_stages(config, recipes, own)
            if shots:
                _measure_shots(config, recipes, own)
            for row in own:
                write_measured(config, recipes, row, shots)
            left, _ = expected_seconds(config, recipes, [r for r in missing if r.cell.draw > draw], shots)
            passed = time.perf_counter() - started
            _say(f"draw {draw} done after {costs.in_words(passed)}; about {costs.in_words(left)} to go")
        costs.save_costs(config.out, costs.measured_costs(config.cache))
    from grasping_student.study.export import shown_runs, write_tables
    from grasping_student.study.map_pictures import plot_maps
    from grasping_student.study.scene_pictures import plot_grasps

    write_tables(folder, design, shown_runs(config.out, config.name))
    plot_maps(folder, rows)
    if "picking" in design.measures:
        plot_grasps(folder, rows, recipes)
    versions = {k: code_version(k) for k in kinds(rows, shots)}
    write_manifest(folder, f"experiment {config.name}", config, begun, runs=len(rows), made=len(missing), code=versions)
    _say(f"results in {folder}")
    return folder


def run_all(config: ExperimentConfig) -> None:
    """Say how long all experiments will take, then run one after the other.

    Raises:
        UserError: as ``run``.
    """
    configs = all_configs(config)
    for each in configs:
        planning.check_asked(each.out / each.name, each, remember=not config.dry_run)
    _say(whole_plan(config))
    if not config.dry_run:
        for each in configs:
            run(each)


def make_stages(config: ExperimentConfig, recipes: Recipes, rows: Sequence[Row]) -> None:
    """Run what is missing, level by level: stages of one level do not need each other.

    Raises:
        UserError: a teacher's labels hold no success.
    """
    stages = planning.stages_of(rows)
    for depth in range(1 + max((stage.depth for stage in stages), default=-1)):
        level = [stage for stage in stages if stage.depth == depth and not stage.done]
        inside = [stage for stage in level if stage.kind in costs.PARALLEL_INSIDE]
        for stage in inside:
            _say(f"  {stage.kind}: {stage.name}")
            run_stage(stage)
        others = [stage for stage in level if stage not in inside]
        if others:
            check_labels(others)
            kinds = ", ".join(dict.fromkeys(stage.kind for stage in others))
            # the longest first, or the last worker to finish would finish alone
            others.sort(key=lambda stage: -stage.units)
            made = parallel_map(run_stage, others, config.workers, f"{len(others)} stages ({kinds})")
            for stage, seconds in zip(others, made, strict=True):
                if not sys.stderr.isatty():  # a terminal has the bar
                    _say(f"  {stage.kind}: {stage.name}, {costs.in_words(seconds)} of processor time")


def check_all_labels(rows: Sequence[Row]) -> None:
    """Collect the labels of all draws and check each draw, before the first is trained on.

    Raises:
        UserError: a draw holds no success.
    """
    teachers = [stage for stage in planning.stages_of(rows) if stage.kind == "teacher" and not stage.done]
    for pool in {stage.name: stage for teacher in teachers for stage in teacher.inputs}.values():
        if not pool.done and not pool.inputs:
            _say(f"  {pool.kind}: {pool.name}")
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
                    f"draw {teacher.label_seed} of {teacher.labels} labels: {error}; in an experiment leave this "
                    "setting out (--settings), choose other --draws, or enlarge --sizes.pool"
                ) from None


def _measure_shots(config: ExperimentConfig, recipes: Recipes, rows: Sequence[Row]) -> None:
    for log in logs_of(config, recipes, rows, True):
        models = models_in(recipes, rows, log)
        jobs = log.jobs(models, config.one_shot_scenes)
        before = processor_seconds()
        log.measure(models, config.one_shot_scenes, config.workers)
        seconds = processor_seconds() - before
        if jobs:
            # a scene costs about as much as ten shots; one measurement cannot tell them apart
            parts = len(jobs) + sum(len(job.models) for job in jobs) / 10
            scale = str(config.sizes.pixels)
            each = {"one_shot scene": seconds / parts, "one_shot shot": seconds / parts / 10}
            costs.save_costs(config.out, {costs.cost_key(name, scale): round(value, 5) for name, value in each.items()})


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
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


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
