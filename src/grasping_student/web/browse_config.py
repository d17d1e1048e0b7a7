"""What ``grasping-student dataset browse`` can be told; importing this loads neither torch nor a web server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from grasping_student.geometry.gripper import GripperGeometry


@dataclass(frozen=True)
class BrowseConfig:
    """Look through a dataset in the browser: attempts with filters, pictures, grasps, a model's scores."""

    dataset: Annotated[Path, Positional] = Path("runs/my-labels")
    """Folder of the dataset."""

    model: Path | None = None
    """Checkpoint whose score of each grasp is shown; None shows none."""

    gripper: GripperGeometry = field(default_factory=GripperGeometry)
    """The gripper that is drawn on the grasps."""

    cell: Path | None = None
    """A robot cell's YAML file, to draw its gripper; None draws that of --gripper."""

    page_size: int = 24
    """Attempts a page."""

    host: str = "127.0.0.1"
    """Address to serve on; another than this machine's own needs --token."""

    port: int = 8081
    """0 takes any free port."""

    token: str | None = None
    """Word that opens the page from another machine; 'auto' makes one."""

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= 200:
            raise ValueError(f"page_size is {self.page_size}; it must be 1 to 200")
        if self.cell is not None and self.gripper != GripperGeometry():
            raise ValueError(f"--cell {self.cell} has a gripper of its own: give --cell or --gripper, not both")
