"""Each repair does its work on a broken picture, says so, and leaves a good one alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.tabletop import BOXES, boxes_on_table

from grasping_student.geometry.workspace import Workspace, light_workspace, paper_workspace
from grasping_student.perception.floor import FloorPlane, fit_floor, flatten_floor, level_floor
from grasping_student.perception.heightmap_repair import HeightmapRepairConfig, check_coverage, repair_heightmap
from grasping_student.perception.holes import repair_holes, shadows
from grasping_student.perception.obstacles import (
    find_tall_border,
    find_walls,
    limit_height,
    remove_needles,
    remove_speckles,
)
from grasping_student.pipeline.errors import UserError

LIGHT = light_workspace()
NOWHERE = np.zeros(LIGHT.shape, dtype=bool)


def scene(workspace=LIGHT, seed=0, noise=0.0005, boxes=BOXES):
    """Boxes on a table as a good camera measures them."""
    clean = boxes_on_table(workspace, boxes)
    height = clean.height + np.random.default_rng(seed).normal(0.0, noise, clean.height.shape)
    return replace(clean, height=height.astype(np.float32))


def heap(seed, workspace=LIGHT, count=50):
    """Many boxes thrown over each other, floor between them."""
    random = np.random.default_rng(seed)
    low, high = [-0.17, -0.17, 0.02, 0.02, 0.01], [0.17, 0.17, 0.07, 0.07, 0.09]
    return scene(workspace, seed, boxes=random.uniform(low, high, (count, 5)))


@pytest.mark.parametrize("workspace", [LIGHT, paper_workspace()], ids=["light", "paper"])
@pytest.mark.parametrize("make", [scene, heap], ids=["few", "heap"])
def test_a_good_picture_is_left_alone_and_nothing_is_said(make, workspace):
    good = make(workspace=workspace, seed=3)
    mended = repair_heightmap(good)
    assert mended.notes == ()
    assert not mended.excluded.any()
    assert mended.floor == FloorPlane()
    items = good.height > 0.008
    np.testing.assert_array_equal(mended.heightmap.height[items], good.height[items])
    assert (mended.heightmap.height[good.height < 0.0015] == 0.0).all()


@given(st.floats(-0.08, 0.08), st.floats(-0.08, 0.08), st.floats(-0.015, 0.015), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_the_floor_of_a_tilted_scene_is_found_within_a_millimetre(slope_x, slope_y, offset, seed):
    tilted = FloorPlane(slope_x, slope_y, offset)
    level = heap(seed % 1000, count=25)
    raw = replace(level, height=level.height + tilted.grid(LIGHT))
    found = fit_floor(raw)
    assert found is not None
    assert np.abs(found.grid(LIGHT) - tilted.grid(LIGHT)).max() < 0.001
    mended, plane, note = level_floor(raw, found)
    if np.abs(tilted.grid(LIGHT)).max() > 0.006:
        assert plane == found
        assert note is not None
        assert f"{math.degrees(plane.tilt):.2f} degrees" in note
        np.testing.assert_allclose(mended.height, level.height, atol=0.001)


def test_a_pose_that_is_right_within_3_mm_is_believed():
    raw = scene()
    almost = replace(raw, height=raw.height + FloorPlane(0.003, -0.003, 0.001).grid(LIGHT))
    mended, plane, note = level_floor(almost, fit_floor(almost))
    assert mended is almost
    assert (plane, note) == (FloorPlane(), None)


def test_the_top_of_a_big_item_is_not_taken_for_the_floor():
    lid = scene(boxes=((0.0, 0.0, 0.36, 0.36, 0.02),))
    assert fit_floor(lid) is not None
    assert level_floor(lid, fit_floor(lid))[1] == FloorPlane()
    everywhere = scene(boxes=((0.0, 0.0, 0.45, 0.45, 0.04),))
    assert level_floor(everywhere, fit_floor(everywhere))[1] == FloorPlane()


def test_a_pose_whose_table_is_elsewhere_is_refused():
    raw = scene()
    for plane in (FloorPlane(0.35, 0.0, 0.0), FloorPlane(0.0, 0.0, -0.04)):
        with pytest.raises(UserError, match=r"right way round|level surface at -40 mm"):
            repair_heightmap(replace(raw, height=raw.height + plane.grid(LIGHT)))


def test_rough_floor_and_depths_under_the_floor_are_flattened_and_said():
    rough = scene(noise=0.002)
    rough.height[5:9, 5:9] = -0.04
    flat, threshold, note = flatten_floor(rough)
    assert 0.004 < threshold <= 0.008
    assert note is not None
    assert "rough" in note and "under the floor" in note
    assert np.isnan(flat.height[5:9, 5:9]).all()
    assert (flat.height[20:40, 80:] == 0.0).mean() > 0.99


def test_needles_and_specks_go_and_items_stay():
    raw = scene(noise=0.0)
    height = raw.height.copy()
    height[10, 10], height[56, 56] = 0.08, 0.12  # one on the table, one on an item
    height[90:92, 90:92] = 0.01
    spiky = replace(raw, height=height)
    without, _ = remove_needles(spiky)
    assert np.isnan(without.height[10, 10]) and np.isnan(without.height[56, 56])
    assert np.isnan(without.height).sum() == 2
    clean, _ = remove_speckles(spiky)
    assert (clean.height[90:92, 90:92] == 0.0).all()
    items = raw.height > 0.0
    np.testing.assert_array_equal(clean.height[items], height[items])


def test_many_specks_are_said():
    raw = scene(noise=0.0)
    height = raw.height.copy()
    height[5:100:12, 100] = 0.01
    _, note = remove_speckles(replace(raw, height=height))
    assert note is not None and "patches" in note


def test_a_sparse_cameras_regular_gaps_are_filled_from_their_neighbours():
    workspace = paper_workspace()
    whole = scene(workspace, noise=0.0)
    height = whole.height.copy()
    height[::4], height[:, ::3] = np.nan, np.nan
    filled, shadow, note = repair_holes(replace(whole, height=height))
    assert not shadow.any()
    assert note is not None and "thin gaps" in note
    assert (filled.height != whole.height).mean() < 0.03  # one cell along the boxes' edges


def test_a_shadow_is_filled_from_its_far_side_and_never_grows_the_item():
    whole = scene(noise=0.0)
    height = whole.height.copy()
    item = np.argwhere(whole.height == np.float32(BOXES[0][4]))
    top, left = item.min(axis=0)
    bottom, right = item.max(axis=0)
    height[top : bottom + 1, right + 1 : right + 9] = np.nan
    filled, shadow, _ = repair_holes(replace(whole, height=height))
    assert shadow[top : bottom + 1, right + 1 : right + 9].all()
    np.testing.assert_array_equal(filled.height, whole.height)
    assert left > 0


def test_a_wide_hole_at_the_border_becomes_floor():
    whole = scene(noise=0.0)
    height = whole.height.copy()
    height[:30] = np.nan
    height[30:32] = 0.08
    filled, shadow, _ = repair_holes(replace(whole, height=height))
    assert shadow[:30].all()
    assert (filled.height[:30] == 0.0).all()
    assert np.isfinite(filled.height).all()
    assert shadows(whole).sum() == 0


def bin_around(items, wall=0.10, width=8, slope=4):
    """A bin whose walls stand at the border, sloping to the floor."""
    height = items.height.copy()
    distance = np.minimum.reduce([*np.indices(height.shape), *(np.indices(height.shape)[:, ::-1, ::-1])])
    profile = np.where(distance < width, wall, np.maximum(wall * (1 - (distance - width + 1) / slope), 0.0))
    return replace(items, height=np.maximum(height, profile).astype(np.float32))


@pytest.mark.parametrize("wall", [0.05, 0.09, 0.15])
def test_the_walls_of_a_bin_are_taken_out_on_all_four_sides_and_its_items_stay(wall):
    items = scene(noise=0.0)
    walls, note = find_walls(bin_around(items, wall), NOWHERE)
    assert note is not None
    assert all(side in note for side in ("far", "right", "near", "left"))
    in_bin = np.minimum.reduce([*np.indices(LIGHT.shape), *np.indices(LIGHT.shape)[:, ::-1, ::-1]]) >= 12
    assert not (walls & in_bin).any()
    mended = repair_heightmap(bin_around(items, wall))
    np.testing.assert_array_equal(mended.heightmap.height[in_bin], items.height[in_bin])
    assert (mended.heightmap.height[~in_bin] == 0.0).mean() > 0.99
    assert mended.excluded[:8].all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_a_heap_is_never_taken_for_a_wall(seed):
    assert not find_walls(heap(seed % 5000), NOWHERE)[0].any()


def test_a_robot_arm_in_the_corner_is_taken_out_with_its_flank_and_the_item_beside_it_stays():
    items = scene(noise=0.0)
    rows, cols = np.indices(LIGHT.shape)
    arm = np.clip(0.25 - 0.004 * np.hypot(rows - 111, cols - 0), 0.0, None)
    together = replace(items, height=np.maximum(items.height, np.where(arm > 0.1, arm, 0.0)).astype(np.float32))
    taken, note = find_tall_border(together, NOWHERE)
    assert note is not None and "border" in note
    assert taken[arm > 0.1].all()
    assert not taken[items.height > 0.0].any()


def test_a_tall_item_in_the_middle_is_cut_not_removed():
    tall = scene(boxes=((0.0, 0.0, 0.06, 0.06, 0.2),), noise=0.0)
    mended = repair_heightmap(tall, HeightmapRepairConfig(ceiling=0.12))
    assert mended.heightmap.height[56, 56] == np.float32(0.12)
    assert mended.surface[56, 56] == np.float32(0.2)
    assert any("exceeds 12 cm" in note.text for note in mended.notes)
    assert limit_height(scene(), 0.12)[1] is None


def test_a_camera_that_looks_elsewhere_is_refused():
    height = np.full(LIGHT.shape, np.nan, dtype=np.float32)
    height[:3] = 0.0
    with pytest.raises(UserError, match="camera_to_world the right way round"):
        check_coverage(replace(scene(), height=height))
    with pytest.raises(UserError, match=r"measured 2\.7%"):
        repair_heightmap(replace(scene(), height=height))


def test_repairs_can_be_switched_off():
    raw = bin_around(scene(noise=0.0))
    mended = repair_heightmap(raw, HeightmapRepairConfig(level=False, speckles=False, walls=False))
    np.testing.assert_array_equal(mended.heightmap.height, raw.height)
    with pytest.raises(ValueError, match="ceiling"):
        HeightmapRepairConfig(ceiling=0.0)


def test_mending_changes_nothing_that_it_was_given():
    workspace = Workspace(extent=0.45, pixels=80, margin=0.05)
    raw = bin_around(scene(workspace, noise=0.002))
    raw.height[20:30, 20:30] = np.nan
    before = raw.height.copy()
    repair_heightmap(raw)
    np.testing.assert_array_equal(raw.height, before)
