"""Options of the evaluations; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from grasping_student.episodes.configuration import StopRule
from grasping_student.pipeline.configuration import check_seeds
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor_base import ExecutorConfig
from grasping_student.simulation.config import DEFAULT_ENGINE, NO_BIN, BinWalls, EngineName, MeshUnit
from grasping_student.simulation.families import Family
from grasping_student.simulation.sensor_config import SensorName


@dataclass(frozen=True)
class PickingConfig:
    """Episodes of picking, the models alternating on the same scenes. Paper, sections V-B and VI-B."""

    models: tuple[str, ...] = ()
    """NAME=SPEC for each model, first one first in every episode; SPEC is random, antipodal,
    scripted, scripted-exact, person, person-exact or a checkpoint folder. Before the folder, clearance: or antipodal:
    gives a constraint, unconstrained: takes the model's own, failure-avoiding: keeps away from where it failed,
    confident-0.7: grasps nothing less likely to succeed and asks for a person instead."""

    env: Literal["simulation", "robot-cell"] = "simulation"
    """Where to pick."""

    cell: Path | None = None
    """The robot cell's file, with --env robot-cell (docs/robot-cell.md)."""

    dry_run: bool = False
    """Print and draw every motion of the robot cell, on simulated scenes, and move nothing."""

    episodes: int = 60
    """Scenes that every model picks empty."""

    family: Family = "standard"
    """Scene family of the simulator."""

    engine: EngineName = DEFAULT_ENGINE
    """Physics engine of the simulator."""

    sensor: SensorName | None = None
    """Depth sensor of the simulator: ideal, or a stereo camera; None takes the family's own."""

    items: str | None = None
    """Items that lie there: blocks, household, composites or a folder of meshes; None takes the family's own."""

    mesh_unit: MeshUnit = "m"
    """Unit of the meshes of a folder."""

    walls: BinWalls = NO_BIN
    """A bin around the items of the simulator; without its height the family's own, or none."""

    pixels: int = 112
    """Side of a heightmap, pixels; must be the checkpoints'."""

    stop: StopRule = field(default_factory=StopRule)
    """When an episode ends."""

    workers: int = 1
    """Processes; the result does not depend on it."""

    executor: ExecutorConfig = field(default_factory=ExecutorConfig)

    seed: int = 0
    """Of scenes and of the policies' own draws."""

    out: Path = Path("runs/picking")
    """Output folder."""

    resume: bool = False
    """Go on with an output folder that a killed run left."""

    overwrite: bool = False
    """Replace an output folder."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        _check_counts(episodes=self.episodes, workers=self.workers)
        _check_pixels(self.pixels)
        if (self.env == "robot-cell") != (self.cell is not None):
            raise ValueError("--env robot-cell and --cell FILE belong together: give both or neither")
        if self.cell is not None and self.executor.name != "processes":
            raise ValueError("--executor ray is for simulators: with --env robot-cell leave it out")
        if self.dry_run and self.cell is None:
            raise ValueError("--dry-run shows a robot cell's motions: give --env robot-cell --cell FILE too")


@dataclass(frozen=True)
class OneShotConfig:
    """The one-shot paired test: every model grasps once from the same saved state of a scene."""

    models: tuple[str, ...] = ()
    """NAME=SPEC for each model; SPEC is random, antipodal, scripted, scripted-exact, person, person-exact or a
    checkpoint folder. Before the folder, clearance: or antipodal: gives a constraint, unconstrained: takes the model's
    own."""

    scenes: int = 480
    """Scenes, each from its own reset and at its own fill level."""

    family: Family = "standard"
    """Scene family of the simulator."""

    engine: EngineName = DEFAULT_ENGINE
    """Physics engine of the simulator."""

    sensor: SensorName | None = None
    """Depth sensor of the simulator: ideal, or a stereo camera; None takes the family's own."""

    items: str | None = None
    """Items that lie there: blocks, household, composites or a folder of meshes; None takes the family's own."""

    mesh_unit: MeshUnit = "m"
    """Unit of the meshes of a folder."""

    walls: BinWalls = NO_BIN
    """A bin around the items of the simulator; without its height the family's own, or none."""

    pixels: int = 112
    """Side of a heightmap, pixels; must be the checkpoints'."""

    max_removed_fraction: float = 0.85
    """Each scene loses a share of its blocks drawn between 0 and this before the grasp."""

    workers: int = 1
    """Processes; the result does not depend on it."""

    executor: ExecutorConfig = field(default_factory=ExecutorConfig)

    seed: int = 0
    """Of scenes, fill levels and the policies' own draws."""

    out: Path = Path("runs/one-shot")
    """Output folder."""

    resume: bool = False
    """Go on with an output folder that a killed run left."""

    overwrite: bool = False
    """Replace an output folder."""

    RENAMED: ClassVar[dict[str, str]] = {"emptiest": "max_removed_fraction"}

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        _check_counts(scenes=self.scenes, workers=self.workers)
        _check_pixels(self.pixels)
        if not 0.0 <= self.max_removed_fraction < 1.0:
            raise ValueError(
                f"max_removed_fraction is {self.max_removed_fraction}; it is a share of the blocks in [0, 1)"
            )


@dataclass(frozen=True)
class ProxyConfig:
    """Share of a model's grasps that an affordance network takes for successes (paper, section IV-A)."""

    models: tuple[str, ...] = ()
    """NAME=DIR for each checkpoint; all are asked about the same scenes at the same angles."""

    affordance: Path = Path("runs/affordance")
    """Checkpoint folder of ``train affordance``."""

    dataset: Path = Path("runs/held-out")
    """Dataset of labelled scenes that neither the models nor the affordance network have learnt from; the command
    refuses one whose content their manifests name as an input."""

    scenes: int = 0
    """Use the first so many of its labelled scenes, no more than there are; 0 uses all."""

    alpha: float = 0.8
    """Weight of the past in the moving average over the rounds of a training that kept them."""

    foreground_only: bool = True
    """Never choose bare table; the paper does not say."""

    seed: int = 0
    """Of the bootstrap."""

    out: Path = Path("runs/proxy")
    """Output folder."""

    resume: bool = False
    """Write into a folder that exists."""

    overwrite: bool = False
    """Replace the output folder."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        if self.scenes < 0:
            raise ValueError(f"scenes is {self.scenes}; give a positive number, or 0 for all")
        if not 0.0 <= self.alpha < 1.0:
            raise ValueError(f"alpha is {self.alpha}; it must lie in [0, 1)")


@dataclass(frozen=True)
class RectanglesConfig:
    """Share of recorded scenes in which a model's best grasp matches a rectangle that a person drew."""

    models: tuple[str, ...] = ()
    """NAME=SPEC for each model; SPEC is random, antipodal or a checkpoint folder. Before the folder, clearance: or
    antipodal: gives a constraint, unconstrained: takes the model's own."""

    dataset: Path = Path("runs/rectangles")
    """Dataset with several rectangles a scene, as 'dataset import cornell', 'ivalab' and 'jacquard' write it."""

    split: Path | None = None
    """Test only on the held-out episodes of this split; 'dataset split' makes one by object."""

    angle: float = 30.0
    """A grasp matches a rectangle only if its angle is off by no more, degrees."""

    min_overlap: float = 0.25
    """And only if intersection over union of both rectangles is above this."""

    top: int = 1
    """Share with a match among so many best grasps, besides."""

    seed: int = 0
    """Of chance's own draws, and of the bootstrap."""

    out: Path = Path("runs/rectangle-metric")
    """Output folder."""

    resume: bool = False
    """Write into a folder that exists."""

    overwrite: bool = False
    """Replace the output folder."""

    def __post_init__(self) -> None:
        check_seeds(self, "seed")
        _check_counts(top=self.top)
        if not 0.0 < self.angle <= 90.0 or not 0.0 <= self.min_overlap < 1.0:
            raise ValueError(f"angle is {self.angle}, min_overlap {self.min_overlap}; valid are (0, 90] and [0, 1)")


def light_picking() -> PickingConfig:
    """112 px, 60 episodes a model."""
    return PickingConfig()


def paper_picking() -> PickingConfig:
    """338 px and 1 000 episodes: about the 25 000 picks a model of the paper's table I."""
    return PickingConfig(episodes=1000, pixels=338)


def light_one_shot() -> OneShotConfig:
    """112 px, 480 scenes: half-width of the paired difference about 5 points."""
    return OneShotConfig()


def paper_one_shot() -> OneShotConfig:
    """338 px, 880 scenes."""
    return OneShotConfig(scenes=880, pixels=338)


def light_proxy() -> ProxyConfig:
    """All held-out scenes."""
    return ProxyConfig()


def paper_proxy() -> ProxyConfig:
    """The paper's rule: bare table is scored like everything else."""
    return ProxyConfig(foreground_only=False)


def parse_models(models: Sequence[str]) -> dict[str, str]:
    """Model name -> spec, in the order given; a spec alone is its own name.

    Raises:
        UserError: none, an empty name or spec, or a name twice.
    """
    named: dict[str, str] = {}
    for entry in models:
        name, equals, spec = entry.partition("=")
        if not equals:
            name, spec = Path(entry).name, entry
        if not name or not spec:
            raise UserError(f"--models: got '{entry}'; expected NAME=SPEC, as in teacher=runs/teacher or random")
        if name in named:
            raise UserError(f"--models: '{name}' is given twice; give each model its own name (a=DIR b=DIR)")
        named[name] = spec
    if not named:
        raise UserError("--models is empty; give at least one, as in --models teacher=runs/teacher random")
    return named


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")


def _check_pixels(pixels: int) -> None:
    if pixels < 2:
        raise ValueError(f"pixels is {pixels}; a heightmap needs at least 2 pixels a side")


PICKING_PRESETS = {"light": light_picking, "paper": paper_picking}
ONE_SHOT_PRESETS = {"light": light_one_shot, "paper": paper_one_shot}
PROXY_PRESETS = {"light": light_proxy, "paper": paper_proxy}
"""Preset name -> function that returns a fresh config."""
