"""A network that scores all angles at one look: its channels are the angles at which a rotating one must look."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, TRAINING_ANGLES, AngleGrid, angle_distance
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.networks import build_network
from grasping_student.models.rotation import Canvas, View, channel_and_turn, graspable_pixels_at, source_at, turns_of
from grasping_student.pipeline.errors import UserError

SMALL = Workspace(extent=0.16, pixels=40, margin=0.02)
WIDTHS = (4, 8)
ROTATING = ModelConfig(NetworkConfig(widths=WIDTHS), SMALL)
ONE_PASS = ModelConfig(NetworkConfig("one-pass", widths=WIDTHS), SMALL)
ANGLES = st.floats(0.0, math.pi, exclude_max=True)


class Sided(nn.Module):
    """A score with a direction: the height, and a part of the height ten pixels to the right."""

    def forward(self, x):
        return x + 0.5 * torch.roll(x, -10, dims=3)


class TwoSided(nn.Module):
    """A score that a mirror leaves as it is, with a direction along the grasp."""

    def forward(self, x):
        return x + 0.5 * (torch.roll(x, -10, dims=3) + torch.roll(x, 10, dims=3))


class AllAngles(nn.Module):
    """A rotating network as one of one pass: it turns the unturned scene for each channel itself."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.canvas = Canvas(SMALL, ONE_PASS.network.stride)

    def forward(self, x):
        side, count = self.canvas.side, DEPLOYMENT_ANGLES.count
        rim = (side - SMALL.pixels) // 2 - 1
        scene = x[:, 0, rim:-rim, rim:-rim].flatten(1)
        answer = torch.zeros(len(x), count, side * side)
        to = torch.from_numpy(graspable_pixels_at(self.canvas, 0.0).astype(np.int64))
        for channel, angle in enumerate(map(float, DEPLOYMENT_ANGLES.angles)):
            turned = scene[:, torch.from_numpy(source_at(self.canvas, angle).astype(np.int64))]
            scores = self.network(turned[:, None]).flatten(1)
            answer[:, channel, to] = scores[:, torch.from_numpy(graspable_pixels_at(self.canvas, angle).astype(int))]
        return answer.unflatten(2, (side, side))


def scene(seed, height=None):
    random = np.random.default_rng(seed)
    coarse = random.uniform(0.0, 0.06, (10, 10)) * (random.random((10, 10)) < 0.6)
    height = np.kron(coarse, np.ones((4, 4))).astype(np.float32) if height is None else height
    return Heightmap(np.ascontiguousarray(height), np.zeros((*SMALL.shape, 3), np.uint8), SMALL)


@given(ANGLES, st.integers(1, 20))
def test_channel_and_turn_make_the_angle(angle, count):
    channel, turn = channel_and_turn(angle, AngleGrid(count))
    assert 0 <= channel < count
    assert -1e-9 <= turn < math.pi / count + 1e-9
    assert turn + channel * math.pi / count == pytest.approx(angle, abs=1e-8)


def test_one_look_for_all_angles_of_deployment_and_four_for_those_of_training():
    deployed, finer = (list(map(float, grid.angles)) for grid in (DEPLOYMENT_ANGLES, TRAINING_ANGLES))
    assert turns_of(deployed, DEPLOYMENT_ANGLES) == {0.0: [(index, index) for index in range(16)]}
    assert len(turns_of(finer, DEPLOYMENT_ANGLES)) == 4
    assert turns_of(deployed, AngleGrid(1)) == {angle: [(index, 0)] for index, angle in enumerate(deployed)}


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_a_rotating_network_inside_one_of_one_pass_scores_exactly_as_by_itself(seed):
    rotating, wrapped = GraspModel(Sided(), ROTATING, "fp32"), GraspModel(AllAngles(Sided()), ONE_PASS, "fp32")
    np.testing.assert_array_equal(wrapped.score_maps(scene(seed)), rotating.score_maps(scene(seed)))
    some = [float(angle) for angle in DEPLOYMENT_ANGLES.angles[[11, 0, 5]]]
    np.testing.assert_array_equal(wrapped.scores_at(scene(seed), some), rotating.scores_at(scene(seed), some))


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_a_quarter_turn_of_the_scene_turns_pixels_and_moves_the_channels_on_by_eight(seed):
    model = GraspModel(AllAngles(Sided()), ONE_PASS, "fp32")
    before = scene(seed)
    maps, turned = model.score_maps(before), model.score_maps(scene(seed, np.rot90(before.height)))
    for k in (0, 1, 2, 3, 5, 6, 7):  # at 45 degrees pixel centres fall between pixels
        np.testing.assert_allclose(turned[k + 8], np.rot90(maps[k]), atol=1e-5)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_mirrored_scene_mirrors_pixels_and_counts_the_channels_backwards(seed, upside_down):
    model, flip = GraspModel(AllAngles(TwoSided()), ONE_PASS, "fp32"), np.flipud if upside_down else np.fliplr
    before = scene(seed)
    maps, mirrored = model.score_maps(before), model.score_maps(scene(seed, flip(before.height)))
    for k in (0, 1, 2, 3, 5, 6, 7, 9, 14):
        np.testing.assert_allclose(mirrored[-k % 16], flip(maps[k]), atol=1e-5)


@given(ANGLES, ANGLES, st.booleans(), st.booleans(), st.integers(-3, 3))
def test_in_a_tilted_view_a_grasp_lies_at_the_tilt_whatever_is_mirrored(angle, tilt, rows, cols, shift):
    view = View(angle, shift, -shift, rows, cols).tilted(tilt)
    canvas = Canvas(Workspace(extent=4.0, pixels=1000, margin=0.1), 4)
    ends = np.array([-300.0, 300.0])
    row, col = 499.5 - ends * math.sin(angle), 499.5 + ends * math.cos(angle)
    at_row, at_col = canvas.pixel(np.rint(row).astype(int), np.rint(col).astype(int), view)
    seen = math.atan2(float(at_row[0] - at_row[1]), float(at_col[1] - at_col[0]))
    assert angle_distance(seen, tilt) < 0.006  # two ends, each rounded to a pixel


@pytest.mark.parametrize("name", ["one-pass", "one-pass-fpn-resnet18"])
def test_a_network_of_one_pass_has_an_output_of_the_pictures_size_for_each_angle(name):
    config = NetworkConfig(name, widths=(4, 4, 4, 4, 4))
    network = build_network(config).eval()
    assert config.angles == DEPLOYMENT_ANGLES
    assert network(torch.zeros(2, 1, 64, 32)).shape == (2, 16, 64, 32)


@pytest.mark.parametrize(
    ("name", "said"), [("one-pass-", "unknown"), ("one-pass-fpn", "no encoder"), ("one-passe", "unknown network")]
)
def test_a_network_of_one_pass_that_is_none_is_refused(name, said):
    with pytest.raises((UserError, ValueError), match=said):
        NetworkConfig(name)


def test_its_scores_choose_a_grasp_and_outlive_a_checkpoint(tmp_path):
    model = GraspModel.new(ONE_PASS, 3, "fp32")
    model.save(tmp_path / "model")
    loaded = GraspModel.load(tmp_path / "model", precision="fp32")
    np.testing.assert_array_equal(loaded.score_maps(scene(1)), model.score_maps(scene(1)))
    maps = loaded.score_maps(scene(1))
    grasp, score = loaded.best_grasp(scene(1), foreground_only=False)
    index = DEPLOYMENT_ANGLES.index(grasp.angle)
    assert maps[index, grasp.row, grasp.col] == score == maps[np.isfinite(maps)].max()
