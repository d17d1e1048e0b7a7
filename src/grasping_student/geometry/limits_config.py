"""Options that limit the grasps of a scene: a region, an object, angles, places to spare; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FARTHEST = 5.0
"""Places further than this from the origin are no metres."""

MOST_NUMBERS = 64
"""A region has at most half as many corners, and a list of circles a third as many circles."""


@dataclass(frozen=True)
class GraspLimitsConfig:
    """Which grasps may be chosen: a region, an object, angles, places to keep away from; all that are given hold."""

    region: tuple[float, ...] = ()
    """Grasps are centred in here: x0 y0 x1 y1, or corners x y x y ... of a polygon, metres in the workspace's world;
    empty allows every place."""

    mask: Path | None = None
    """Picture of the depth picture's size, for instance of one segmented object: grasps are centred on what its pixels
    other than zero show."""

    closing_angle_degrees: tuple[float, float] | None = None
    """The fingers close along a direction from the first to the second angle, degrees counter-clockwise from +x, modulo
    180: 80 100 closes along y, 170 10 along x."""

    keep_away: tuple[float, ...] = ()
    """Circles in which no grasp is centred: x y radius x y radius ..., metres in the workspace's world."""

    def __post_init__(self) -> None:
        _check_numbers("region", self.region)
        if self.region and len(self.region) != 4 and (len(self.region) < 6 or len(self.region) % 2):
            raise ValueError(
                f"region has {len(self.region)} numbers; give x0 y0 x1 y1, or three or more corners x y of a polygon"
            )
        _check_numbers("keep_away", self.keep_away)
        if len(self.keep_away) % 3 or not all(radius > 0.0 for radius in self.keep_away[2::3]):
            raise ValueError(f"keep_away is {self.keep_away}; give x y radius of each circle, radius above 0")
        angles = self.closing_angle_degrees or ()
        if not all(-360.0 <= angle <= 360.0 for angle in angles):
            raise ValueError(f"closing_angle_degrees is {angles}; give two angles between -360 and 360")


def _check_numbers(name: str, numbers: tuple[float, ...]) -> None:
    if len(numbers) > MOST_NUMBERS:
        raise ValueError(f"{name} has {len(numbers)} numbers; at most {MOST_NUMBERS} are taken")
    if not all(abs(number) <= FARTHEST for number in numbers):  # NaN fails too
        raise ValueError(
            f"{name} is {numbers}; every number lies within {FARTHEST:g} m of the origin: were these millimetres?"
        )
