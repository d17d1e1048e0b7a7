"""Options of an experiment and its sizes; nothing heavy is imported here."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import ClassVar, Literal

from grasping_student.models.configuration import NetworkConfig
from grasping_student.pipeline.configuration import check_seeds
from grasping_student.pipeline.executor_base import ExecutorConfig
from grasping_student.simulation.config import EngineName
from grasping_student.study.conditions import OLD_NAMES

MAX_SEED = 4_000_000
"""The stages' seeds are counted from a thousand times the experiment's, and must be seeds themselves."""

MAX_REPLICATE = 1_000_000
"""Added to a thousand times the experiment's seed."""


OnVersionMismatch = Literal["refuse", "keep", "redo"]
"""Choices for finished stages and runs of another version of the code."""


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
    """Minimum of training steps of a teacher."""

    teacher_passes: int = 3
    """Minimum of passes of a teacher over its labels."""

    student_steps: int = 600
    """Training steps of a student."""

    affordance_steps: int = 1500
    """Training steps of the affordance network."""

    rounds: int = 4
    """Points of a training at which the proxy is taken for its moving average (paper: every epoch)."""

    one_shot_scenes: int = 160
    """Scenes of the one-shot paired test, for each replicate its own: 480 a model over three replicates."""

    episodes: int = 20
    """Episodes of picking a model and replicate: 60 a model over three replicates."""

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

    Finished runs are kept: a run that exists is not made again, more replicates, levels or
    conditions are added to it.
    """

    RENAMED: ClassVar[dict[str, str]] = {
        "seeds": "replicates",
        "draws": "replicate_ids",
        "settings": "levels",
        "regimes": "domains",
        "arms": "conditions",
        "stale": "on_version_mismatch",
    }
    """Former names of options in files."""

    name: str = "label-fraction"
    """Given as the first word; 'report' writes docs/results.md from all results, 'rerun' repeats one run."""

    replicates: int = 3
    """Replicates of labels and training seeds: 0, 1, ..., each with test scenes of its own."""

    replicate_ids: tuple[int, ...] = ()
    """These replicates instead."""

    levels: tuple[str, ...] = ()
    """Some of the experiment's levels only; empty takes all."""

    domains: tuple[str, ...] = ()
    """Some of the domains only (in-distribution, domain-shift)."""

    conditions: tuple[str, ...] = ()
    """Some of the conditions only."""

    proxy: bool = True
    """Measure the proxy too, where the experiment does; it needs the affordance network."""

    scenes: int = 0
    """One-shot scenes of this invocation; 0 takes ``sizes.one-shot-scenes``. More can be added later."""

    sizes: Sizes = field(default_factory=Sizes)

    seed: int = 0
    """Of everything: data, replicates, test scenes."""

    engine: EngineName | None = None
    """Physics engine of the simulator; none takes that of the results on file, mujoco in a new folder."""

    workers: int = 2
    """Processes, one thread each; no result depends on their number."""

    executor: ExecutorConfig = field(default_factory=ExecutorConfig)

    on_version_mismatch: OnVersionMismatch = "refuse"
    """Finished stages and runs of another version of the code: refuse them, keep them, or redo them."""

    out: Path = Path("results")
    """Results go to a folder of the experiment's name in here."""

    cache: Path = Path("runs/experiments")
    """Datasets, models and tables, each made once."""

    page: Path = Path("docs/results.md")
    """Page that 'report' writes."""

    run: str = ""
    """Run that 'rerun' repeats, as in 'label-fraction/in-distribution/5 %/teacher/0'; 'sample' takes one at random."""

    dry_run: bool = False
    """Say what would be done and how long it would take, and do nothing."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed", below=MAX_SEED + 1)
        if self.replicates < 1 or self.workers < 1:
            raise ValueError(f"replicates is {self.replicates} and workers {self.workers}; both must be at least 1")
        if self.scenes < 0 or any(replicate < 0 for replicate in self.replicate_ids):
            raise ValueError("scenes and replicate-ids count from 0")
        largest = max((*self.replicate_ids, self.replicates - 1))
        if largest > MAX_REPLICATE:
            raise ValueError(f"replicate {largest} is asked for; replicates are numbered from 0 to {MAX_REPLICATE}")

    @property
    def one_shot_scenes(self) -> int:
        return self.scenes or self.sizes.one_shot_scenes


def with_current_names(config: ExperimentConfig) -> ExperimentConfig:
    """The config with conditions and levels of the release before by their names now; each is told once."""
    return replace(
        config, levels=tuple(map(current_name, config.levels)), conditions=tuple(map(current_name, config.conditions))
    )


def current_name(name: str) -> str:
    """The name of an experiment, level or condition in this release; one of the release before is told."""
    if name in OLD_NAMES:
        print(f"'{name}' is now called '{OLD_NAMES[name]}'", file=sys.stderr)
    return OLD_NAMES.get(name, name)


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
        replicates=1,
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


def bins() -> ExperimentConfig:
    """The experiments ``bin-labels`` and ``bin-picking``, on two processor cores."""
    return ExperimentConfig(
        name="bin-labels",
        sizes=Sizes(pool=400, scenes=2000, affordance_steps=600, one_shot_scenes=100, episodes=10),
        cache=Path("runs/experiments-bin"),
        out=Path("results/bin"),
        page=Path("docs/results-bin.md"),
    )


EXPERIMENT_PRESETS = {"light": light, "paper": paper, "smoke": smoke, "bin": bins}
"""Preset name -> function that returns a fresh config."""
