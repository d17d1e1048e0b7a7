"""Runs that an invocation asks for, the stages of each, and which runs are on file already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from grasping_student.episodes.policy_spec import spec_under
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError
from grasping_student.study.conditions import CONDITIONS, POLICIES, TEACHERS
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.design import Design, Trial
from grasping_student.study.designs import DESIGNS, DOMAINS
from grasping_student.study.precision import PrecisionConfig
from grasping_student.study.relabelling import RelabellingConfig
from grasping_student.study.run_store import RunKey, by_run, episodes_in, read_runs, scenes_in, versions_of
from grasping_student.study.stage_graph import StageGraph
from grasping_student.study.stage_registry import code_version
from grasping_student.study.stages import Stage, make_stage, with_inputs


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """One run to be made: a condition in a trial."""

    trial: Trial
    condition: str
    spec: Stage | str
    """The stage of its checkpoint, or a policy's name."""

    measures: dict[str, Stage] = field(default_factory=dict)
    """Stages of its measures besides the one-shot test, by measure."""

    constraint: str = "none"
    """It grasps only where the constraint of this name lets it."""

    @property
    def key(self) -> RunKey:
        return self.trial.domain, self.trial.level, self.condition, self.trial.replicate

    @property
    def model(self) -> str:
        """Name in the logs of one-shot tests."""
        if isinstance(self.spec, str):
            return self.spec
        return self.spec.name if self.constraint == "none" else f"{self.constraint}:{self.spec.name}"

    @property
    def policy_spec(self) -> str:
        """Spec for ``episodes.policy_spec``."""
        return self.spec if isinstance(self.spec, str) else spec_under(self.spec.out, self.constraint)

    @property
    def checkpoint(self) -> Path | None:
        """Folder of its model, if it has one and that is finished."""
        return self.spec.out if isinstance(self.spec, Stage) and self.spec.done else None

    def stages(self) -> list[Stage]:
        own = [] if isinstance(self.spec, str) else [self.spec]
        return with_inputs([*own, *self.measures.values()])


def design_of(config: ExperimentConfig) -> Design:
    """The experiment that a config names.

    Raises:
        UserError: there is none, or it has no such level, domain or condition.
    """
    design = DESIGNS[choice(config.name, DESIGNS, "experiment")]
    for each in config.levels:
        choice(each, design.levels, f"level of {config.name}")
    for each in config.domains:
        choice(each, design.domains, f"domain of {config.name}")
    own = dict.fromkeys(
        c for domain in design.domains for level in design.levels for c in design.conditions(level, domain)
    )
    for each in config.conditions:
        choice(each, [*CONDITIONS, *own] if design.measures else own, f"condition of {config.name}")
    return design


def trials_of(config: ExperimentConfig, design: Design) -> list[Trial]:
    """All trials asked for, by replicate, then domain, then level: early replicates are whole before later ones
    begin."""
    trials = []
    most = max([config.replicates, *design.extra_replicates.values()])
    for replicate in sorted(set(config.replicate_ids)) or range(most):
        for domain in dict.fromkeys(config.domains or design.domains):
            for level in dict.fromkeys(config.levels or design.levels):
                extra = design.extra_replicates.get(level, 0) if config.replicates >= 3 else 0
                wanted = config.replicate_ids or replicate < max(config.replicates, extra)
                if wanted and design.conditions(level, domain):
                    trials.append(Trial(domain, level, replicate, design.levels[level]))
    return trials


def planned_runs(config: ExperimentConfig, design: Design, graph: StageGraph) -> list[PlannedRun]:
    """All runs that an invocation asks for, by replicate, domain and level."""
    make = _runs_of if design.measures else _auxiliary_runs_of
    return [run for trial in trials_of(config, design) for run in make(config, design, graph, trial)]


def _runs_of(config: ExperimentConfig, design: Design, graph: StageGraph, trial: Trial) -> list[PlannedRun]:
    """The runs of one trial that compares models."""
    asked = [each for each in config.conditions if each in CONDITIONS or each == "student_method"]
    names = dict.fromkeys(asked or design.conditions(trial.level, trial.domain))
    specs: dict[str, Stage | str] = {each: each if each in POLICIES else graph.model(each, trial) for each in names}
    constraints = {each: trial.condition(each).constraint for each in specs}
    picking = _picking(graph, trial, specs, constraints) if "picking" in design.measures else {}
    runs = []
    for name, spec in specs.items():
        measures = {"picking": picking[name]} if picking else {}
        if isinstance(spec, Stage):
            if "proxy" in design.measures and config.proxy and constraints[name] == "none":
                measures["proxy"] = graph.proxy(spec, trial.domain)
            if "entropy" in design.measures:
                measures["entropy"] = graph.entropy(spec, trial.domain)
        runs.append(PlannedRun(trial, name, spec, measures, constraints[name]))
    return runs


def _picking(
    graph: StageGraph, trial: Trial, specs: dict[str, Stage | str], constraints: Mapping[str, str]
) -> dict[str, Stage]:
    """The episodes of each condition: all models alternate; policies pick in a round of their own, which is the same
    at all levels."""
    found: dict[str, Stage] = {}
    policies = [name for name in specs if name in POLICIES]
    models = sorted((name for name in specs if name not in POLICIES), key=lambda each: (each not in TEACHERS, each))
    for names in (policies, models):
        if names:
            stage = graph.picking(trial, {name: specs[name] for name in names}, constraints)
            found |= dict.fromkeys(names, stage)
    return found


def _auxiliary_runs_of(config: ExperimentConfig, design: Design, graph: StageGraph, trial: Trial) -> list[PlannedRun]:
    """The runs of one trial of ``affordance``, ``relabelling`` or ``precision``, which compare no checkpoints."""
    if config.name == "affordance":
        if trial.replicate:
            return []
        network = graph.affordance(DOMAINS[trial.domain].target)
        return [PlannedRun(trial, "affordance", network, {"affordance": network})]
    conditions = design.conditions(trial.level, trial.domain)
    names = [each for each in conditions if not config.conditions or each in config.conditions]
    if config.name == "precision":
        teachers = [(name, graph.model(name, trial)) for name in names]
        return [
            PlannedRun(trial, name, each, {"precision": _precision(config, design, graph, trial, each)})
            for name, each in teachers
        ]
    teacher = graph.model("teacher_augmented", trial)
    stage = _relabelling(config, design, graph, trial, teacher)
    return [PlannedRun(trial, name, teacher, {"one_shot": stage}) for name in names]


def _precision(config: ExperimentConfig, design: Design, graph: StageGraph, trial: Trial, teacher: Stage) -> Stage:
    scenes = scenes_of(config, design)
    stage = PrecisionConfig(
        teacher=teacher.out,
        scenes=scenes,
        foreground_only=config.sizes.training == "light",
        family=DOMAINS[trial.domain].target,
        engine=graph.engine,
        pixels=config.sizes.pixels,
        seed=graph.test_seed(trial.replicate),
        workers=config.workers,
        executor=config.executor,
    )
    return make_stage("precision", stage, config.cache, (teacher,), scenes, str(config.sizes.pixels))


def _relabelling(config: ExperimentConfig, design: Design, graph: StageGraph, trial: Trial, teacher: Stage) -> Stage:
    scenes = scenes_of(config, design)
    stage = RelabellingConfig(
        teacher=teacher.out,
        scenes=scenes,
        family=DOMAINS[trial.domain].target,
        engine=graph.engine,
        pixels=config.sizes.pixels,
        seed=graph.test_seed(trial.replicate),
        workers=config.workers,
        executor=config.executor,
    )
    return make_stage("relabelling", stage, config.cache, (teacher,), scenes, str(config.sizes.pixels))


def missing_runs(config: ExperimentConfig, runs: Sequence[PlannedRun], one_shot: bool) -> list[PlannedRun]:
    """Runs that are not on file, or not whole.

    Raises:
        UserError: a run on file was made by another version of the code, and that is to be refused.
    """
    folder, missing = config.out / config.name, []
    on_file, scenes = by_run(read_runs(folder)), scenes_of(config, DESIGNS[config.name])
    for run in runs:
        found = on_file.get(run.key)
        if found is not None and _outdated(found):
            if config.on_version_mismatch == "refuse":
                raise UserError(
                    f"run {run_name(config.name, run.key)} in {folder} was measured by another version of the code; "
                    "--on-version-mismatch redo measures it anew, --on-version-mismatch keep leaves it as it is, "
                    "another --out begins a new set of results"
                )
            found = None if config.on_version_mismatch == "redo" else found
        if found is None or not _complete(found, run, scenes, one_shot):
            missing.append(run)
    return missing


def run_name(experiment: str, key: RunKey) -> str:
    """Name of a run as ``experiment rerun --run`` takes it."""
    return "/".join(map(str, (experiment, *key)))


def scenes_of(config: ExperimentConfig, design: Design) -> int:
    """Test scenes a replicate."""
    if config.scenes or design.max_scenes is None:
        return config.one_shot_scenes
    return min(config.one_shot_scenes, design.max_scenes)


def _outdated(found: pd.DataFrame) -> bool:
    return any(code_version(kind) != version for kind, version in versions_of(found).items())


def _complete(found: pd.DataFrame, run: PlannedRun, scenes: int, one_shot: bool) -> bool:
    if not run.measures.keys() <= set(found["measure"]):
        return False
    tested = one_shot or "one_shot" in run.measures or "precision" in run.measures
    picked = "picking" not in run.measures or episodes_in(found) >= run.measures["picking"].config.episodes
    return picked and (not tested or scenes_in(found) >= scenes)


def stages_of(runs: Iterable[PlannedRun]) -> list[Stage]:
    """All stages that runs need, each once, inputs first."""
    return with_inputs(stage for run in runs for stage in run.stages())
