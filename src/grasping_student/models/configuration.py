"""Configuration of a grasp network, kept beside its weights; importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid
from grasping_student.geometry.grasp_constraints import FORMER_NAMES, GraspConstraintConfig
from grasping_student.geometry.workspace import Workspace, light_workspace
from grasping_student.models.normalisation import Normalisation
from grasping_student.pipeline.configuration import choice, to_plain

DECODERS = ("fpn", "unet")
"""Decoders of segmentation-models-pytorch that may stand before an encoder's name: ``fpn-resnet50``."""

ONE_PASS = "one-pass"
"""Alone, or before the name of another network, it gives that network an output for each angle of deployment."""

MOST_LEVELS = 8
"""Resolutions of ``compact``, each half of the one before."""


@dataclass(frozen=True)
class NetworkConfig:
    """A network that maps one height picture to score pictures of the same size, one for each angle that it scores."""

    name: str = "compact"
    """``compact``, or DECODER-ENCODER of segmentation-models-pytorch: ``fpn-resnet50``, ``unet-resnet50``. These score
    the angle at which the scene is shown to them. ``one-pass`` is ``compact`` with an output for each angle of
    deployment, ``one-pass-fpn-resnet50`` another network with as many: one look at the scene scores all angles."""

    encoder_weights: Literal["imagenet", "none"] = "none"
    """What a segmentation-models-pytorch encoder starts from; ``compact`` has no other weights than its own."""

    widths: tuple[int, ...] = (24, 40, 64, 80)
    """Channels of ``compact`` and ``one-pass`` at 1/2, 1/4, 1/8, ... of the picture's resolution."""

    def __post_init__(self) -> None:
        if self.trunk != "compact":
            decoder, _, encoder = self.trunk.partition("-")
            forms = "compact, fpn-ENCODER, unet-ENCODER, one-pass, one-pass-fpn-ENCODER, one-pass-unet-ENCODER"
            choice(decoder, (*DECODERS, "compact", ONE_PASS), f"network ({forms})")
            if not encoder:
                raise ValueError(f"network '{self.name}' names no encoder; write for instance {self.name}-resnet18")
        valid = all(width % 4 == 0 and 4 <= width <= 1024 for width in self.widths)
        if not valid or not 1 <= len(self.widths) <= MOST_LEVELS:
            raise ValueError(f"widths are {self.widths!s:.60}; give 1 to {MOST_LEVELS} multiples of 4, from 4 to 1024")

    @property
    def trunk(self) -> str:
        """Name of the network without what is said of its outputs."""
        if self.name == ONE_PASS:
            return "compact"
        return self.name.removeprefix(f"{ONE_PASS}-")

    @property
    def angles(self) -> AngleGrid:
        """Angles that one picture is scored at, an output channel each, counted from the picture's own horizontal."""
        return AngleGrid(1) if self.trunk == self.name else DEPLOYMENT_ANGLES

    @property
    def stride(self) -> int:
        """Side of a picture must be a multiple of this many pixels."""
        return 2 ** len(self.widths) if self.trunk == "compact" else 32


@dataclass(frozen=True)
class ModelConfig:
    """Everything that a checkpoint must know besides its weights."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    workspace: Workspace = field(default_factory=light_workspace)
    normalisation: Normalisation = field(default_factory=Normalisation)

    constraint: GraspConstraintConfig = field(default_factory=GraspConstraintConfig)
    """Obeyed when the model chooses a grasp: students carry the constraint of their pseudo-labels."""

    RENAMED: ClassVar[dict[str, str]] = {"rule": "constraint"}

    def identity(self) -> dict[str, Any]:
        """Plain values under the names of the first checkpoints: a hash over them outlives the renaming of a field."""
        plain = to_plain(self)
        constraint = plain.pop("constraint")
        former = {new: old for old, new in GraspConstraintConfig.RENAMED.items()}
        plain["rule"] = {former.get(name, name): value for name, value in constraint.items()}
        plain["rule"]["name"] = {new: old for old, new in FORMER_NAMES.items()}.get(self.constraint.name, "none")
        return plain


def describe(workspace: Workspace) -> str:
    """A workspace in words."""
    return f"{workspace.extent:g} m in {workspace.pixels} pixels with a margin of {workspace.margin:g} m"
