"""What an experiment is asked to do, and how large it is; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from grasping_student.models.configuration import NetworkConfig
from grasping_student.pipeline.configuration import check_seeds

MOST_SEED = 4_000_000
"""The stages' seeds are counted from a thousand times the experiment's, and must be seeds themselves."""

MOST_DRAW = 1_000_000
"""Added to a thousand times the experiment's seed."""


@dataclass(frozen=True)
class Sizes:
    """How much data, training and testing; results of different sizes are never mixed."""

    pixels: int = 112
    """Side of a heightmap, pixels."""

    training: Literal["light", "paper"] = "light"
    """Whose optimiser, schedule and networks' defaults: of the presets of the train commands."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Of teachers and students."""

    affordance_network: NetworkConfig = field(default_factory=NetworkConfig)
    """Of the affordance network."""

    pool: int = 2000
    """Labelled attempts of the scripted labeller; a label fraction is a share of these (paper: 2 000)."""

    robot: int = 1000
    """Attempts of an early teacher, with the pool what the affordance network learns from (paper: 3 000)."""

    held_out: int = 160
    """Labelled scenes that nothing learns from: of proxy and entropy."""

    scenes: int = 1200
    """Unlabelled scenes of the students."""

    relabelled: int = 0
    """Scenes of the pool that the students see besides, relabelled by their teacher (paper: all)."""

    angles: int = 16
    """Angles at which teachers look at unlabelled scenes, where the experiment does not vary them (paper: 64)."""

    ablated_share: float = 0.05
    """Share of the labels at which angles and labels a scene are varied. The paper's tables IV and V are of its student
    with all labels; at light size teacher and student miss next to nothing from 20 % on: no difference could show."""

    batch: int = 8
    """Labels a step of teachers and students; the affordance network takes twice as many."""

    teacher_steps: int = 400
    """Fewest training steps of a teacher."""

    teacher_passes: int = 3
    """Fewest passes of a teacher over its labels."""

    student_steps: int = 600
    """Training steps of a student."""

    affordance_steps: int = 1500
    """Training steps of the affordance network."""

    rounds: int = 4
    """Points of a training at which the proxy is taken for its moving average (paper: every epoch)."""

    one_shot_scenes: int = 160
    """Scenes of the one-shot paired test, for each draw its own: 480 a model over three draws."""

    episodes: int = 20
    """Episodes of picking a model and draw: 60 a model over three draws."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int) and value < (0 if each.name == "relabelled" else 1):
                raise ValueError(f"sizes {each.name} is {value}; it must be at least 1")
        if self.pixels < 2:
            raise ValueError(f"sizes pixels is {self.pixels}; a heightmap needs at least 2 pixels a side")
        if self.angles not in (16, 64):
            raise ValueError(f"sizes angles is {self.angles}; 16 and 64 are possible")
        if not 0.0 < self.ablated_share <= 1.0:
            raise ValueError(f"sizes ablated_share is {self.ablated_share}; it must lie in (0, 1]")


@dataclass(frozen=True)
class ExperimentConfig:
    """Measure a table or figure of the paper; stopped at any moment, the same command goes on.

    Finished runs are kept: a run that exists is not made again, more draws, settings or arms are added to it.
    """

    name: str = "label-fraction"
    """Given as the first word; 'report' writes docs/results.md from all results, 'rerun' repeats one run."""

    seeds: int = 3
    """Draws of labels and training seeds: 0, 1, ..., each with test scenes of its own."""

    draws: tuple[int, ...] = ()
    """These draws instead."""

    settings: tuple[str, ...] = ()
    """Some of the experiment's settings only; empty takes all."""

    regimes: tuple[str, ...] = ()
    """Some of the regimes only (in-distribution, domain-shift)."""

    arms: tuple[str, ...] = ()
    """Some of the arms only."""

    proxy: bool = True
    """Measure the proxy too, where the experiment does; it needs the affordance network."""

    scenes: int = 0
    """One-shot scenes of this invocation; 0 takes ``sizes.one-shot-scenes``. More can be added later."""

    sizes: Sizes = field(default_factory=Sizes)

    seed: int = 0
    """Of everything: data, draws, test scenes."""

    workers: int = 2
    """Processes, one thread each; no result depends on their number."""

    stale: Literal["refuse", "keep", "redo"] = "refuse"
    """What to do with finished stages and runs of another version of the code."""

    out: Path = Path("results")
    """Results go to a folder of the experiment's name in here."""

    cache: Path = Path("runs/experiments")
    """Datasets, models and tables, each made once."""

    page: Path = Path("docs/results.md")
    """Page that 'report' writes."""

    run: Path | None = None
    """Run file that 'rerun' repeats."""

    dry_run: bool = False
    """Say what would be done and how long it would take, and do nothing."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed", below=MOST_SEED + 1)
        if self.seeds < 1 or self.workers < 1:
            raise ValueError(f"seeds is {self.seeds} and workers {self.workers}; both must be at least 1")
        if self.scenes < 0 or any(draw < 0 for draw in self.draws):
            raise ValueError("scenes and draws count from 0")
        largest = max((*self.draws, self.seeds - 1))
        if largest > MOST_DRAW:
            raise ValueError(f"draw {largest} is asked for; draws are numbered from 0 to {MOST_DRAW}")

    @property
    def one_shot_scenes(self) -> int:
        return self.scenes or self.sizes.one_shot_scenes


def light() -> ExperimentConfig:
    """Two processor cores, some hours an experiment."""
    return ExperimentConfig()


def paper() -> ExperimentConfig:
    """The paper's sizes: 338 px, FPN-resnet50, 30 epochs, 25 000 picks a model."""
    return ExperimentConfig(
        sizes=Sizes(
            pixels=338,
            training="paper",
            network=NetworkConfig(name="fpn-resnet50", encoder_weights="imagenet"),
            affordance_network=NetworkConfig(name="unet-resnet50", encoder_weights="imagenet"),
            angles=64,
            ablated_share=1.0,
            pool=2000,
            robot=3000,
            held_out=400,
            scenes=3000,
            relabelled=2000,
            rounds=30,
            one_shot_scenes=880,
            episodes=1000,
        ),
        cache=Path("runs/experiments-paper"),
        out=Path("results-paper"),
        page=Path("results-paper/results.md"),
    )


def smoke() -> ExperimentConfig:
    """An experiment in a minute or two, far too small to show anything: for tests and first looks."""
    tiny = NetworkConfig(widths=(4, 8))
    return ExperimentConfig(
        seeds=1,
        sizes=Sizes(
            network=tiny,
            affordance_network=tiny,
            pool=40,
            robot=12,
            held_out=6,
            scenes=10,
            relabelled=4,
            batch=8,
            teacher_steps=4,
            teacher_passes=1,
            student_steps=4,
            affordance_steps=4,
            rounds=2,
            one_shot_scenes=4,
            episodes=1,
        ),
        cache=Path("runs/experiments-smoke"),
        out=Path("runs/smoke-results"),
        page=Path("runs/smoke-results/results.md"),
    )


EXPERIMENT_PRESETS = {"light": light, "paper": paper, "smoke": smoke}
"""Preset name -> function that returns a fresh config."""
