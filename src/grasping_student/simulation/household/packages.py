"""Shapes of what goods come in and are drunk from: cartons, bottles, cans, tubes, cups, bowls, packs."""

from __future__ import annotations

import numpy as np

from grasping_student.simulation.compound import Colour
from grasping_student.simulation.household.finishes import BRIGHT, STEEL, sample_colour
from grasping_student.simulation.household.parts import brick, circle, cushion, flared_ring, frustum, rod, wall_ring
from grasping_student.simulation.solids import Box, ConvexPart, Hull

Parts = list[tuple[ConvexPart, Colour]]

CUP_SIDES = 8
"""Flat walls of cups and bowls."""


def carton(colour: Colour, random: np.random.Generator) -> Parts:
    """A box with a lid of another shade."""
    x, y, z = random.uniform(0.03, 0.055), random.uniform(0.04, 0.075), random.uniform(0.05, 0.11)
    lid = min(0.2 * z, 0.012)
    pale = _paler(colour)
    return [(brick((x, y, z - lid)), colour), (brick((x, y, lid), (0.0, 0.0, z / 2)), pale)]


def bottle(colour: Colour, random: np.random.Generator) -> Parts:
    """Body, shoulder, and a cap on the neck."""
    radius, body = random.uniform(0.015, 0.026), random.uniform(0.045, 0.075)
    shoulder, neck, cap = random.uniform(0.01, 0.02), random.uniform(0.3, 0.5) * radius, random.uniform(0.012, 0.02)
    top = body / 2 + shoulder
    lid = sample_colour("matte", BRIGHT, random)
    return [
        (rod(radius, body), colour),
        (frustum((radius, radius), (neck, neck), body / 2, top, 10), colour),
        (rod(neck * 1.15, cap, (0.0, 0.0, top + cap / 2)), lid),
    ]


def spray_bottle(colour: Colour, random: np.random.Generator) -> Parts:
    """A flat body, a neck, and a head with a nozzle and a trigger."""
    x, y, z = random.uniform(0.02, 0.028), random.uniform(0.014, 0.02), random.uniform(0.05, 0.07)
    neck, head = random.uniform(0.012, 0.02), random.uniform(0.045, 0.06)
    top = z / 2 + neck
    tone = sample_colour("matte", BRIGHT, random)
    trigger = np.array([(-0.002, 0.004, 0.0), (0.010, 0.004, 0.0), (0.016, 0.003, -0.024), (0.012, 0.003, -0.026)])
    trigger = np.concatenate([trigger, trigger * (1, -1, 1)]) + np.array((0.3 * head, 0.0, top))
    return [
        (frustum((x, y), (0.85 * x, 0.85 * y), -z / 2, z / 2, 8), colour),
        (rod(0.009, neck, (0.0, 0.0, z / 2 + neck / 2)), tone),
        (brick((head, 0.02, 0.018), (0.2 * head, 0.0, top + 0.009)), tone),
        (Hull(trigger), tone),
    ]


def can(colour: Colour, random: np.random.Generator) -> Parts:
    """A cylinder with a lid of metal."""
    radius, height = random.uniform(0.018, 0.033), random.uniform(0.03, 0.085)
    return [(rod(radius, height), colour), (rod(0.92 * radius, 0.004, (0.0, 0.0, height / 2 + 0.002)), STEEL)]


def tube(colour: Colour, random: np.random.Generator) -> Parts:
    """Round at the cap, flat at the crimp."""
    radius, length, cap = random.uniform(0.013, 0.019), random.uniform(0.065, 0.1), random.uniform(0.012, 0.02)
    flat = 1.45 * radius
    crimp = [(i * flat, j * 0.002, length) for i in (-1, 1) for j in (-1, 1)]
    round_end = np.column_stack([circle(10) * radius, np.zeros(10)])
    lid = sample_colour("matte", BRIGHT, random)
    return [(Hull(np.concatenate([round_end, crimp])), colour), (rod(0.75 * radius, cap, (0.0, 0.0, -cap / 2)), lid)]


def cup(colour: Colour, random: np.random.Generator) -> Parts:
    """A bottom and eight walls; half of them have a handle."""
    radius, height = random.uniform(0.024, 0.034), random.uniform(0.05, 0.08)
    parts: list[ConvexPart] = [rod(radius + 0.001, 0.004, (0.0, 0.0, 0.002))]
    parts += wall_ring(radius, height, 0.003, CUP_SIDES)
    if random.random() < 0.5:
        parts += _handle(radius + 0.003, 0.55 * height, 0.5 * height)
    return [(part, colour) for part in parts]


def bowl(colour: Colour, random: np.random.Generator) -> Parts:
    """A bottom and eight walls that lean outwards."""
    low, high, height = random.uniform(0.016, 0.022), random.uniform(0.034, 0.044), random.uniform(0.024, 0.036)
    walls = flared_ring(low, high, height, 0.004, CUP_SIDES)
    return [(rod(low + 0.003, 0.004, (0.0, 0.0, 0.002)), colour), *((wall, colour) for wall in walls)]


def pouch(colour: Colour, random: np.random.Generator) -> Parts:
    """A filled bag, thick in the middle, with two welded seams."""
    x, y, z = random.uniform(0.05, 0.075), random.uniform(0.04, 0.06), random.uniform(0.018, 0.03)
    seam = 0.008
    middle = np.array([(i * 0.38 * x, j * 0.42 * y, k * z / 2) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    rim = np.array([(i * x / 2, j * y / 2, k * 0.002) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    seams = [brick((seam, y, 0.003), (i * (x + seam) / 2, 0.0, 0.0)) for i in (-1.0, 1.0)]
    return [(Hull(np.concatenate([middle, rim])), colour), *((each, _paler(colour)) for each in seams)]


def soap(colour: Colour, random: np.random.Generator) -> Parts:
    """A pack with rounded edges."""
    x, y, z = random.uniform(0.055, 0.09), random.uniform(0.035, 0.055), random.uniform(0.02, 0.034)
    return [(cushion((x, y, z), 0.35 * z), colour)]


def _handle(radius: float, height: float, middle: float) -> list[Box]:
    """Three bars on the side of a cup."""
    away, bar = 0.018, 0.006
    return [
        brick((away, bar, bar), (radius + away / 2, 0.0, middle + height / 2)),
        brick((away, bar, bar), (radius + away / 2, 0.0, middle - height / 2)),
        brick((bar, bar, height + bar), (radius + away, 0.0, middle)),
    ]


def _paler(colour: Colour) -> Colour:
    red, green, blue = (int(0.55 * channel + 0.45 * 245) for channel in colour)
    return red, green, blue
