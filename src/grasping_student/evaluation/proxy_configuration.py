"""What a proxy evaluation is asked to do; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grasping_student.pipeline.configuration import check_seeds


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


def light_proxy() -> ProxyConfig:
    """All held-out scenes."""
    return ProxyConfig()


def paper_proxy() -> ProxyConfig:
    """The paper's rule: bare table is scored like everything else."""
    return ProxyConfig(foreground_only=False)


PROXY_PRESETS = {"light": light_proxy, "paper": paper_proxy}
