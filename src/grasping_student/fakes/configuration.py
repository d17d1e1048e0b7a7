"""Options of ``cell fake``; importing this loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grasping_student.simulation.config import DEFAULT_ENGINE, EngineName, MeshUnit
from grasping_student.simulation.families import Family
from grasping_student.simulation.sensor_config import SensorName


@dataclass(frozen=True)
class FakeCellConfig:
    """A robot cell without a robot: fakes of arm and gripper with a simulated workspace behind them."""

    pixels: int = 112
    """Side of a heightmap, pixels: the checkpoints' (112 light, 338 as in the paper)."""

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

    speedup: float = 3.0
    """Factor on the speed of the fakes; the commands stay the same."""

    seed: int = 0
    """Of the first scene."""

    out: Path = Path("runs/fake-cell")
    """Folder for cell.yaml, and for frame/ and touched.yaml, with which ``cell calibrate`` and ``cell check`` can be
    tried."""

    overwrite: bool = False
    """Replace the output folder if it exists."""

    def __post_init__(self) -> None:
        if not 0.1 <= self.speedup <= 50.0:
            raise ValueError(f"speedup is {self.speedup}; valid is 0.1 to 50")


def light_fakes() -> FakeCellConfig:
    """112 px."""
    return FakeCellConfig()


def paper_fakes() -> FakeCellConfig:
    """338 px."""
    return FakeCellConfig(pixels=338)
