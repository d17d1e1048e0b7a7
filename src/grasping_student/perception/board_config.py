"""Options of a printed calibration board; importing this loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BoardConfig:
    """A printed ChArUco board."""

    columns: int = 8
    """Squares from left to right."""

    rows: int = 6
    """Squares from top to bottom."""

    square: float = 0.03
    """Side of a square, metres: measure the print."""

    marker: float = 0.022
    """Side of a marker, metres."""

    dictionary: str = "5X5_100"
    """OpenCV's name of the set of markers."""

    def __post_init__(self) -> None:
        if self.columns < 3 or self.rows < 3:
            raise ValueError(f"a board of {self.columns} x {self.rows} squares is too small; at least 3 x 3")
        if not 0.0 < self.marker < self.square <= 1.0:
            raise ValueError(f"marker {self.marker} m must be smaller than square {self.square} m, both in metres")
