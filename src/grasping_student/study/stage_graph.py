"""From a trial of an experiment and a condition to the stages that make the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grasping_student.episodes.configuration import SimulationSpec
from grasping_student.episodes.policy_spec import spec_under
from grasping_student.evaluation.configuration import PickingConfig, ProxyConfig
from grasping_student.pipeline.configuration import with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig, paper_pseudo_labels
from grasping_student.simulation.config import DEFAULT_ENGINE
from grasping_student.simulation.families import Family
from grasping_student.study.conditions import CONDITIONS, Condition
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.data_stages import DataStages
from grasping_student.study.design import Trial
from grasping_student.study.designs import DOMAINS
from grasping_student.study.methods import METHODS, Method
from grasping_student.study.stage_registry import EntropyConfig, GeneralConfig, shipped_network, shipped_weights
from grasping_student.study.stages import Stage, make_stage, with_inputs
from grasping_student.training.affordance_configuration import AffordanceConfig, light_affordance, paper_affordance
from grasping_student.training.augmentation import no_augmentation, standard_augmentation
from grasping_student.training.configuration import (
    PseudoLabelChoice,
    StudentConfig,
    TeacherConfig,
    light_student,
    light_teacher,
    paper_student,
    paper_teacher,
)
from grasping_student.training.distillation_configuration import DistillationConfig
from grasping_student.training.loop_configuration import LoopConfig
from grasping_student.training.pretraining_configuration import light_pretraining

FINE_TUNING_RATE = 1e-5
"""Learning rate at the first step of a training that starts from the general model; 1e-4 unlearns it on 100 labels."""

EARLY_SHARE = 0.05
"""Share of the labels of the early teacher that attempts as the robot."""


class StageGraph:
    """Every stage of an experiment, with the stages that it is made from."""

    def __init__(self, config: ExperimentConfig) -> None:
        self.config = config
        self.sizes = config.sizes
        self.cache = config.cache
        self.engine = config.engine or DEFAULT_ENGINE
        self.data = DataStages(config)

    def labels(self, trial: Trial) -> int:
        """Labelled attempts of the trial's teacher."""
        share = self.sizes.ablated_share if trial.settings.share is None else trial.settings.share
        return max(1, round(share * self.sizes.pool))

    def test_seed(self, replicate: int) -> int:
        """Seed of a replicate's test scenes: its own, shared by all models and experiments."""
        return 1000 * (self.config.seed + 1) + replicate

    def environment(self, domain: str) -> SimulationSpec:
        """Where the models of a domain must work."""
        return SimulationSpec(DOMAINS[domain].target, self.sizes.pixels, self.engine)

    def robot(self, family: Family) -> Stage:
        """Attempts of an early teacher that picks by itself (paper, section III-B)."""
        count = max(1, round(EARLY_SHARE * self.sizes.pool))
        early = self._teacher(self.data.pool(family), CONDITIONS["teacher"], count, 0)
        return self.data.attempts("robot", family, self.sizes.robot, early)

    def affordance(self, family: Family) -> Stage:
        """The affordance network of a family of scenes: all its labelled attempts, scripted and the robot's."""
        sources = (self.data.pool(family), self.robot(family))
        config = replace(self._affordance_config(), datasets=tuple(each.out for each in sources), seed=self.config.seed)
        return self._affordance("affordance", config, sources, self.sizes.pool + self.sizes.robot)

    def general(self) -> Stage:
        """The general model that ships with the package."""
        return self._stage("general", GeneralConfig(shipped_weights()), (), 1)

    def affordance_filter(self, trial: Trial, from_general: bool = False, other: int = 0) -> Stage:
        """The affordance network of exactly the labels that the trial's teacher learns from, or one of another seed."""
        pool, labels = self.data.pool(DOMAINS[trial.domain].labels), self.labels(trial)
        config = replace(
            self._affordance_config(),
            datasets=(pool.out,),
            sources=TeacherConfig().sources,
            labels=labels,
            label_seed=trial.replicate,
            seed=self._training_seed(trial.replicate) + 100 * other,
        )
        if not from_general:
            return self._affordance("affordance_filter", config, (pool,), labels)
        general = self.general()
        optimiser = replace(config.loop.optimiser, learning_rate=FINE_TUNING_RATE)
        loop = replace(config.loop, steps=self.sizes.teacher_steps, optimiser=optimiser)
        config = replace(config, initial=general.out, network=shipped_network(), loop=loop)
        return self._affordance("affordance_filter", config, (pool, general), labels)

    def _affordance_config(self) -> AffordanceConfig:
        paper = self.sizes.training == "paper"
        base = paper_affordance() if paper else light_affordance()
        loop = replace(base.loop, batch=2 * self.sizes.batch, threads=1, show_progress=False)
        loop = loop if paper else replace(loop, steps=self.sizes.affordance_steps)
        return replace(base, network=self.sizes.affordance_network, loop=loop)

    def _affordance(self, kind: str, config: AffordanceConfig, inputs: tuple[Stage, ...], items: int) -> Stage:
        return self._stage(kind, config, inputs, config.loop.total_steps(items) * config.loop.batch)

    def model(self, name: str, trial: Trial) -> Stage:
        """The stage whose output is a condition's checkpoint."""
        condition = trial.condition(name)
        if condition.kind == "general":
            return self.general()
        if condition.kind in ("teacher", "outcomes"):
            return self._teacher_of(name, trial, {})
        return self._student(condition, trial)

    def _teacher_of(self, name: str, trial: Trial, options: dict[str, Any], other: int = 0) -> Stage:
        """The trial's teacher of a condition, with other options or of another training seed."""
        if CONDITIONS[name].kind == "outcomes":
            return self.affordance_filter(trial, CONDITIONS[name].from_general, other)
        pool = self.data.pool(DOMAINS[trial.domain].labels)
        return self._teacher(pool, CONDITIONS[name], self.labels(trial), trial.replicate, options, 100 * other)

    def table(self, teachers: tuple[Stage, ...], method: Method, trial: Trial) -> Stage:
        """Pseudo-labels of a trial's scenes by one or several teachers, filtered where the method wants it."""
        scenes, angles = self.data.scenes(trial.domain, method.relabelled), trial.settings.angles or self.sizes.angles
        base = paper_pseudo_labels() if self.sizes.training == "paper" else PseudoLabelConfig()
        others = tuple(each.out for each in teachers[1:])
        config = with_values(
            replace(base, workers=1, teacher=teachers[0].out, dataset=scenes.out, angles=angles, others=others),
            method.pseudo_labels,
            "method",
        )
        inputs = (teachers[0], scenes, *teachers[1:])
        if method.affordance_filter:
            network = self.affordance_filter(trial)
            config, inputs = replace(config, affordance_filter=network.out), (*inputs, network)
        looks = config.views * len(teachers) + method.affordance_filter
        return self._stage("table", config, inputs, self.data.scene_count(method.relabelled) * looks * angles)

    def proxy(self, model: Stage, domain: str) -> Stage:
        """The proxy of a model on the held-out scenes of where it must work."""
        family = DOMAINS[domain].target
        affordance, held_out = self.affordance(family), self.data.held_out(family)
        if affordance.name in (each.name for each in with_inputs([model])):
            raise UserError(
                f"{model.name} learned from {affordance.name}, which the proxy judges by; take a judge of the "
                "teacher's own labels, or leave the proxy out with --no-proxy"
            )
        config = ProxyConfig(
            models=(f"model={model.out}",),
            affordance=affordance.out,
            dataset=held_out.out,
            foreground_only=self.sizes.training == "light",
        )
        rounds = 1 + self.sizes.rounds
        return self._stage("proxy", config, (model, affordance, held_out), rounds * self.sizes.held_out)

    def entropy(self, model: Stage, domain: str) -> Stage:
        """The entropy of a model's maps on the held-out scenes."""
        held_out = self.data.held_out(DOMAINS[domain].target)
        return self._stage("entropy", EntropyConfig(model.out, held_out.out), (model, held_out), self.sizes.held_out)

    def picking(self, trial: Trial, specs: dict[str, Stage | str], constraints: Mapping[str, str]) -> Stage:
        """Episodes of picking: conditions alternate on the same scenes, each under its constraint."""
        config = PickingConfig(
            models=tuple(
                f"{name}={spec if isinstance(spec, str) else spec_under(spec.out, constraints[name])}"
                for name, spec in specs.items()
            ),
            episodes=self.sizes.episodes,
            family=DOMAINS[trial.domain].target,
            engine=self.engine,
            pixels=self.sizes.pixels,
            seed=self.test_seed(trial.replicate),
            workers=self.config.workers,
            executor=self.config.executor,
        )
        inputs = tuple(spec for spec in specs.values() if isinstance(spec, Stage))
        # a model that avoids failures goes on where others stop: it picks about twice as often
        shares = sum(2 if constraints[name] == "failure-avoiding" else 1 for name in specs)
        return self._stage("picking", config, inputs, self.sizes.episodes * shares)

    def _teacher(
        self,
        pool: Stage,
        condition: Condition,
        labels: int,
        replicate: int,
        options: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> Stage:
        paper = self.sizes.training == "paper"
        base = paper_teacher() if paper else light_teacher()
        passes = -(-self.sizes.teacher_passes * labels // self.sizes.batch)
        steps = 0 if paper else max(self.sizes.teacher_steps, passes)
        loop = self._loop(base.loop, steps, labels)
        if condition.matched:
            loop = self._loop(base.loop, loop.total_steps(labels) + self._student_steps(), labels)
        config = TeacherConfig(
            dataset=pool.out,
            seed=self._training_seed(replicate) + seed,
            labels=labels,
            label_seed=replicate,
            network=self.sizes.network,
            loop=loop,
            augmentation=standard_augmentation() if condition.augmented else no_augmentation(),
        )
        config = with_values(config, options or {}, "method")
        return self._stage("teacher", config, (pool,), loop.total_steps(labels) * loop.batch)

    def _student(self, condition: Condition, trial: Trial) -> Stage:
        method = METHODS[condition.method]
        scenes = self.data.scenes(trial.domain, method.relabelled)
        if method.after:
            teacher = self._student(replace(condition, method=method.after), trial)
        else:
            teacher = self._teacher_of(condition.teacher, trial, method.teacher)
        others = (self._teacher_of(condition.teacher, trial, {}, 1 + number) for number in range(method.ensemble))
        teachers = (teacher, *others)
        paper, steps = self.sizes.training == "paper", round(method.steps * self._student_steps())
        base = paper_student() if paper else light_student()
        config: StudentConfig = replace(
            base,
            dataset=scenes.out,
            seed=self._training_seed(trial.replicate) + (600 if method.after else 500),
            network=teacher.config.network if method.from_teacher else self.sizes.network,
            loop=self._loop(base.loop, 0 if paper and method.steps == 1.0 else steps, 0),
        )
        inputs: tuple[Stage, ...] = (*teachers, scenes)
        if method.soft_targets:
            soft = DistillationConfig(tuple(each.out for each in teachers))
            config = replace(config, pseudo=PseudoLabelChoice(), distillation=soft)
        else:
            table = self.table(teachers, method, trial)
            config, inputs = replace(config, pseudo_labels=table.out), (table, scenes)
        if CONDITIONS[condition.teacher].augmented:
            config = replace(config, augmentation=standard_augmentation())
        for values in (trial.settings.student, method.student):
            config = with_values(config, values, "method")
        config, inputs = self._with_extras(config, method, trial, teacher, inputs)
        return self._stage("student", config, inputs, steps * config.loop.batch)

    def _with_extras(
        self, config: StudentConfig, method: Method, trial: Trial, teacher: Stage, inputs: tuple[Stage, ...]
    ) -> tuple[StudentConfig, tuple[Stage, ...]]:
        """A student's config with initial weights, online attempts and true labels where its method has them."""
        if method.from_teacher:
            config, inputs = replace(config, initial=teacher.out), (*inputs, teacher)
        if method.pretrained:
            start = self._pretraining(config, inputs[-1])
            config, inputs = replace(config, initial=start.out), (*inputs, start)
        if method.online_fraction:
            online = self.data.attempts("online", DOMAINS[trial.domain].target, self.sizes.robot, teacher)
            config = replace(config, online_attempts=online.out, online_fraction=method.online_fraction)
            inputs = (*inputs, online)
        if method.labelled_fraction:
            pool, labels = self.data.pool(DOMAINS[trial.domain].labels), self.labels(trial)
            config = replace(config, true_labels=pool.out, labelled_fraction=method.labelled_fraction)
            config, inputs = replace(config, labels=labels, label_seed=trial.replicate), (*inputs, pool)
        return config, inputs

    def _pretraining(self, config: StudentConfig, scenes: Stage) -> Stage:
        """A network that learns to restore a student's scenes, with the student's seed and schedule."""
        pretraining = replace(
            light_pretraining(),
            dataset=scenes.out,
            seed=config.seed,
            network=config.network,
            normalisation=config.normalisation,
            loop=replace(config.loop, keep_rounds=False),
        )
        return self._stage("pretraining", pretraining, (scenes,), self._student_steps() * config.loop.batch / 2)

    def _training_seed(self, replicate: int) -> int:
        return 1000 * self.config.seed + replicate

    def _loop(self, base: LoopConfig, steps: int, items: int) -> LoopConfig:
        loop = replace(base, steps=steps, batch=self.sizes.batch, threads=1, show_progress=False, keep_rounds=True)
        total = loop.total_steps(items or self.data.scene_count())
        return replace(loop, record_every=max(1, -(-total // self.sizes.rounds)))

    def _student_steps(self) -> int:
        if self.sizes.training == "paper":
            return replace(paper_student().loop, batch=self.sizes.batch).total_steps(self.data.scene_count())
        return self.sizes.student_steps

    def _stage(self, kind: str, config: Any, inputs: tuple[Stage, ...], units: float) -> Stage:
        network = self.sizes.affordance_network if kind in ("affordance", "affordance_filter") else self.sizes.network
        widths = f"{max(network.widths)}" if network.trunk == "compact" else ""
        scale = f"{network.name}{widths}-{self.sizes.pixels}" if kind != "picking" else f"{self.sizes.pixels}"
        return make_stage(kind, config, self.cache, inputs, units, scale)
