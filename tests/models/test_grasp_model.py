"""A grasp model: where its scores lie, what its best grasps are, what its file keeps and refuses."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, PlanarGrasp, angle_distance
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_choice import GraspQuery, NoGrasp, choose
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.inference import Scorer, fold_batch_norm, resolve_precision
from grasping_student.models.networks import build_network
from grasping_student.models.normalisation import Normalisation
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.policies.base import NothingToGrasp, Policy
from grasping_student.policies.greedy_network import GreedyNetworkPolicy

SMALL = Workspace(extent=0.16, pixels=40, margin=0.02)
CONFIG = ModelConfig(network=NetworkConfig(widths=(4, 8)), workspace=SMALL)


def heightmap(height):
    return Heightmap(np.asarray(height, np.float32), np.zeros((*height.shape, 3), np.uint8), SMALL)


def random_scene(seed=0):
    random = np.random.default_rng(seed)
    coarse = random.uniform(0.0, 0.06, (10, 10)) * (random.random((10, 10)) < 0.6)
    return heightmap(np.kron(coarse, np.ones((4, 4))))


class HeightIsScore(nn.Module):
    """Scores a pixel by its height and, a little, by the height ten pixels to its right: that gives it a direction."""

    def forward(self, x):
        right = torch.roll(x, -10, dims=3)
        return x + 0.5 * right


def direct_model(precision="fp32"):
    return GraspModel(HeightIsScore(), CONFIG, precision)


def test_a_peak_is_found_where_it_is_and_the_angle_points_to_its_neighbour():
    height = np.zeros((40, 40))
    angle = math.radians(56.25)
    # three pixels wide: turning with nearest sampling may lose a single pixel
    row, col = round(25 - 10 * math.sin(angle)), round(12 + 10 * math.cos(angle))
    height[row - 1 : row + 2, col - 1 : col + 2] = 0.04
    height[24:27, 11:14] = 0.05
    grasp, score = direct_model().best_grasp(heightmap(height), AngleGrid(16))
    assert max(abs(grasp.row - 25), abs(grasp.col - 12)) <= 1
    assert angle_distance(grasp.angle, angle) <= math.pi / 16 + 1e-6
    assert score == pytest.approx((0.05 - 0.02) / 0.03 + 0.5 * (0.04 - 0.02) / 0.03, rel=1e-5)


def test_scores_outside_the_graspable_area_are_minus_infinity_and_inside_finite():
    maps = GraspModel.new(CONFIG, 0).score_maps(random_scene(), AngleGrid(8))
    assert maps.shape == (8, 40, 40)
    assert maps.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(maps), np.broadcast_to(SMALL.graspable_mask(), maps.shape))


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_a_quarter_turn_of_the_scene_turns_the_scores_with_it(seed):
    model, scene = GraspModel.new(CONFIG, 1, "fp32"), random_scene(seed)
    maps = model.score_maps(scene, AngleGrid(8))
    turned = model.score_maps(heightmap(np.rot90(scene.height).copy()), AngleGrid(8))
    # up to pi: beyond, the network would see the scene upside down; at 45 degrees pixel centres fall between pixels
    for k in (0, 1, 3):
        ours, expected = turned[k + 4][5:35, 5:35], np.rot90(maps[k])[5:35, 5:35]
        np.testing.assert_allclose(ours, expected, atol=1e-3)


def test_holes_are_filled_and_bare_table_is_never_chosen_unless_asked():
    scene = random_scene()
    scene.height[10:12, 10:20] = np.nan
    model = GraspModel.new(CONFIG, 0)
    assert np.isfinite(model.score_maps(scene)[:, 5:35, 5:35]).all()
    allowed = model.allowed_scores(scene, AngleGrid(4))
    table = scene.height < 0.002
    assert not np.isfinite(allowed[:, table]).any()
    assert np.isfinite(model.allowed_scores(scene, AngleGrid(4), foreground_only=False)[:, 5:35, 5:35]).all()
    with pytest.raises(NoGrasp):
        model.best_grasp(heightmap(np.zeros((40, 40))))
    with pytest.raises(ValueError, match="no measured pixel"):
        model.best_grasp(heightmap(np.full((40, 40), np.nan)))


def test_a_heightmap_of_another_workspace_is_refused():
    other = replace(SMALL, margin=0.01)
    scene = replace(random_scene(), workspace=other)
    with pytest.raises(ValueError, match="the model of"):
        direct_model().score_maps(scene)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(0.004, 0.04))
def test_the_best_grasps_fall_in_score_and_keep_their_distance(seed, count, ban):
    model, scene = direct_model(), random_scene(seed)
    query = GraspQuery(count=count, nms_radius=ban, grid=AngleGrid(4))
    chosen = [(each.grasp, each.score) for each in choose(Observation.of(scene), model, query).grasps]
    scores = [score for _, score in chosen]
    assert scores == sorted(scores, reverse=True)
    assert chosen[0] == model.best_grasp(scene, AngleGrid(4))
    pixels = ban / SMALL.pixel_size
    for i, (a, _) in enumerate(chosen):
        for b, _ in chosen[:i]:
            assert max(abs(a.row - b.row), abs(a.col - b.col)) >= pixels - 1e-6


def test_batch_normalisation_folded_in_changes_nothing():
    network = build_network(CONFIG.network)
    x = torch.randn(2, 1, 48, 48)
    network.train()
    for _ in range(3):
        network(x)  # give the running statistics something to hold
    network.eval()
    expected = network(x)
    folded = fold_batch_norm(build_network(CONFIG.network).eval())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(Scorer(network, "fp32")(x[:, 0]), expected, atol=1e-4, rtol=1e-4)
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("emulated", [False, True])
def test_auto_takes_half_precision_only_where_what_is_used_has_it(monkeypatch, emulated):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)

    def supported(including_emulation=True):
        return including_emulation or not emulated

    for gpu in (supported, lambda: not emulated):  # as in new and in old versions of torch
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", gpu)
        for accelerator in ("auto", "gpu"):
            assert resolve_precision("auto", accelerator) == ("fp32" if emulated else "bf16")
        assert resolve_precision("auto", "cpu") == "fp32"
        assert resolve_precision("bf16", "cpu") == "bf16"


def test_half_precision_ranks_grasps_nearly_as_full_precision_does():
    network = build_network(CONFIG.network).train()
    network(torch.randn(8, 1, 48, 48))
    full, half = (GraspModel(network.eval(), CONFIG, precision) for precision in ("fp32", "bf16"))
    for seed in range(5):
        a, b = (model.allowed_scores(random_scene(seed), AngleGrid(4)) for model in (full, half))
        finite = np.isfinite(a)
        assert np.corrcoef(a[finite], b[finite])[0, 1] > 0.99
        assert a[finite].max() - a[np.unravel_index(b.argmax(), b.shape)] < 0.1 * a[finite].std()


@pytest.mark.parametrize(("name", "weights"), [("fpn-resnet18", "none"), ("unet-resnet18", "none")])
def test_networks_keep_the_size_of_the_picture(name, weights):
    network = build_network(NetworkConfig(name, weights)).eval()
    assert network(torch.zeros(1, 1, 64, 64)).shape == (1, 1, 64, 64)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NetworkConfig("transformer"), "unknown network"),
        (lambda: NetworkConfig("fpn-"), "no encoder"),
        (lambda: build_network(NetworkConfig("fpn-resnet19")), "unknown encoder.*resnet"),
        (lambda: NetworkConfig(widths=(6,)), "multiples of 4"),
        (lambda: Normalisation(std=0.0), "positive"),
    ],
)
def test_impossible_networks_are_refused(make, message):
    with pytest.raises((UserError, ValueError), match=message):
        make()


def test_encoder_weights_that_cannot_be_had_are_named(monkeypatch):
    import segmentation_models_pytorch as smp

    def offline(**_):
        raise OSError("no route to host")

    monkeypatch.setattr(smp, "FPN", offline)
    with pytest.raises(UserError, match=r"--network\.encoder-weights none"):
        build_network(NetworkConfig("fpn-resnet50", "imagenet"))


def test_saved_and_loaded_a_model_is_the_same(tmp_path):
    model = GraspModel.new(CONFIG, 5)
    model.save(tmp_path / "m", metrics={"learning_curve": []})
    loaded = GraspModel.load(tmp_path / "m", SMALL)
    assert loaded.version == model.version
    assert loaded.config == model.config
    np.testing.assert_array_equal(loaded.score_maps(random_scene()), model.score_maps(random_scene()))
    assert GraspModel.new(CONFIG, 6).version != model.version
    assert json.loads((tmp_path / "m" / "config.json").read_text())["angles"] == {"training": 64, "deployment": 16}


def test_a_new_model_leaves_the_random_numbers_of_torch_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    GraspModel.new(CONFIG, 5)
    assert torch.equal(torch.rand(3), expected)


@pytest.fixture
def saved(tmp_path):
    GraspModel.new(CONFIG, 5).save(tmp_path / "m")
    return tmp_path / "m"


def test_a_checkpoint_of_another_workspace_is_refused_and_both_are_named(saved):
    with pytest.raises(UserError, match=r"0\.16 m in 40 pixels.*0\.45 m in 112 pixels"):
        GraspModel.load(saved, Workspace())


def test_weights_cut_off_missing_or_of_another_network_are_refused(saved):
    weights = saved / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cut off"):
        GraspModel.load(saved)
    GraspModel.new(replace(CONFIG, network=NetworkConfig(widths=(4, 12))), 0).save(saved / "other")
    weights.write_bytes((saved / "other" / "model.safetensors").read_bytes())
    with pytest.raises(UserError, match="of another network"):
        GraspModel.load(saved)
    weights.unlink()
    with pytest.raises(UserError, match="did not finish"):
        GraspModel.load(saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(saved, value):
    model = GraspModel.load(saved)
    next(model.network.parameters()).data.ravel()[3] = value
    model.save(saved)
    with pytest.raises(UserError, match=r"no numbers \(1 tensors.*diverged"):
        GraspModel.load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(schema_version=9), "schema version 9"),
        (lambda c: c["network"].update(name="transformer"), "unknown network"),
        (lambda c: c["workspace"].update(colour="red"), "unknown option"),
        (lambda c: c["normalisation"].update(std="wide"), "expected float"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused(saved, change, message):
    config = json.loads((saved / "config.json").read_text())
    change(config)
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=message):
        GraspModel.load(saved)


def test_what_is_no_checkpoint_is_named(tmp_path):
    with pytest.raises(UserError, match="is no checkpoint"):
        GraspModel.load(tmp_path / "nothing")


def test_the_greedy_policy_takes_the_best_grasp_and_says_when_there_is_none():
    model = direct_model()
    policy = GreedyNetworkPolicy(model, "student")
    policy.begin_episode(0)
    assert isinstance(policy, Policy)
    assert policy(Observation.of(random_scene())) == model.best_grasp(random_scene())
    assert (policy.name, policy.source, policy.version) == ("student", "policy", model.version)
    assert isinstance(policy(Observation.of(random_scene()))[0], PlanarGrasp)
    with pytest.raises(NothingToGrasp):
        policy(Observation.of(heightmap(np.zeros((40, 40)))))


def test_a_model_obeys_its_own_rule_where_that_leaves_anything_and_forgets_it_on_demand():
    gripper = GripperGeometry(opening=0.03, finger_thickness=0.006, finger_width=0.012)
    ruled = GraspModel.new(replace(CONFIG, constraint=GraspConstraintConfig("antipodal", gripper=gripper)), 0)
    picture = np.zeros(SMALL.shape, np.float32)
    middle = SMALL.pixels // 2
    picture[middle - 2 : middle + 3, middle - 8 : middle + 9] = 0.03  # long along x: gripped across, along y
    scene = Heightmap(picture, np.zeros((*SMALL.shape, 3), np.uint8), SMALL)
    free, bound = ruled.unconstrained().allowed_scores(scene), ruled.allowed_scores(scene)
    passing = ruled.config.constraint.make().allows(picture, DEPLOYMENT_ANGLES.angles, SMALL) & np.isfinite(free)
    assert 0 < passing.sum() < np.isfinite(free).sum()
    np.testing.assert_array_equal(bound, np.where(passing, free, -np.inf))
    hopeless = Heightmap(np.full(SMALL.shape, 0.03, np.float32), scene.rgb, SMALL)  # no room anywhere
    np.testing.assert_array_equal(ruled.allowed_scores(hopeless), ruled.unconstrained().allowed_scores(hopeless))
    assert ruled.version != ruled.unconstrained().version
