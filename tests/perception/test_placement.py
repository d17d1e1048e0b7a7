"""Where the fingers go: openings that fit, and heights above the floor that the picture shows."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.tabletop import LIGHT

from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.perception.floor import FloorPlane
from grasping_student.perception.observation import Observation
from grasping_student.perception.placement import finger_opening, place_grasp


@given(st.floats(0.0, math.pi), st.floats(0.012, 0.06))
@settings(max_examples=30, deadline=None)
def test_fingers_open_a_little_wider_than_the_item(angle, width):
    every = np.arange(LIGHT.pixels)
    x, y = LIGHT.xy_from_pixel(every, every)
    along = x[None, :] * math.cos(angle) + y[:, None] * math.sin(angle)
    height = np.where(np.abs(along) <= width / 2, np.float32(0.05), np.float32(0.0)).astype(np.float32)
    opening = finger_opening(height, PlanarGrasp.from_xy(0.0, 0.0, angle, LIGHT), 0.03, GripperGeometry(), LIGHT)
    assert min(width + 0.004, 0.085) <= opening <= min(width + 0.016 + 3.5 * LIGHT.pixel_size, 0.085)


@given(st.floats(-0.02, 0.02), st.floats(0.0, 0.2), st.floats(0.0, 0.03))
def test_the_world_height_is_that_over_the_floor_plus_the_floors_own(offset, slope, depth):
    height = np.full(LIGHT.shape, 0.05, np.float32)
    flat = Observation.of(Heightmap(height, np.zeros((*LIGHT.shape, 3), np.uint8), LIGHT))
    grasp, gripper = PlanarGrasp(40, 70, 0.3), GripperGeometry(finger_depth=depth)
    level = place_grasp(flat, grasp, gripper)
    assert level.z == level.tip == pytest.approx(0.05 - depth, abs=1e-6)
    tilted = place_grasp(replace(flat, floor=FloorPlane(slope_x=slope, offset=offset)), grasp, gripper)
    assert tilted.tip == level.tip and tilted.opening == level.opening
    assert tilted.z == pytest.approx(level.tip + offset + slope * level.x)


def test_tips_are_placed_on_the_surface_and_not_on_what_was_cut():
    height = np.zeros(LIGHT.shape, np.float32)
    height[40:60, 50:60] = 0.12
    shown = Heightmap(height, np.zeros((*LIGHT.shape, 3), np.uint8), LIGHT)
    seen = replace(Observation.of(shown), surface=np.where(height > 0.0, np.float32(0.16), height))
    assert place_grasp(seen, PlanarGrasp(50, 55, 0.0), GripperGeometry()).tip == pytest.approx(0.145, abs=1e-6)
