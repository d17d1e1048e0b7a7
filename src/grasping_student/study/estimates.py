"""How long an invocation will take, and how long all experiments together, with what they share counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError
from grasping_student.study import auxiliary_measures as special
from grasping_student.study import costs, planning
from grasping_student.study.configuration import ExperimentConfig, light
from grasping_student.study.designs import DESIGNS, REGIMES, Design
from grasping_student.study.one_shot_log import OneShotLog
from grasping_student.study.planning import Row
from grasping_student.study.stage_graph import Recipes


@dataclass(frozen=True)
class Planned:
    """What earlier experiments will have made: names of stages, and one-shot logs with the models tried in them."""

    stages: frozenset[str] = frozenset()
    tries: frozenset[tuple[str, str]] = frozenset()


def asked_rows(config: ExperimentConfig, design: Design, recipes: Recipes) -> list[Row]:
    """All runs that an invocation asks for, by draw, regime and setting."""
    make_rows = special.rows_of if not design.measures else planning.rows_of
    return [row for cell in planning.cells_of(config, design) for row in make_rows(config, design, recipes, cell)]


def logs_of(config: ExperimentConfig, recipes: Recipes, rows: Sequence[Row], shots: bool) -> list[OneShotLog]:
    """The one-shot logs that runs need, each once."""
    if not shots:
        return []
    pairs = {(REGIMES[row.cell.regime].target, row.cell.draw): row.cell.regime for row in rows}
    return [
        OneShotLog(config.cache, recipes.world(regime), recipes.test_seed(draw)) for (_, draw), regime in pairs.items()
    ]


def models_in(recipes: Recipes, rows: Sequence[Row], log: OneShotLog) -> dict[str, str]:
    """Name in a log -> spec of every model that must grasp in its scenes."""
    return {
        row.model: row.folder
        for row in rows
        if recipes.world(row.cell.regime) == log.world and recipes.test_seed(row.cell.draw) == log.seed
    }


def expected_seconds(
    config: ExperimentConfig, recipes: Recipes, rows: Sequence[Row], shots: bool, before: Planned | None = None
) -> tuple[float, Planned]:
    """Wall time that rows will take, from measured costs, and what will have been made then.

    Args:
        config: what is asked.
        recipes: of the same config.
        rows: runs that are not on file.
        shots: whether they take part in one-shot tests.
        before: what earlier experiments will have made.
    """
    before = before or Planned()
    stages = [stage for stage in planning.stages_of(rows) if not stage.done and stage.name not in before.stages]
    tries = set(before.tries)
    scenes = shots_ = 0
    for log in logs_of(config, recipes, rows, shots):
        models = {
            name: spec
            for name, spec in models_in(recipes, rows, log).items()
            if (str(log.path), name) not in before.tries
        }
        jobs = log.jobs(models, config.one_shot_scenes)
        scenes += len(jobs)
        shots_ += sum(len(job.models) for job in jobs)
        tries |= {(str(log.path), name) for name in models}
    scale = str(config.sizes.pixels)
    units = {costs.cost_key("one_shot scene", scale): float(scenes), costs.cost_key("one_shot shot", scale): shots_}
    seconds = costs.estimate(stages, units, costs.known_costs(config.cache, config.out), config.workers)
    return seconds, Planned(before.stages | {stage.name for stage in stages}, frozenset(tries))


def unknown_costs(config: ExperimentConfig, rows: Sequence[Row]) -> str:
    """Which costs nobody has measured yet, as a remark on the estimate."""
    known = costs.known_costs(config.cache, config.out)
    unknown = {
        costs.cost_key(each.kind, each.scale)
        for each in planning.stages_of(rows)
        if not each.done and costs.known_cost(each.kind, each.scale, known) is None
    }
    shots = [costs.cost_key(kind, str(config.sizes.pixels)) for kind in ("one_shot scene", "one_shot shot")]
    unknown |= {key for key in shots if rows and key not in known}
    return f" (a guess: no cost measured yet of {', '.join(sorted(unknown))})" if unknown else ""


def all_configs(config: ExperimentConfig) -> list[ExperimentConfig]:
    """A config for every experiment, in the order of the results page; with light training without ``named_only``.

    Raises:
        UserError: settings or arms were named, which belong to one experiment.
    """
    if config.settings or config.arms:
        raise UserError("'all' takes no --settings and no --arms: they belong to one experiment; name it instead")
    for each in config.regimes:
        choice(each, REGIMES, "regime")
    found = []
    for name, design in DESIGNS.items():
        regimes = tuple(each for each in design.regimes if not config.regimes or each in config.regimes)
        if regimes:
            found.append(replace(config, name=name, regimes=regimes, settings=_settings_in_all(config, design)))
    return found


def _settings_in_all(config: ExperimentConfig, design: Design) -> tuple[str, ...]:
    """Settings that ``all`` asks for; empty means every one."""
    if config.sizes != light().sizes or not design.named_only:
        return ()
    return tuple(each for each in design.settings if each not in design.named_only)


@dataclass(frozen=True)
class PlannedExperiment:
    """One of all experiments, after those before it."""

    name: str
    runs: int
    missing: list[Row]
    seconds: float
    """What is missing and no earlier experiment makes, wall time."""

    left_out: int
    """Settings that ``all`` does without."""


def planned_experiments(config: ExperimentConfig) -> list[PlannedExperiment]:
    """What every experiment still has to do, what they share counted once."""
    found, planned = [], Planned()
    for each in all_configs(config):
        design, recipes = DESIGNS[each.name], Recipes(each)
        shots = "one_shot" in design.measures
        rows = asked_rows(each, design, recipes)
        missing = planning.missing_rows(each, rows, shots)
        seconds, planned = expected_seconds(each, recipes, missing, shots, planned)
        left_out = len(design.settings) - len(each.settings) if each.settings else 0
        found.append(PlannedExperiment(each.name, len(rows), missing, seconds, left_out))
    return found


def whole_plan(config: ExperimentConfig) -> str:
    """How long every experiment and all together will take, as text."""
    plan = planned_experiments(config)
    lines = [
        f"  {each.name:<18}{each.runs:>5} runs, {len(each.missing):>4} missing  {costs.in_words(each.seconds):>8}"
        for each in plan
    ]
    remark = unknown_costs(config, [row for each in plan for row in each.missing])
    total = costs.in_words(sum(each.seconds for each in plan))
    head = f"all experiments: about {total} on {config.workers} free cores{remark}; each after those above it:"
    lines += [
        f"without {each.left_out} settings of {each.name}; 'experiment {each.name}' runs these too"
        for each in plan
        if each.left_out
    ]
    return "\n".join([head, *lines])
