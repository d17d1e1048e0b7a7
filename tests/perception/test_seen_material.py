"""Material that the camera itself saw: on rendered scenes whose items are known."""

from dataclasses import replace

import numpy as np
from tests.serving.tabletop import CAMERA, LIGHT, box_under, frame_of, tabletop

from grasping_student.cameras.simulated import SimulatedCamera, looking_down
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES
from grasping_student.perception.heightmap_repair import observe_frame
from grasping_student.perception.observation import Observation
from grasping_student.perception.seen_material import SeenMaterial


def test_what_the_camera_could_not_see_is_never_grasped():
    frame = frame_of(tabletop(), tilt=0.5)
    mended = observe_frame(frame, LIGHT)
    material = SeenMaterial(mended).cells()
    assert material.any()
    rows, cols = np.nonzero(material)
    for x, y in zip(*LIGHT.xy_from_pixel(rows, cols), strict=True):
        assert box_under(float(x), float(y))
    assert not (material & mended.excluded).any()
    hidden = frame.depth.copy()
    hidden[:] = np.where(np.arange(640)[None, :] > 320, np.nan, hidden)  # the right half was not measured
    blind = replace(frame, depth=hidden)
    mended = observe_frame(blind, LIGHT)
    rows, cols = np.nonzero(SeenMaterial(mended).cells())
    assert (LIGHT.xy_from_pixel(rows, cols)[0] < 0.0).all()


def test_a_noisy_camera_with_dropouts_still_sees_material_and_flat_floor():
    big = ((0.06, 0.05, 0.06, 0.09, 0.04), (-0.07, -0.06, 0.09, 0.06, 0.03))
    scene = tabletop(big)
    with SimulatedCamera(lambda: scene, CAMERA, looking_down(0.75, 0.15), noise=0.001, dropout=0.03) as camera:
        frame = camera.read()
    mended = observe_frame(frame, LIGHT)
    items = np.zeros(LIGHT.shape, dtype=bool)
    every = np.arange(LIGHT.pixels)
    x, y = LIGHT.xy_from_pixel(every, every)
    for cx, cy, sx, sy, _ in big:
        items |= (np.abs(y - cy) <= sy / 2 + 0.006)[:, None] & (np.abs(x - cx) <= sx / 2 + 0.006)[None, :]
    assert (mended.heightmap.height[~items] == 0.0).mean() > 0.995
    material = SeenMaterial(mended).cells()
    assert not (material & ~items).any()
    assert material.sum() > 0.25 * items.sum()


def test_it_is_a_mask_over_all_angles_and_believes_an_observation_without_a_camera():
    seen = observe_frame(frame_of(tabletop()), LIGHT)
    constraint = SeenMaterial(seen)
    mask = constraint.allows(seen.filled_height, DEPLOYMENT_ANGLES.angles, LIGHT)
    assert mask.shape == (16, *LIGHT.shape)
    assert (mask == constraint.cells()).all()
    assert (SeenMaterial(seen, inside=0.0).cells() | ~constraint.cells()).all(), "a milder one allows all that it does"
    without = Observation.of(seen.heightmap)
    np.testing.assert_array_equal(SeenMaterial(without).cells(), without.graspable_foreground())
