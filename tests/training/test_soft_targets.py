"""Soft targets: student and teachers look at the same cells at the same angles, and the losses are what they say."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from synthetic import SMALL, bars, direction_across

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, angle_distance
from grasping_student.models.normalisation import Normalisation
from grasping_student.models.rotation import Canvas, bordered
from grasping_student.training.augmentation import AugmentationConfig
from grasping_student.training.batches import items_of_step
from grasping_student.training.labels import HEIGHT_UNIT, Scenes
from grasping_student.training.soft_targets import (
    SoftTargetBatches,
    SoftTargetStep,
    at_places,
    cell_weights,
    mean_probability,
    soft_target_loss,
)

SEEDS = st.integers(0, 2**32 - 1)
OUTPUTS = st.sampled_from([AngleGrid(1), DEPLOYMENT_ANGLES])
CANVAS = Canvas(SMALL, 4)


def drawn(scenes, seed, outputs, angles=3, teacher_canvas=CANVAS, **augmentation):
    """Batches of two scenes a step."""
    varied = AugmentationConfig(mirror=True, shift=0.012, **augmentation)
    return SoftTargetBatches(scenes, (CANVAS, teacher_canvas), Normalisation(), varied, seed, 9, 2, outputs, angles)


def smooth_scenes(seed, count=3):
    """Hills: neighbouring pixels differ little, distant ones much."""
    random = np.random.default_rng(seed)
    row, col = np.indices(SMALL.shape)
    heights = []
    for _ in range(count):
        phase = random.uniform(0.0, 2.0 * math.pi, 2)
        heights.append(0.04 + 0.015 * (np.sin(row / 9.0 + phase[0]) + np.sin(col / 7.0 + phase[1])))
    stored = [np.rint(bordered(height.astype(np.float32)) / HEIGHT_UNIT).astype(np.uint16) for height in heights]
    return Scenes(np.arange(count), np.stack(stored))


@settings(deadline=None, max_examples=20)
@given(SEEDS, OUTPUTS, st.sampled_from([CANVAS, Canvas(SMALL, 16)]))
def test_a_cell_of_the_student_and_of_its_teacher_shows_the_same_place(seed, outputs, teacher_canvas):
    batches = drawn(smooth_scenes(seed), seed, outputs, teacher_canvas=teacher_canvas)
    batch, side = batches[0], CANVAS.side
    looks = batch["pictures"].unflatten(0, (2, -1))
    heights = looks.repeat_interleave(outputs.count, dim=1) if outputs.count > 1 else looks
    ours = at_places(heights.flatten(0, 1)[:, None], batch["place"])
    theirs = at_places(batch["shown"][:, None], batch["teacher_place"])
    assert ours.shape == theirs.shape == (2, 3, SMALL.graspable_pixels**2)
    inside = (ours > -0.6) & (theirs > -0.6)  # a shifted scene shows bare table at its rim
    assert inside.float().mean() > 0.8
    assert (ours - theirs)[inside].abs().max() < 0.35  # two nearest pixels; the hills are 2 high
    assert looks.shape == (2, 1 if outputs.count > 1 else 3, side, side)


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_what_lies_level_for_the_teacher_lies_at_the_channels_angle_for_the_student(seed):
    batch = drawn(bars(seed).scenes, seed, DEPLOYMENT_ANGLES, angles=4)[0]
    channels = batch["place"][:, :, 0].numpy() // CANVAS.side**2
    shown = batch["shown"].unflatten(0, (2, 4)).numpy()
    for scene in range(2):
        seen = direction_across(batch["pictures"][scene].numpy())
        assert len(set(channels[scene])) == 4
        for angle, channel in enumerate(channels[scene]):
            there = direction_across(shown[scene, angle]) + DEPLOYMENT_ANGLES.angle(int(channel))
            assert angle_distance(seen, there) < math.radians(5.0)


@settings(deadline=None, max_examples=10)
@given(SEEDS, OUTPUTS)
def test_the_teachers_see_no_noise_and_the_student_does(seed, outputs):
    scenes = smooth_scenes(seed)
    clean, noisy = (drawn(scenes, seed, outputs, noise=noise)[1] for noise in (0.0, 0.002))
    torch.testing.assert_close(noisy["shown"], clean["shown"], rtol=0, atol=0)
    torch.testing.assert_close(noisy["place"], clean["place"], rtol=0, atol=0)
    assert (noisy["pictures"] - clean["pictures"]).std() > 0.02


def test_a_step_is_a_function_of_seed_and_number():
    one, two = (drawn(smooth_scenes(1), 5, DEPLOYMENT_ANGLES, noise=0.001) for _ in range(2))
    two[7]
    for name, tensor in one[3].items():
        assert torch.equal(tensor, two[3][name])
    assert not torch.equal(one[3]["pictures"], one[4]["pictures"])


def test_foreground_is_where_the_scene_is_no_table():
    batch = drawn(bars(2).scenes, 3, AngleGrid(1))[0]
    heights = at_places(batch["shown"][:, None], batch["teacher_place"])
    for angle in range(3):
        here = heights[:, angle] > heights.min() + 0.5
        assert (here == batch["foreground"][:, angle]).float().mean() > 0.97  # nearest pixels at a bar's rim may differ


class RightHalf:
    """Allows what lies right of the workspace's middle, at angles below a quarter turn."""

    def allows(self, height, angles, workspace):
        allowed = np.zeros((len(angles), *workspace.shape), bool)
        allowed[np.asarray(angles) % math.pi < math.pi / 2, :, workspace.pixels // 2 :] = True
        return allowed


@settings(deadline=None, max_examples=10)
@given(SEEDS, OUTPUTS)
def test_allowed_is_what_the_constraint_allows_at_the_teachers_angle_in_the_scene(seed, outputs):
    drawn_from, still = bars(seed), AugmentationConfig()
    options = (drawn_from.scenes, (CANVAS, CANVAS), Normalisation(), still, seed, 9, 2, outputs, 3)
    batch, free = SoftTargetBatches(*options, RightHalf())[0], SoftTargetBatches(*options)[0]
    assert "allowed" not in free
    assert torch.equal(batch["pictures"], free["pictures"])  # the constraint draws nothing
    right = torch.arange(SMALL.graspable_pixels**2) % SMALL.graspable_pixels >= SMALL.graspable_pixels // 2
    shown = batch["shown"].unflatten(0, (2, 3)).numpy()
    for scene, item in enumerate(items_of_step(0, 2, len(drawn_from.labels), seed)):
        for angle in range(3):
            found, foreground = batch["allowed"][scene, angle], batch["foreground"][scene, angle]
            level = (drawn_from.labels.angle[item] - direction_across(shown[scene, angle])) % math.pi
            if abs(level % (math.pi / 2) - math.pi / 4) < math.pi / 4 - 0.1:  # not at the edge of a quarter turn
                assert torch.equal(found, foreground & right & bool(level < math.pi / 2))


def test_cells_that_are_allowed_count_as_much_as_all_the_foreground():
    foreground, allowed = torch.ones(1, 2, 50).bool(), torch.zeros(1, 2, 50).bool()
    allowed[0, 1, 7] = True
    weight = cell_weights(foreground, allowed)
    assert weight[0, 1, 7].item() == pytest.approx(1.01)
    assert weight.sum().item() == pytest.approx(2.0)
    assert cell_weights(foreground, torch.zeros_like(allowed)).sum().item() == pytest.approx(1.0)


@settings(deadline=None, max_examples=10)
@given(SEEDS)
def test_a_student_that_is_its_teacher_has_nothing_to_learn(seed):
    torch.manual_seed(seed % 1000)
    network = torch.nn.Conv2d(1, 1, 5, padding=2)
    batch = drawn(smooth_scenes(seed), seed, AngleGrid(1))[0]
    for targets in ("success", "position"):
        said = SoftTargetStep([network], targets)(network, batch)
        assert abs(said["divergence"].item()) < 1e-5
        assert said["regret"].item() == pytest.approx(0.0, abs=1e-6)


def random_case(seed):
    random = np.random.default_rng(seed)
    scores, told = random.normal(0.0, 2.0, (2, 3, 4, 50))
    return scores, told, random.random((3, 50)) < 0.6


@given(SEEDS)
def test_the_loss_of_success_is_the_mean_cross_entropy_of_the_foreground(seed):
    scores, told, foreground = random_case(seed)
    p, q = expit(told), expit(scores)
    each = -(p * np.log(q) + (1 - p) * np.log(1 - q))
    ours = torch.from_numpy(scores).requires_grad_()
    counted = np.broadcast_to(foreground[:, None], each.shape)
    weight = cell_weights(torch.from_numpy(counted.copy()), None).double()
    loss, divergence = soft_target_loss(ours, torch.from_numpy(p), weight, "success")
    assert loss.item() == pytest.approx(each[counted].mean())
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))[counted].mean()
    assert divergence.item() == pytest.approx(loss.item() - entropy)
    loss.backward()
    np.testing.assert_allclose(ours.grad.numpy(), np.where(counted, q - p, 0.0) / counted.sum(), atol=1e-9)


@given(SEEDS, st.floats(-5.0, 5.0))
def test_the_loss_of_positions_is_the_divergence_of_one_softmax_a_scene(seed, shift):
    scores, told, _ = random_case(seed)
    p, q = (softmax(each.reshape(3, -1), axis=1) for each in (told, scores + shift))
    target = torch.from_numpy(p.reshape(told.shape))
    loss, _ = soft_target_loss(torch.from_numpy(scores), target, torch.rand(scores.shape), "position")
    assert loss.item() == pytest.approx((p * np.log(p / q)).sum(axis=1).mean())


@given(SEEDS)
def test_several_teachers_are_their_mean_probability(seed):
    one, two, _ = random_case(seed)
    scores = [torch.from_numpy(each) for each in (one, two)]
    mean = mean_probability(scores, "success").numpy()
    np.testing.assert_allclose(mean, (expit(one) + expit(two)) / 2, atol=1e-6)
    shares = mean_probability(scores, "position").numpy()
    flat = [softmax(each.reshape(3, -1), axis=1).reshape(each.shape) for each in (one, two)]
    np.testing.assert_allclose(shares, sum(flat) / 2, atol=1e-6)
    assert shares.sum(axis=(1, 2)) == pytest.approx([1.0] * 3, abs=1e-5)
