"""From a cell of an experiment (regime, setting, draw) and an arm to the stages that make the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from grasping_student.collection.configuration import CollectConfig, Family
from grasping_student.episodes.configuration import SimulationSpec
from grasping_student.evaluation.configuration import PickingConfig, ProxyConfig
from grasping_student.pipeline.configuration import with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig, paper_pseudo_labels
from grasping_student.study.conditions import ARMS, METHODS, Arm, Method
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.designs import REGIMES
from grasping_student.study.records import PER_EPISODE
from grasping_student.study.stage_registry import EntropyConfig, MergeConfig
from grasping_student.study.stages import Stage, make_stage, with_inputs
from grasping_student.study.trial import Cell
from grasping_student.training.affordance_configuration import AffordanceConfig, light_affordance, paper_affordance
from grasping_student.training.augmentation import no_augmentation, standard_augmentation
from grasping_student.training.configuration import (
    StudentConfig,
    TeacherConfig,
    light_student,
    light_teacher,
    paper_student,
    paper_teacher,
)
from grasping_student.training.loop_configuration import LoopConfig
from grasping_student.training.pretraining_configuration import light_pretraining

_SEEDS = {"pool": 1, "held_out": 2, "scenes": 3, "robot": 4, "experience": 5}
"""Each collection has scenes of its own; added to a thousand times the experiment's seed."""

EARLY_SHARE = 0.05
"""Share of the labels of the early teacher that gathers the robot's experience."""


class Recipes:
    """How every stage of an experiment is made."""

    def __init__(self, config: ExperimentConfig) -> None:
        self.config = config
        self.sizes = config.sizes
        self.cache = config.cache

    def labels(self, cell: Cell) -> int:
        """Labelled attempts of the cell's teacher."""
        share = self.sizes.ablated_share if cell.point.share is None else cell.point.share
        return max(1, round(share * self.sizes.pool))

    def test_seed(self, draw: int) -> int:
        """Seed of a draw's test scenes: its own, shared by all models and experiments."""
        return 1000 * (self.config.seed + 1) + draw

    def world(self, regime: str) -> SimulationSpec:
        """Where the models of a regime must work."""
        return SimulationSpec(REGIMES[regime].target, self.sizes.pixels)

    def attempts(self, purpose: str, family: Family, count: int, policy: Stage | str = "scripted") -> Stage:
        """Labelled attempts, few an episode: many different scenes."""
        collect = CollectConfig(
            kind="attempts",
            count=count,
            policy=policy if isinstance(policy, str) else str(policy.out),
            family=family,
            pixels=self.sizes.pixels,
            per_episode=PER_EPISODE,
            seed=1000 * self.config.seed + _SEEDS[purpose],
            workers=self.config.workers,
        )
        inputs = () if isinstance(policy, str) else (policy,)
        return self._stage("dataset", collect, inputs, count)

    def pool(self, family: Family) -> Stage:
        """The labelled attempts of a person's stand-in."""
        return self.attempts("pool", family, self.sizes.pool)

    def held_out(self, family: Family) -> Stage:
        """Labelled scenes that nothing learns from."""
        return self.attempts("held_out", family, self.sizes.held_out)

    def scenes(self, regime: str, relabelled: bool = False) -> Stage:
        """What students see: unlabelled scenes, and some of the pool's without their labels.

        Args:
            regime: whose scenes.
            relabelled: take all of the pool's, not ``sizes.relabelled`` of them.
        """
        collect = CollectConfig(
            kind="scenes",
            count=self.sizes.scenes,
            family=REGIMES[regime].target,
            pixels=self.sizes.pixels,
            seed=1000 * self.config.seed + _SEEDS["scenes"],
            workers=self.config.workers,
        )
        unlabelled = self._stage("dataset", collect, (), self.sizes.scenes / 4)
        first = self.sizes.pool if relabelled else self.sizes.relabelled
        if not first:
            return unlabelled
        pool = self.pool(REGIMES[regime].labels)
        merge = MergeConfig((unlabelled.out, pool.out), first=first, seed=self.config.seed)
        return self._stage("merged", merge, (unlabelled, pool), self.sizes.scenes + first)

    def scene_count(self, relabelled: bool = False) -> int:
        """How many scenes students see; arguments as of ``scenes``."""
        return self.sizes.scenes + (self.sizes.pool if relabelled else min(self.sizes.relabelled, self.sizes.pool))

    def robot(self, family: Family) -> Stage:
        """Attempts of an early teacher that picks by itself (paper, section III-B)."""
        count = max(1, round(EARLY_SHARE * self.sizes.pool))
        early = self._teacher(self.pool(family), ARMS["teacher"], count, 0)
        return self.attempts("robot", family, self.sizes.robot, early)

    def affordance(self, family: Family) -> Stage:
        """The affordance network of a family of scenes: all its labelled attempts, scripted and the robot's."""
        sources = (self.pool(family), self.robot(family))
        config = replace(self._affordance_config(), datasets=tuple(each.out for each in sources), seed=self.config.seed)
        return self._affordance("affordance", config, sources, self.sizes.pool + self.sizes.robot)

    def judge(self, cell: Cell) -> Stage:
        """The affordance network of exactly the labels that the cell's teacher learns from."""
        pool, labels = self.pool(REGIMES[cell.regime].labels), self.labels(cell)
        config = replace(
            self._affordance_config(),
            datasets=(pool.out,),
            sources=TeacherConfig().sources,
            labels=labels,
            label_seed=cell.draw,
            seed=self._training_seed(cell.draw),
        )
        return self._affordance("judge", config, (pool,), labels)

    def _affordance_config(self) -> AffordanceConfig:
        paper = self.sizes.training == "paper"
        base = paper_affordance() if paper else light_affordance()
        loop = replace(base.loop, batch=2 * self.sizes.batch, threads=1, show_progress=False)
        loop = loop if paper else replace(loop, steps=self.sizes.affordance_steps)
        return replace(base, network=self.sizes.affordance_network, loop=loop)

    def _affordance(self, kind: str, config: AffordanceConfig, inputs: tuple[Stage, ...], items: int) -> Stage:
        return self._stage(kind, config, inputs, config.loop.total_steps(items) * config.loop.batch)

    def model(self, name: str, cell: Cell) -> Stage:
        """The stage whose output is an arm's checkpoint."""
        arm = cell.arm(name)
        if arm.kind == "teacher":
            return self._teacher_of(name, cell, {})
        return self._student(arm, cell)

    def _teacher_of(self, name: str, cell: Cell, options: dict[str, Any], other: int = 0) -> Stage:
        """The cell's teacher of an arm, with other options or of another training seed."""
        pool = self.pool(REGIMES[cell.regime].labels)
        return self._teacher(pool, ARMS[name], self.labels(cell), cell.draw, options, 100 * other)

    def table(
        self, teacher: Stage, method: Method, cell: Cell, others: tuple[Stage, ...] = (), judge: Stage | None = None
    ) -> Stage:
        """A teacher's pseudo-labels of a cell's scenes, others agreeing and a judge where the method wants them."""
        scenes, angles = self.scenes(cell.regime, method.relabelled), cell.point.angles or self.sizes.angles
        base = paper_pseudo_labels() if self.sizes.training == "paper" else PseudoLabelConfig()
        config = with_values(
            replace(base, workers=1, teacher=teacher.out, dataset=scenes.out, angles=angles),
            method.pseudo_labels,
            "method",
        )
        inputs = (teacher, scenes, *others)
        if others:
            config = replace(config, others=tuple(each.out for each in others))
        if judge is not None:
            config, inputs = replace(config, affordance_filter=judge.out), (*inputs, judge)
        looks = config.views * (1 + len(others)) + (judge is not None)
        return self._stage("table", config, inputs, self.scene_count(method.relabelled) * looks * angles)

    def proxy(self, model: Stage, regime: str) -> Stage:
        """The proxy of a model on the held-out scenes of where it must work."""
        family = REGIMES[regime].target
        affordance, held_out = self.affordance(family), self.held_out(family)
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

    def entropy(self, model: Stage, regime: str) -> Stage:
        """The entropy of a model's maps on the held-out scenes."""
        held_out = self.held_out(REGIMES[regime].target)
        config = EntropyConfig(model.out, held_out.out)
        return self._stage("entropy", config, (model, held_out), self.sizes.held_out)

    def picking(self, cell: Cell, specs: dict[str, Stage | str], rules: Mapping[str, str]) -> Stage:
        """Episodes of picking, the arms of one stage alternating on the same scenes, each under its rule."""
        config = PickingConfig(
            models=tuple(
                f"{name}={spec if isinstance(spec, str) else spec_under_rule(spec.out, rules[name])}"
                for name, spec in specs.items()
            ),
            episodes=self.sizes.episodes,
            family=REGIMES[cell.regime].target,
            pixels=self.sizes.pixels,
            seed=self.test_seed(cell.draw),
            workers=self.config.workers,
        )
        inputs = tuple(spec for spec in specs.values() if isinstance(spec, Stage))
        # a model with memory goes on where others stop: it picks about twice as often
        shares = sum(2 if rules[name] == "memory" else 1 for name in specs)
        return self._stage("picking", config, inputs, self.sizes.episodes * shares)

    def _teacher(
        self, pool: Stage, arm: Arm, labels: int, draw: int, options: dict[str, Any] | None = None, seed: int = 0
    ) -> Stage:
        paper = self.sizes.training == "paper"
        base = paper_teacher() if paper else light_teacher()
        passes = -(-self.sizes.teacher_passes * labels // self.sizes.batch)
        steps = 0 if paper else max(self.sizes.teacher_steps, passes)
        loop = self._loop(base.loop, steps, labels)
        if arm.matched:
            loop = self._loop(base.loop, loop.total_steps(labels) + self._student_steps(), labels)
        config = TeacherConfig(
            dataset=pool.out,
            seed=self._training_seed(draw) + seed,
            labels=labels,
            label_seed=draw,
            network=self.sizes.network,
            loop=loop,
            augmentation=standard_augmentation() if arm.augmented else no_augmentation(),
        )
        config = with_values(config, options or {}, "method")
        return self._stage("teacher", config, (pool,), loop.total_steps(labels) * loop.batch)

    def _student(self, arm: Arm, cell: Cell) -> Stage:
        method = METHODS[arm.method]
        scenes = self.scenes(cell.regime, method.relabelled)
        if method.after:
            teacher = self._student(replace(arm, method=method.after), cell)
        else:
            teacher = self._teacher_of(arm.teacher, cell, method.teacher)
        others = tuple(self._teacher_of(arm.teacher, cell, {}, 1 + number) for number in range(method.others))
        table = self.table(teacher, method, cell, others, self.judge(cell) if method.judged else None)
        paper = self.sizes.training == "paper"
        base = paper_student() if paper else light_student()
        config: StudentConfig = replace(
            base,
            dataset=scenes.out,
            pseudo_labels=table.out,
            seed=self._training_seed(cell.draw) + (600 if method.after else 500),
            network=self.sizes.network,
            loop=self._loop(base.loop, 0 if paper else self.sizes.student_steps, 0),
        )
        if ARMS[arm.teacher].augmented:
            config = replace(config, augmentation=standard_augmentation())
        for values in (cell.point.student, method.student):
            config = with_values(config, values, "method")
        inputs: tuple[Stage, ...] = (table, scenes)
        if method.from_teacher:
            config = replace(config, initial=teacher.out)
            inputs = (*inputs, teacher)
        if method.pretrained:
            pretraining = replace(
                light_pretraining(),
                dataset=scenes.out,
                seed=config.seed,
                network=config.network,
                normalisation=config.normalisation,
                loop=replace(config.loop, keep_rounds=False),
            )
            units = self._student_steps() * config.loop.batch / 2
            start = self._stage("pretraining", pretraining, (scenes,), units)
            config, inputs = replace(config, initial=start.out), (*inputs, start)
        if method.experience_share:
            family = REGIMES[cell.regime].target
            experience = self.attempts("experience", family, self.sizes.robot, teacher)
            config = replace(config, online_attempts=experience.out, online_fraction=method.experience_share)
            inputs = (*inputs, experience)
        if method.true_share:
            pool = self.pool(REGIMES[cell.regime].labels)
            config = replace(
                config,
                true_labels=pool.out,
                labelled_fraction=method.true_share,
                labels=self.labels(cell),
                label_seed=cell.draw,
            )
            inputs = (*inputs, pool)
        return self._stage("student", config, inputs, self._student_steps() * config.loop.batch)

    def _training_seed(self, draw: int) -> int:
        return 1000 * self.config.seed + draw

    def _loop(self, base: LoopConfig, steps: int, items: int) -> LoopConfig:
        loop = replace(base, steps=steps, batch=self.sizes.batch, threads=1, show_progress=False, keep_rounds=True)
        total = loop.total_steps(items) if items else self._student_steps()
        return replace(loop, record_every=max(1, -(-total // self.sizes.rounds)))

    def _student_steps(self) -> int:
        if self.sizes.training == "paper":
            return replace(paper_student().loop, batch=self.sizes.batch).total_steps(self.scene_count())
        return self.sizes.student_steps

    def _stage(self, kind: str, config: Any, inputs: tuple[Stage, ...], units: float) -> Stage:
        network = self.sizes.affordance_network if kind in ("affordance", "judge") else self.sizes.network
        learns = kind not in ("dataset", "merged", "picking")
        widths = f"{max(network.widths)}" if network.name == "compact" else ""
        scale = f"{network.name}{widths}-{self.sizes.pixels}" if learns else f"{self.sizes.pixels}"
        return make_stage(kind, config, self.cache, inputs, units, scale)


def spec_under_rule(folder: Path, rule: str) -> str:
    """Spec of a checkpoint for ``evaluation.policy_spec``, under a rule or none."""
    return str(folder) if rule == "none" else f"{rule}:{folder}"
