"""Options of ``train online``; nothing heavy is imported here."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grasping_student.collection.configuration import CollectConfig
from grasping_student.pipeline.configuration import check_seeds
from grasping_student.training.affordance_configuration import AffordanceConfig, light_affordance


@dataclass(frozen=True)
class OnlineConfig:
    """Learn from the robot's own attempts, without a person: grasp, keep the outcomes, train, grasp with the model."""

    attempts: tuple[int, ...] = (50, 100, 200, 400, 600)
    """A model is trained whenever so many attempts have been made in all; the last number ends the training."""

    first_policy: Literal["antipodal", "random"] = "antipodal"
    """What chooses by chance until there is a model: among grasps with antipodal contacts, or anywhere on an item."""

    recorded: tuple[Path, ...] = ()
    """Datasets of earlier attempts to learn from as well."""

    collect: CollectConfig = field(default_factory=lambda: CollectConfig(per_episode=10))
    """Where the robot grasps; count, policy, seed and folders are set by this command."""

    affordance: AffordanceConfig = field(default_factory=light_affordance)
    """How the model of success is trained; datasets, seed and folders are set by this command."""

    seed: int = 0
    """Of the scenes, the draws and the networks."""

    out: Path = Path("runs/online")
    """Output folder."""

    resume: bool = False
    """Go on with an interrupted run, at the attempt at which it stopped."""

    overwrite: bool = False
    """Replace the output folder."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        rounds = (0, *self.attempts)
        if len(rounds) < 2 or any(later - earlier < 20 for earlier, later in itertools.pairwise(rounds)):
            raise ValueError(f"attempts are {self.attempts}; give growing numbers, each at least 20 more than before")
        if self.collect.kind != "attempts":
            raise ValueError("collect.kind is scenes; only attempts have outcomes to learn from")


def light_online() -> OnlineConfig:
    """600 attempts in rounds, for two processor cores."""
    return OnlineConfig()


ONLINE_PRESETS = {"light": light_online}
"""Preset name -> function that returns a fresh config."""
