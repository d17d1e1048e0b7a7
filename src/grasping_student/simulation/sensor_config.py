"""Depth sensors above a simulated workspace, as options; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

SensorName = Literal["ideal", "stereo"]
SENSOR_NAMES: tuple[SensorName, ...] = get_args(SensorName)


@dataclass(frozen=True)
class DepthNoise:
    """What an ideal sensor does to a perfect heightmap. All zero: nothing."""

    sigma: float = 0.0
    """Standard deviation of the noise of every pixel, metres."""

    step: float = 0.0
    """Heights are rounded to multiples of this, metres."""

    edge_holes: float = 0.0
    """Share of the pixels beside a step in height that are not measured."""

    edge_height: float = 0.015
    """Difference of height between neighbours that counts as a step, metres."""

    random_holes: float = 0.0
    """Share of all pixels that are not measured."""


@dataclass(frozen=True)
class StereoConfig:
    """An active stereo camera that looks straight down: two infrared eyes and a dot projector between them.

    The measures are those of an Intel RealSense D415 in its 848 x 480 mode (data sheet of the D400 family: baseline
    55 mm, depth field of view 65 x 40 degrees); noise, blur and matcher were tuned as docs/depth-sensor.md tells.
    """

    baseline: float = 0.055
    """Distance of the eyes, metres."""

    distance: float = 0.65
    """From the eyes to the table, metres."""

    width: int = 848
    """Columns of an infrared picture; only the part that shows the workspace is computed."""

    height: int = 480
    """Rows of an infrared picture."""

    focal_length: float = 665.0
    """Pixels; 848 columns see 65 degrees."""

    highest: float = 0.20
    """What stands higher is not matched, metres: the nearest distance of the camera."""

    exposure: float = 110.0
    """Mean grey level of a white matt face on the table, in [0, 255]; everything brighter than 255 is clipped."""

    ambient: float = 0.25
    """Share of the infrared light that comes from elsewhere, without dots."""

    dots: float = 0.30
    """Share of the light's area that the dots fill."""

    dot_size: float = 0.8
    """Standard deviation of a dot's profile, pixels of a picture."""

    blur: float = 0.6
    """Standard deviation of the lens's blur, pixels."""

    shot_noise: float = 0.35
    """Standard deviation of a pixel's noise at grey level 1, grey levels; it grows with the root of the level."""

    read_noise: float = 1.0
    """Standard deviation of a dark pixel's noise, grey levels."""

    speckle: float = 0.06
    """Standard deviation of a pixel's light by the laser's speckle, as a share of it; each eye sees its own."""

    block_size: int = 7
    """Side of the matcher's window, pixels."""

    uniqueness: int = 8
    """The best match must beat every other by so many percent."""

    least_contrast: float = 1.5
    """With a weaker pattern in its window a pixel is no measurement, grey levels a column (root mean square)."""

    speckle_size: int = 60
    """Patches of depth smaller than this are no measurement, pixels."""

    depth_unit: float = 0.001
    """Depths are multiples of this, metres."""

    def __post_init__(self) -> None:
        if not self.distance - self.highest >= 0.2:
            raise ValueError(
                f"distance is {self.distance} m and highest {self.highest} m; the camera must hang at least 0.2 m "
                "above the highest item"
            )
        for name in ("baseline", "focal_length", "exposure", "dots", "dot_size", "blur", "depth_unit"):
            if not 0.0 < getattr(self, name) < 1e6:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if self.block_size % 2 == 0 or not 3 <= self.block_size <= 11:
            raise ValueError(f"block_size is {self.block_size}; valid are 3, 5, 7, 9 and 11")
