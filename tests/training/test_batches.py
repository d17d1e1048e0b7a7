"""What a batch holds: every label once an epoch, where its box is, inside the mask, the same for the same step."""

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import SMALL, draw_scene

from grasping_student.geometry.grasp import TRAINING_ANGLES, angle_distance
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.models.normalisation import Normalisation
from grasping_student.models.rotation import Canvas, View, bordered
from grasping_student.training.augmentation import AugmentationConfig, no_augmentation, sample_view, vary_heights
from grasping_student.training.batches import Group, PairBatches, distant_angle, items_of_step
from grasping_student.training.labels import HEIGHT_UNIT, Labels, Scenes

STRONG = AugmentationConfig(mirror=True, shift=0.05, yaw=20.0)
SEEDS = st.integers(0, 2**32 - 1)


def group(seed=0, count=6, share=4, success=1.0):
    random = np.random.default_rng(seed)
    drawn = [draw_scene(SMALL, random) for _ in range(count)]
    grasps = [grasp for _, grasp in drawn]
    labels = Labels(
        np.arange(count) * 10,
        np.array([g.row for g in grasps]),
        np.array([g.col for g in grasps]),
        np.array([g.angle for g in grasps]),
        np.full(count, success, np.float32),
        np.ones(count, np.float32),
    )
    heights = np.stack([np.rint(bordered(scene.height) / HEIGHT_UNIT).astype(np.uint16) for scene, _ in drawn])
    return Group(labels, Scenes(labels.scene, heights), share)


def batches(augmentation, *groups, seed=0):
    return PairBatches(groups or (group(),), Canvas(SMALL, 16), Normalisation(), augmentation, seed, 10)


@given(st.integers(1, 40), st.integers(1, 20), SEEDS)
def test_every_item_comes_once_an_epoch_whatever_the_batch(count, batch, seed):
    epochs = 3
    steps = math.ceil(epochs * count / batch)
    stream = np.concatenate([items_of_step(step, batch, count, seed) for step in range(steps)])[: epochs * count]
    for epoch in stream.reshape(epochs, count):
        assert sorted(epoch) == list(range(count))


@given(st.floats(0.0, math.pi), st.floats(0.0, 1.0, exclude_max=True))
def test_a_distant_angle_is_more_than_ten_bins_away_around_the_circle(angle, draw):
    bins = angle_distance(angle, distant_angle(angle, draw)) * TRAINING_ANGLES.count / math.pi
    assert bins > 10.99
    assert bins == pytest.approx(round(bins), abs=1e-6)


def test_every_distant_bin_is_drawn():
    drawn = {round(distant_angle(0.0, draw) * 64 / math.pi) for draw in np.linspace(0, 1, 5000, endpoint=False)}
    assert drawn == set(range(11, 54))


@settings(deadline=None, max_examples=10)
@given(SEEDS, st.booleans())
def test_allowed_pixels_are_those_that_the_rule_lets_pass_in_the_scene_at_that_angle(seed, mirror):
    gripper = GripperGeometry(opening=0.03, finger_thickness=0.006, finger_width=0.012)  # fits the small boxes
    rule, own, side = GraspConstraintConfig("antipodal", gripper=gripper).make(), group(seed), 48
    augmentation = AugmentationConfig(mirror=mirror)
    drawn = (Canvas(SMALL, 16), Normalisation(), augmentation, seed, 10)
    batch, plain = PairBatches((own,), *drawn, constraint=rule)[0], PairBatches((own,), *drawn)[0]
    assert "allowed" not in plain
    torch.testing.assert_close(batch["pictures"], plain["pictures"], rtol=0, atol=0)  # the rule draws nothing
    random = np.random.default_rng([seed, 3, 0])
    for place, item in enumerate(items_of_step(0, 4, 6, seed)):
        row, col, angle = (getattr(own.labels, name)[item] for name in ("row", "col", "angle"))
        view = sample_view(augmentation, int(row), int(col), float(angle), SMALL, random)
        height = own.scenes.heights[item][1:-1, 1:-1] * np.float32(HEIGHT_UNIT)
        for index, phi in enumerate((view.phi, distant_angle(float(angle), random.random()))):
            passing = rule.allows(height, np.array([phi]), SMALL)[0]
            rows, cols = np.nonzero(batch["allowed"][place, index].numpy())
            turned = View(phi, mirror_rows=view.mirror_rows, mirror_cols=view.mirror_cols)
            found = np.zeros(side * side, bool)
            at_row, at_col = batch_pixels(passing, turned)
            found[at_row * side + at_col] = True
            # nearest sampling may show a pixel twice or not at all, but never far from where it lies
            near = cv2.dilate(found.reshape(side, side).astype(np.uint8), np.ones((3, 3), np.uint8))
            assert near[rows, cols].all()
            assert abs(len(rows) - passing.sum()) <= 0.5 * passing.sum() + 3
    assert not (batch["allowed"] & ~batch["mask"]).any()


def batch_pixels(passing, view):
    """Canvas rows and columns of scene pixels, one by one."""
    placed = [Canvas(SMALL, 16).pixel(int(r), int(c), view) for r, c in np.argwhere(passing)]
    return np.array([p[0] for p in placed], int), np.array([p[1] for p in placed], int)


@settings(deadline=None, max_examples=15)
@given(SEEDS, st.sampled_from([no_augmentation(), STRONG]))
def test_the_label_lies_inside_the_mask_on_its_own_box(seed, augmentation):
    prepared = batches(augmentation, group(seed), seed=seed)
    batch = prepared[0]
    side = prepared.canvas.side
    heights = batch["pictures"][:4] * 0.03 + 0.02
    items = items_of_step(0, 4, 6, seed)
    for place, item in enumerate(items):
        label = prepared.groups[0].labels
        own = prepared.groups[0].scenes.heights[item, label.row[item] + 1, label.col[item] + 1] * HEIGHT_UNIT
        at = int(batch["label"][place])
        assert bool(batch["mask"][place, 0].flatten()[at])
        around = heights[place, max(at // side - 1, 0) : at // side + 2, max(at % side - 1, 0) : at % side + 2]
        assert np.abs(around.numpy() - own).min() < 2e-4
    # about as many pixels may be grasped at every angle as in the scene itself
    counts = batch["mask"].flatten(2).sum(dim=2).float()
    assert (counts - SMALL.graspable_pixels**2).abs().max() < 0.06 * SMALL.graspable_pixels**2


def test_a_step_is_a_function_of_seed_and_number():
    one, two = batches(STRONG), batches(STRONG)
    two[7]
    for name, tensor in one[3].items():
        assert torch.equal(tensor, two[3][name])
    assert not torch.equal(one[3]["pictures"], one[4]["pictures"])
    assert not torch.equal(one[3]["pictures"], batches(STRONG, seed=1)[3]["pictures"])


def test_two_groups_share_a_batch_as_told():
    batch = batches(no_augmentation(), group(0, share=3), group(1, share=2, success=0.0))[0]
    assert batch["success"].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert batch["pictures"].shape == (10, 48, 48)


def test_without_augmentation_nothing_is_varied():
    view = sample_view(no_augmentation(), 15, 20, 0.7, SMALL, np.random.default_rng(0))
    assert (view.phi, view.row_shift, view.col_shift, view.mirror_rows, view.mirror_cols) == (0.7, 0, 0, False, False)
    pictures = np.random.default_rng(0).random((2, 9, 9)).astype(np.float32)
    before = pictures.copy()
    vary_heights(pictures, np.zeros(2, int), np.zeros(2, int), 0.004, no_augmentation(), np.random.default_rng(0))
    np.testing.assert_array_equal(pictures, before)


@given(st.integers(5, 34), st.integers(5, 34), SEEDS)
def test_a_shifted_label_stays_graspable(row, col, seed):
    view = sample_view(STRONG, row, col, 0.0, SMALL, np.random.default_rng(seed))
    assert SMALL.is_graspable(row + view.row_shift, col + view.col_shift)
    assert max(abs(view.row_shift), abs(view.col_shift)) <= 0.05 / SMALL.pixel_size


@settings(deadline=None)
@given(SEEDS)
def test_noise_scale_holes_and_blocks_do_what_they_say(seed):
    random = np.random.default_rng(seed)
    clean = np.where(random.random((3, 48, 48)) < 0.5, 0.0, 0.03).astype(np.float32)
    rows, cols = random.integers(0, 48, (2, 3))

    def varied(**options):
        pictures = clean.copy()
        vary_heights(pictures, rows, cols, 0.004, AugmentationConfig(**options), np.random.default_rng(seed))
        return pictures

    noisy = varied(noise=0.001)
    assert (noisy[clean == 0] == 0).all()
    assert 0.0009 < (noisy - clean)[clean > 0].std() < 0.0011
    factors = varied(height_scale=0.2).max(axis=(1, 2)) / 0.03
    assert (np.abs(factors - 1.0) <= 0.2 + 1e-5).all()
    assert len(np.unique(factors)) == 3
    assert set(np.unique(varied(holes=5))) <= set(np.unique(clean))
    blocks = varied(blocks=6)
    assert (blocks >= clean).all()
    for picture, before, row, col in zip(blocks, clean, rows, cols, strict=True):
        near = (slice(max(row - 14, 0), row + 15), slice(max(col - 14, 0), col + 15))
        np.testing.assert_array_equal(picture[near], before[near])


@pytest.mark.parametrize("options", [{"noise": -1.0}, {"shift": 20.0}, {"height_scale": 1.0}])
def test_impossible_augmentation_is_refused(options):
    with pytest.raises(ValueError, match="augmentation"):
        AugmentationConfig(**options)
