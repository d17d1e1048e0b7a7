"""Options of the live page of a robot cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MonitorConfig:
    """What the cell sees and does now, both models' success, and a stop button."""

    cell: Path = Path("cell.yaml")
    """The robot cell's file; its ``telemetry`` folder is what the page shows."""

    run: Path | None = None
    """Output folder of the running ``evaluate picking``: outcomes, rates and score maps come from it."""

    host: str = "127.0.0.1"
    """Address to serve on."""

    port: int = 8090
    """Port to serve on; 0 takes a free one."""

    token: str | None = None
    """Word that opens the page; None and 'auto' make one, and the address that is printed holds it."""

    seed: int = 0
    """Of the bootstrap behind the intervals."""


def monitor() -> MonitorConfig:
    """This machine only."""
    return MonitorConfig()


PRESETS = {"monitor": monitor}
