"""Shapes of tools, hardware and toys: a head and a handle, plates, threads, wheels, limbs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grasping_student.simulation.compound import Colour
from grasping_student.simulation.household.finishes import BRIGHT, RUBBER, STEEL, WOOD, sample_colour
from grasping_student.simulation.household.packages import Parts
from grasping_student.simulation.household.parts import brick, frustum, rod, turned, wall_ring
from grasping_student.simulation.solids import Hull

SKIN: Colour = (232, 190, 158)


def screwdriver(colour: Colour, random: np.random.Generator) -> Parts:
    """A thick handle, a thin shaft, a flat tip."""
    radius, handle, shaft = random.uniform(0.011, 0.016), random.uniform(0.055, 0.08), random.uniform(0.04, 0.07)
    thin = random.uniform(0.003, 0.0045)
    return [
        (frustum((radius, radius), (0.8 * radius, 0.8 * radius), -handle, 0.0, 6), colour),
        (rod(thin, shaft, (0.0, 0.0, shaft / 2)), STEEL),
        (brick((2.6 * thin, 0.002, 0.008), (0.0, 0.0, shaft + 0.003)), STEEL),
    ]


def hammer(colour: Colour, random: np.random.Generator) -> Parts:
    """A handle of wood, a head across it, a wedge behind."""
    handle, head = random.uniform(0.09, 0.12), random.uniform(0.022, 0.032)
    thick = random.uniform(0.016, 0.022)
    half = thick / 2
    claw = [(-half, i * half, j * half) for i in (-1, 1) for j in (-1, 1)]
    claw += [(-half - 0.026, i * half, -0.6 * half - 0.006) for i in (-1, 1)]
    up = np.array((0.0, 0.0, handle + half))
    return [
        (frustum((0.009, 0.007), (0.007, 0.006), 0.0, handle, 8), sample_colour("matte", WOOD, random)),
        (brick((thick, thick, thick), (0.0, 0.0, handle + half)), colour),
        (rod(0.55 * thick, head, (half + head / 2, 0.0, handle + half), "x"), colour),
        (Hull(np.array(claw) + up), colour),
    ]


def wrench(colour: Colour, random: np.random.Generator) -> Parts:
    """A flat handle with an open jaw at one end and a ring at the other."""
    length, thick, jaw = random.uniform(0.06, 0.085), random.uniform(0.006, 0.009), random.uniform(0.011, 0.016)
    end = length / 2
    ring = wall_ring(0.5 * jaw, thick, 0.005, 6, -thick / 2)
    away = -end - 0.5 * jaw - 0.003
    prongs = [
        brick((1.5 * jaw, 0.007, thick), (end + 0.95 * jaw, i * (jaw / 2 + 0.0035), 0.0), turned(z=i * -0.15))
        for i in (-1.0, 1.0)
    ]
    closed = [replace(each, position=(each.position[0] + away, *each.position[1:])) for each in ring]
    back = brick((0.5 * jaw, jaw + 0.012, thick), (end + 0.1 * jaw, 0.0, 0.0))
    parts = [brick((length, 0.011, 0.8 * thick)), back, *prongs, *closed]
    return [(part, colour) for part in parts]


def bracket(colour: Colour, random: np.random.Generator) -> Parts:
    """Two plates at a right angle with a rib between them."""
    a, b = random.uniform(0.04, 0.075), random.uniform(0.035, 0.065)
    wide, thick = random.uniform(0.018, 0.035), random.uniform(0.003, 0.005)
    rib = 0.55 * min(a, b)
    corners = [(thick, thick), (rib, thick), (thick, rib)]
    return [
        (brick((a, wide, thick), (a / 2, 0.0, thick / 2)), colour),
        (brick((thick, wide, b), (thick / 2, 0.0, thick + b / 2)), colour),
        (Hull(np.array([(x, j * 0.0015, z) for x, z in corners for j in (-1, 1)])), colour),
    ]


def channel(colour: Colour, random: np.random.Generator) -> Parts:
    """A bent sheet with three sides."""
    length, wide, high = random.uniform(0.05, 0.09), random.uniform(0.028, 0.05), random.uniform(0.02, 0.035)
    thick = random.uniform(0.003, 0.005)
    sides = [brick((length, thick, high), (0.0, i * (wide - thick) / 2, (thick + high) / 2)) for i in (-1.0, 1.0)]
    return [(part, colour) for part in (brick((length, wide, thick)), *sides)]


def bolt(colour: Colour, random: np.random.Generator) -> Parts:
    """A head with six sides on a shaft."""
    shaft, length = random.uniform(0.005, 0.0085), random.uniform(0.035, 0.075)
    head = random.uniform(1.7, 2.1) * shaft
    return [
        (frustum((head, head), (head, head), 0.0, 1.2 * shaft, 6), colour),
        (rod(shaft, length, (0.0, 0.0, -length / 2)), STEEL),
    ]


def nut(colour: Colour, random: np.random.Generator) -> Parts:
    """Six walls around a hole."""
    hole = random.uniform(0.008, 0.014)
    walls = wall_ring(hole, random.uniform(1.0, 1.6) * hole, random.uniform(0.6, 0.8) * hole, 6)
    return [(wall, colour) for wall in walls]


def pipe_tee(colour: Colour, random: np.random.Generator) -> Parts:
    """Two pipes that meet, each with a collar."""
    radius, run, branch = random.uniform(0.009, 0.013), random.uniform(0.06, 0.09), random.uniform(0.03, 0.045)
    collar = 1.3 * radius
    return [
        (rod(radius, run, axis="x"), colour),
        (rod(radius, branch, (0.0, 0.0, branch / 2)), colour),
        (rod(collar, 0.012, (0.0, 0.0, branch)), colour),
        (rod(collar, 0.012, (run / 2, 0.0, 0.0), "x"), colour),
        (rod(collar, 0.012, (-run / 2, 0.0, 0.0), "x"), colour),
    ]


def plug(colour: Colour, random: np.random.Generator) -> Parts:
    """A body with two pins, and the stub of its lead."""
    body, wide, lead = random.uniform(0.026, 0.036), random.uniform(0.024, 0.034), random.uniform(0.035, 0.06)
    away = random.uniform(0.006, 0.0095)
    pins = [rod(0.0024, 0.018, (body / 2 + 0.009, i * away, 0.0), "x") for i in (-1.0, 1.0)]
    sides = [
        (x, i * y / 2, k * z / 2)
        for x, y, z in ((body / 2, wide, 0.02), (-body / 2, 0.014, 0.014))
        for i in (-1, 1)
        for k in (-1, 1)
    ]
    return [
        (Hull(np.array(sides)), colour),
        *((pin, STEEL) for pin in pins),
        (rod(0.0055, 0.014, (-body / 2 - 0.007, 0.0, 0.0), "x"), colour),
        (rod(0.0032, lead, (-body / 2 - lead / 2, 0.0, 0.0), "x"), colour),
    ]


def paintbrush(colour: Colour, random: np.random.Generator) -> Parts:
    """A handle, a ferrule of sheet metal, bristles."""
    wide, handle = random.uniform(0.028, 0.045), random.uniform(0.055, 0.075)
    bristles, thick = random.uniform(0.025, 0.038), random.uniform(0.010, 0.014)
    grip = ((0.4 * wide, 0.4 * thick, 0.0), (0.007, 0.4 * thick, -0.4 * handle), (0.009, 0.4 * thick, -handle))
    hair = ((wide / 2, thick / 2, 0.02), (0.42 * wide, 0.2 * thick, 0.02 + bristles))
    return [
        (_levels(grip), colour),
        (brick((1.04 * wide, 1.15 * thick, 0.02), (0.0, 0.0, 0.01)), STEEL),
        (_levels(hair), (70, 58, 50)),
    ]


def dish_brush(colour: Colour, random: np.random.Generator) -> Parts:
    """A handle, a head, and bristles on one side of it."""
    handle, head = random.uniform(0.075, 0.095), random.uniform(0.017, 0.023)
    bristles = random.uniform(0.014, 0.02)
    return [
        (brick((handle, 0.013, 0.009), (-handle / 2, 0.0, 0.0)), colour),
        (rod(head, 0.009, (head - 0.004, 0.0, 0.0)), colour),
        (
            frustum((0.9 * head, 0.9 * head), (head, head), -0.0045, -0.0045 - bristles, 8, (head - 0.004, 0.0)),
            (236, 234, 226),
        ),
    ]


def peg(colour: Colour, random: np.random.Generator) -> Parts:
    """Two legs of a clothes peg around their spring."""
    length, wide = random.uniform(0.065, 0.09), random.uniform(0.010, 0.014)
    spread, thick = random.uniform(0.10, 0.18), random.uniform(0.006, 0.008)
    legs = [brick((length, wide, thick), (0.0, 0.0, i * 0.009), turned(y=i * spread)) for i in (-1.0, 1.0)]
    return [*((leg, colour) for leg in legs), (rod(0.006, wide + 0.004, (0.0, 0.0, 0.0), "y"), STEEL)]


def toy_car(colour: Colour, random: np.random.Generator) -> Parts:
    """A body, a cabin, four wheels."""
    length, wide, high = random.uniform(0.06, 0.085), random.uniform(0.028, 0.038), random.uniform(0.014, 0.02)
    wheel = random.uniform(0.009, 0.012)
    low, roof = high / 2, high / 2 + random.uniform(0.012, 0.018)
    cabin = [
        (x * length, j * 0.42 * wide, z)
        for x, z in ((-0.32, low), (0.22, low), (-0.22, roof), (0.08, roof))
        for j in (-1, 1)
    ]
    wheels = [
        rod(wheel, 0.008, (i * 0.3 * length, j * (wide / 2 + 0.002), -low), "y")
        for i in (-1.0, 1.0)
        for j in (-1.0, 1.0)
    ]
    return [
        (brick((length, wide, high)), colour),
        (Hull(np.array(cabin)), (190, 214, 228)),
        *((each, RUBBER) for each in wheels),
    ]


def toy_figure(colour: Colour, random: np.random.Generator) -> Parts:
    """A head, a body, two arms, two legs."""
    tall = random.uniform(0.075, 0.1)
    wide, deep = 0.26 * tall, random.uniform(0.15, 0.19) * tall
    trousers = sample_colour("matte", BRIGHT, random)
    spread = random.uniform(0.25, 0.9)
    arms = [
        brick(
            (0.09 * tall, 0.1 * tall, 0.36 * tall),
            (i * (0.21 + 0.12 * spread) * tall, 0.0, 0.1 * tall),
            turned(y=-i * spread),
        )
        for i in (-1.0, 1.0)
    ]
    legs = [brick((0.11 * tall, deep, 0.42 * tall), (i * 0.075 * tall, 0.0, -0.36 * tall)) for i in (-1.0, 1.0)]
    return [
        (brick((wide, deep, 0.36 * tall), (0.0, 0.0, 0.02 * tall)), colour),
        (frustum((0.13 * tall, 0.13 * tall), (0.1 * tall, 0.1 * tall), 0.2 * tall, 0.42 * tall, 8), SKIN),
        *((arm, colour) for arm in arms),
        *((leg, trousers) for leg in legs),
    ]


def _levels(levels: tuple[tuple[float, float, float], ...]) -> Hull:
    """A body along z through rectangles, each half its size along x and y, and its height."""
    return Hull(np.array([(i * x, j * y, z) for x, y, z in levels for i in (-1, 1) for j in (-1, 1)]))
