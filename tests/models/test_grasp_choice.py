"""The one choice of grasps: what it never takes, what it gives up and says so, and what does not change it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.geometric_model import GeometricModel
from tests.serving.tabletop import LIGHT, frame_of, tabletop

from grasping_student.geometry.antipodal import AntipodalContacts
from grasping_student.geometry.grasp_constraints import AllOf, ExclusionZone, Region
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.models.grasp_choice import NOT_CONSTRAINED, NOT_WELL_SEEN, GraspQuery, NoGrasp, choose
from grasping_student.perception.heightmap_repair import observe_frame
from grasping_student.perception.observation import Observation

MODEL = GeometricModel()
SEEDS = st.integers(0, 2**32 - 1)


def scene(seed):
    """Boxes at random places of a perfect observation."""
    random = np.random.default_rng(seed)
    height = np.zeros(LIGHT.shape, np.float32)
    for _ in range(5):
        row, col, side = random.integers(20, 80), random.integers(20, 80), random.integers(5, 9)
        height[row : row + side, col : col + 2 * side] = random.uniform(0.02, 0.06)
    return Observation.of(Heightmap(height, np.zeros((*LIGHT.shape, 3), np.uint8), LIGHT))


@given(SEEDS)
@settings(deadline=None, max_examples=10)
def test_excluded_cells_the_margin_and_bare_table_are_never_grasped(seed):
    observation = scene(seed)
    observation.excluded[:, ::2] = True
    chosen = choose(observation, MODEL, GraspQuery(count=20))
    for each in chosen.grasps:
        row, col = each.grasp.row, each.grasp.col
        assert LIGHT.is_graspable(row, col) and not observation.excluded[row, col]
        assert observation.heightmap.height[row, col] > 0.0
    scores = [each.score for each in chosen.grasps]
    assert scores == sorted(scores, reverse=True)
    assert chosen.constrained and chosen.on_seen_material and chosen.notes == ()


@given(SEEDS)
@settings(deadline=None, max_examples=10)
def test_what_is_required_is_obeyed_and_what_is_preferred_is_where_it_leaves_a_grasp(seed):
    observation, antipodal = scene(seed), AntipodalContacts()
    chosen = choose(observation, MODEL, GraspQuery(preferred=antipodal, count=5))
    passing = antipodal.allows(observation.filled_height, GraspQuery().grid.angles, LIGHT)
    for each in chosen.grasps:
        allowed = passing[GraspQuery().grid.index(each.grasp.angle), each.grasp.row, each.grasp.col]
        assert allowed == chosen.constrained
    zone = ExclusionZone((chosen.grasps[0].grasp,), 0.03)
    away = choose(observation, MODEL, GraspQuery(preferred=antipodal, required=(zone,))).grasps[0].grasp
    first = chosen.grasps[0].grasp
    assert np.hypot(away.row - first.row, away.col - first.col) * LIGHT.pixel_size > 0.03


def test_a_preference_that_leaves_nothing_is_given_up_with_a_note_and_a_requirement_is_not():
    nothing = Region(np.zeros(LIGHT.shape, bool))
    chosen = choose(scene(0), MODEL, GraspQuery(preferred=nothing))
    assert not chosen.constrained and NOT_CONSTRAINED in chosen.notes
    assert chosen.best == choose(scene(0), MODEL).best
    with pytest.raises(NoGrasp):
        choose(scene(0), MODEL, GraspQuery(required=(nothing,)))
    milder = choose(scene(0), MODEL, GraspQuery(required=(nothing, AllOf())))
    assert milder.best == choose(scene(0), MODEL).best


def test_a_camera_is_asked_first_and_what_it_did_not_see_is_taken_last_and_told():
    observation = observe_frame(frame_of(tabletop()), LIGHT)
    assert choose(observation, MODEL).on_seen_material
    assert observation.frame is not None
    depth = observation.frame.depth.copy()
    depth[5:] = np.nan
    chosen = choose(replace(observation, frame=replace(observation.frame, depth=depth)), MODEL)
    assert not chosen.on_seen_material and NOT_WELL_SEEN in chosen.notes
