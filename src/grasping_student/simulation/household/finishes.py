"""Finishes of household items: how they look, in colour and in infrared light."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from grasping_student.simulation.compound import Colour
from grasping_student.simulation.materials import Material

Finish = Literal["matte", "dark", "glossy", "translucent"]

FINISHES: tuple[Finish, ...] = get_args(Finish)

Range = tuple[float, float]

ALBEDO: dict[Finish, Range] = {
    "matte": (0.35, 0.75),
    "dark": (0.02, 0.08),
    "glossy": (0.2, 0.6),
    "translucent": (0.15, 0.35),
}
GLOSS: dict[Finish, Range] = {"matte": (0.0, 0.1), "dark": (0.0, 0.3), "glossy": (0.5, 1.0), "translucent": (0.3, 0.7)}
TRANSLUCENCY: Range = (0.5, 0.9)
"""Of what is translucent; of everything else it is 0."""

BRIGHT: tuple[Colour, ...] = (
    (206, 60, 48),
    (232, 140, 44),
    (240, 202, 66),
    (92, 160, 82),
    (60, 118, 188),
    (136, 88, 164),
    (226, 226, 220),
    (200, 160, 118),
)
METAL: tuple[Colour, ...] = ((176, 178, 182), (150, 152, 158), (196, 178, 128))
BLACK: tuple[Colour, ...] = ((38, 38, 42), (54, 50, 48), (30, 42, 60))
PALE: tuple[Colour, ...] = ((206, 224, 228), (222, 226, 210), (190, 214, 200))
WOOD: tuple[Colour, ...] = ((196, 152, 100), (216, 180, 130))
STEEL: Colour = (168, 170, 176)
RUBBER: Colour = (40, 40, 44)


def sample_material(finish: Finish, friction: Range, density: Range, random: np.random.Generator) -> Material:
    """A material of a finish, with friction and density (kg/m^3) from ranges."""
    return Material(
        friction=random.uniform(*friction),
        density=random.uniform(*density),
        albedo=random.uniform(*ALBEDO[finish]),
        gloss=random.uniform(*GLOSS[finish]),
        translucency=random.uniform(*TRANSLUCENCY) if finish == "translucent" else 0.0,
    )


def sample_colour(finish: Finish, palette: tuple[Colour, ...], random: np.random.Generator) -> Colour:
    """A colour from a palette, or from that of the finish where it decides."""
    palette = {"dark": BLACK, "translucent": PALE}.get(finish, palette)
    shade = random.normal(0.0, 8.0, size=3)
    red, green, blue = np.clip(np.array(palette[int(random.integers(len(palette)))]) + shade, 0, 255).astype(int)
    return int(red), int(green), int(blue)
