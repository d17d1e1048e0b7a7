"""Stages that collect the data of an experiment: labelled attempts, unlabelled and held-out scenes."""

from __future__ import annotations

from typing import Any

from grasping_student.collection.configuration import CollectConfig
from grasping_student.simulation.config import DEFAULT_ENGINE
from grasping_student.simulation.families import Family
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.designs import DOMAINS
from grasping_student.study.stage_registry import MergeConfig
from grasping_student.study.stages import Stage, make_stage

PER_EPISODE = 5
"""Labelled attempts of an episode in all data of the experiments: many different scenes, few of each."""

_SEEDS = {"pool": 1, "held_out": 2, "scenes": 3, "robot": 4, "online": 5}
"""Each collection has scenes of its own; added to a thousand times the experiment's seed."""


class DataStages:
    """Every dataset of an experiment."""

    def __init__(self, config: ExperimentConfig) -> None:
        self.config = config
        self.sizes = config.sizes

    def attempts(self, purpose: str, family: Family, count: int, policy: Stage | str) -> Stage:
        """Labelled attempts, few an episode: many different scenes."""
        collect = CollectConfig(
            kind="attempts",
            count=count,
            policy=policy if isinstance(policy, str) else str(policy.out),
            family=family,
            engine=self.config.engine or DEFAULT_ENGINE,
            pixels=self.sizes.pixels,
            per_episode=PER_EPISODE,
            seed=1000 * self.config.seed + _SEEDS[purpose],
            workers=self.config.workers,
            executor=self.config.executor,
        )
        inputs = () if isinstance(policy, str) else (policy,)
        return self._stage("dataset", collect, inputs, count)

    def pool(self, family: Family) -> Stage:
        """The labelled attempts of a person's stand-in."""
        return self.attempts("pool", family, self.sizes.pool, self._labeller(family))

    def held_out(self, family: Family) -> Stage:
        """Labelled scenes that nothing learns from."""
        return self.attempts("held_out", family, self.sizes.held_out, self._labeller(family))

    def _labeller(self, family: Family) -> str:
        """The person's stand-in of the domains with this family."""
        return next(each.labeller for each in DOMAINS.values() if family in (each.labels, each.target))

    def scenes(self, domain: str, relabelled: bool = False) -> Stage:
        """What students see: unlabelled scenes, and some of the pool's without their labels.

        Args:
            domain: of the scenes.
            relabelled: take all of the pool's, not ``sizes.relabelled`` of them.
        """
        collect = CollectConfig(
            kind="scenes",
            count=self.sizes.scenes,
            family=DOMAINS[domain].unlabelled,
            engine=self.config.engine or DEFAULT_ENGINE,
            pixels=self.sizes.pixels,
            seed=1000 * self.config.seed + _SEEDS["scenes"],
            workers=self.config.workers,
            executor=self.config.executor,
        )
        unlabelled = self._stage("dataset", collect, (), self.sizes.scenes / 4)
        first = self.sizes.pool if relabelled else self.sizes.relabelled
        if not first:
            return unlabelled
        pool = self.pool(DOMAINS[domain].labels)
        merge = MergeConfig((unlabelled.out, pool.out), first=first, seed=self.config.seed)
        return self._stage("merged", merge, (unlabelled, pool), self.sizes.scenes + first)

    def scene_count(self, relabelled: bool = False) -> int:
        """How many scenes students see; arguments as of ``scenes``."""
        return self.sizes.scenes + (self.sizes.pool if relabelled else min(self.sizes.relabelled, self.sizes.pool))

    def _stage(self, kind: str, config: Any, inputs: tuple[Stage, ...], units: float) -> Stage:
        return make_stage(kind, config, self.config.cache, inputs, units, str(self.sizes.pixels))
