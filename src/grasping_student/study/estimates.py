"""Duration of an invocation, and of all experiments together with shared stages counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError
from grasping_student.study import costs, planning
from grasping_student.study.configuration import ExperimentConfig, light
from grasping_student.study.designs import DESIGNS, DOMAINS, PAPER_DESIGNS, PAPER_DOMAINS
from grasping_student.study.one_shot_log import OneShotLog
from grasping_student.study.planning import PlannedRun
from grasping_student.study.stage_graph import StageGraph


@dataclass(frozen=True)
class Planned:
    """What earlier experiments will have made: names of stages, and one-shot logs with the models tested in them."""

    stages: frozenset[str] = frozenset()
    tested: frozenset[tuple[str, str]] = frozenset()


def logs_of(
    config: ExperimentConfig, graph: StageGraph, runs: Sequence[PlannedRun], one_shot: bool
) -> list[OneShotLog]:
    """The one-shot logs that runs need, each once."""
    if not one_shot:
        return []
    pairs = {(DOMAINS[run.trial.domain].target, run.trial.replicate): run.trial.domain for run in runs}
    return [
        OneShotLog(config.cache, graph.environment(domain), graph.test_seed(replicate))
        for (_, replicate), domain in pairs.items()
    ]


def models_in(graph: StageGraph, runs: Sequence[PlannedRun], log: OneShotLog) -> dict[str, str]:
    """Name in a log -> spec of every model that must grasp in its scenes."""
    return {
        run.model: run.policy_spec
        for run in runs
        if graph.environment(run.trial.domain) == log.environment and graph.test_seed(run.trial.replicate) == log.seed
    }


def expected_seconds(
    config: ExperimentConfig,
    graph: StageGraph,
    runs: Sequence[PlannedRun],
    one_shot: bool,
    before: Planned | None = None,
) -> tuple[float, Planned]:
    """Wall time that runs will take, from measured costs, and what will have been made then.

    Args:
        config: of the invocation.
        graph: of the same config.
        runs: those that are not on file.
        one_shot: whether they take part in one-shot tests.
        before: what earlier experiments will have made.
    """
    before = before or Planned()
    stages = [stage for stage in planning.stages_of(runs) if not stage.done and stage.name not in before.stages]
    tested = set(before.tested)
    scenes = attempts = 0
    for log in logs_of(config, graph, runs, one_shot):
        models = {
            name: spec
            for name, spec in models_in(graph, runs, log).items()
            if (str(log.path), name) not in before.tested
        }
        jobs = log.jobs(models, config.one_shot_scenes)
        scenes += len(jobs)
        attempts += sum(len(job.models) for job in jobs)
        tested |= {(str(log.path), name) for name in models}
    scale = str(config.sizes.pixels)
    units = {costs.cost_key("one_shot scene", scale): scenes, costs.cost_key("one_shot attempt", scale): attempts}
    seconds = costs.estimate(stages, units, costs.known_costs(config.cache, config.out), config.workers)
    return seconds, Planned(before.stages | {stage.name for stage in stages}, frozenset(tested))


def unknown_costs(config: ExperimentConfig, runs: Sequence[PlannedRun]) -> str:
    """Which costs nobody has measured yet, as a remark on the estimate."""
    known = costs.known_costs(config.cache, config.out)
    unknown = {
        costs.cost_key(each.kind, each.scale)
        for each in planning.stages_of(runs)
        if not each.done and costs.known_cost(each.kind, each.scale, known) is None
    }
    one_shot = [costs.cost_key(kind, str(config.sizes.pixels)) for kind in ("one_shot scene", "one_shot attempt")]
    unknown |= {key for key in one_shot if runs and key not in known}
    return f" (a guess: no cost measured yet of {', '.join(sorted(unknown))})" if unknown else ""


def all_configs(config: ExperimentConfig) -> list[ExperimentConfig]:
    """A config for every experiment, in the order of the results page; with light training without ``named_only``.

    Raises:
        UserError: levels or conditions were named, which belong to one experiment.
    """
    if config.levels or config.conditions:
        raise UserError("'all' takes no --levels and no --conditions: they belong to one experiment; name it instead")
    for each in config.domains:
        choice(each, PAPER_DOMAINS, "domain")
    found = []
    for name, design in PAPER_DESIGNS.items():
        domains = tuple(each for each in design.domains if not config.domains or each in config.domains)
        all_levels = config.sizes != light().sizes or not design.named_only
        levels = () if all_levels else tuple(each for each in design.levels if each not in design.named_only)
        if domains:
            found.append(replace(config, name=name, domains=domains, levels=levels))
    return found


@dataclass(frozen=True)
class PlannedExperiment:
    """One of all experiments, after those before it."""

    name: str
    runs: int
    missing: list[PlannedRun]
    seconds: float
    """What is missing and no earlier experiment makes, wall time."""

    left_out: int
    """Levels that ``all`` does without."""


def planned_experiments(config: ExperimentConfig) -> list[PlannedExperiment]:
    """What every experiment still has to do, what they share counted once."""
    found, planned = [], Planned()
    for each in all_configs(config):
        design, graph = DESIGNS[each.name], StageGraph(each)
        one_shot = "one_shot" in design.measures
        runs = planning.planned_runs(each, design, graph)
        missing = planning.missing_runs(each, runs, one_shot)
        seconds, planned = expected_seconds(each, graph, missing, one_shot, planned)
        left_out = len(design.levels) - len(each.levels) if each.levels else 0
        found.append(PlannedExperiment(each.name, len(runs), missing, seconds, left_out))
    return found


def whole_plan(config: ExperimentConfig) -> str:
    """How long every experiment and all together will take, as text."""
    plan = planned_experiments(config)
    lines = []
    for each in plan:
        duration = costs.format_duration(each.seconds)
        lines.append(f"  {each.name:<18}{each.runs:>5} runs, {len(each.missing):>4} missing  {duration:>8}")
    remark = unknown_costs(config, [run for each in plan for run in each.missing])
    total = costs.format_duration(sum(each.seconds for each in plan))
    head = f"all experiments: about {total} on {config.workers} free cores{remark}; each after those above it:"
    lines += [
        f"without {each.left_out} levels of {each.name}; 'experiment {each.name}' runs these too"
        for each in plan
        if each.left_out
    ]
    return "\n".join([head, *lines])
