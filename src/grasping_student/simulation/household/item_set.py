"""Household items by category: which there are, which are kept for tests, and what each is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from grasping_student.simulation.compound import Colour, CompoundItem, compound, scaled
from grasping_student.simulation.household import packages, tools
from grasping_student.simulation.household.finishes import BRIGHT, METAL, Finish, Range, sample_colour, sample_material
from grasping_student.simulation.household.packages import Parts
from grasping_student.simulation.items import ItemSet


class Category(NamedTuple):
    """A kind of item: its shape, and the ranges of what it is made of."""

    shape: Callable[[Colour, np.random.Generator], Parts]

    finishes: tuple[Finish, ...]
    """Each equally often; one that stands twice, twice as often."""

    friction: Range

    density: Range
    """Kilograms a cubic metre of the parts: less than the stuff's where the item is hollow."""

    palette: tuple[Colour, ...] = BRIGHT

    rolls: bool = False
    """Whether it is round."""


TRAINING: dict[str, Category] = {
    "carton": Category(packages.carton, ("matte", "matte", "glossy"), (0.37, 0.7), (220, 770)),
    "bottle": Category(packages.bottle, ("translucent", "glossy", "matte"), (0.21, 0.52), (550, 1210), rolls=True),
    "can": Category(packages.can, ("glossy", "glossy", "matte"), (0.21, 0.48), (770, 1650), rolls=True),
    "tube": Category(packages.tube, ("glossy", "matte"), (0.27, 0.64), (880, 1430)),
    "cup": Category(packages.cup, ("matte", "glossy", "dark", "translucent"), (0.27, 0.64), (1100, 2640)),
    "pouch": Category(packages.pouch, ("glossy", "matte", "dark"), (0.27, 0.64), (440, 1100)),
    "screwdriver": Category(tools.screwdriver, ("matte", "dark", "glossy"), (0.32, 0.7), (1650, 3300)),
    "hammer": Category(tools.hammer, ("dark", "glossy"), (0.27, 0.64), (1650, 4400), METAL),
    "bracket": Category(tools.bracket, ("glossy", "dark", "matte"), (0.21, 0.52), (2970, 7700), METAL),
    "bolt": Category(tools.bolt, ("glossy", "dark"), (0.21, 0.48), (5500, 7800), METAL, rolls=True),
    "pipe_tee": Category(tools.pipe_tee, ("glossy", "dark", "matte"), (0.21, 0.52), (1650, 6600), METAL, rolls=True),
    "paintbrush": Category(tools.paintbrush, ("matte", "dark"), (0.32, 0.7), (550, 1320)),
    "peg": Category(tools.peg, ("matte", "matte", "glossy"), (0.32, 0.7), (550, 1100)),
    "toy_car": Category(tools.toy_car, ("glossy", "matte"), (0.27, 0.64), (550, 1650)),
}
"""Category -> what it is, of the set ``household``."""

TEST: dict[str, Category] = {
    "bowl": Category(packages.bowl, ("matte", "glossy", "dark", "translucent"), (0.27, 0.64), (1100, 2640)),
    "spray_bottle": Category(packages.spray_bottle, ("translucent", "glossy", "matte"), (0.21, 0.52), (440, 1100)),
    "soap": Category(packages.soap, ("matte", "glossy"), (0.21, 0.52), (990, 1430)),
    "wrench": Category(tools.wrench, ("glossy", "dark"), (0.21, 0.52), (4400, 7800), METAL),
    "channel": Category(tools.channel, ("glossy", "dark", "matte"), (0.21, 0.52), (2970, 7700), METAL),
    "nut": Category(tools.nut, ("glossy", "dark"), (0.21, 0.48), (5500, 7800), METAL),
    "plug": Category(tools.plug, ("dark", "matte"), (0.32, 0.7), (1100, 2200)),
    "dish_brush": Category(tools.dish_brush, ("matte", "translucent", "dark"), (0.32, 0.7), (550, 1320)),
    "toy_figure": Category(tools.toy_figure, ("glossy", "matte"), (0.32, 0.7), (550, 1320)),
}
"""Category -> what it is, of the set ``household-test``, which training never meets."""

CATEGORIES = TRAINING | TEST


class HouseholdSet(ItemSet):
    """Items of some categories, each equally often, and so many times their size."""

    def __init__(self, categories: dict[str, Category], scale: Range) -> None:
        self._categories, self._scale = tuple(categories.items()), scale

    def sample(self, random: np.random.Generator) -> CompoundItem:
        name, category = self._categories[int(random.integers(len(self._categories)))]
        return sample_item(name, category, random, random.uniform(*self._scale))


def sample_item(name: str, category: Category, random: np.random.Generator, scale: float = 1.0) -> CompoundItem:
    """One item of a category: its size (times a scale), colour and material by chance."""
    finish = category.finishes[int(random.integers(len(category.finishes)))]
    material = sample_material(finish, category.friction, category.density, random)
    parts = category.shape(sample_colour(finish, category.palette, random), random)
    return compound(name, [(scaled(part, scale), paint) for part, paint in parts], material, rolls=category.rolls)
