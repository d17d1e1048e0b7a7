"""From files to grasp.json and grasp.png, and one clear message with exit code 2 for each thing that can be wrong."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from geometric_model import GeometricModel
from tests.serving.tabletop import BOXES, LIGHT, arguments, box_under, frame_of, tabletop

from grasping_student.cameras.simulated import looking_down
from grasping_student.cli.main import main
from grasping_student.geometry.grasp import angle_distance
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.models.confidence import Confidence
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_choice import GraspQuery
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.frame import world_points
from grasping_student.perception.frame_files import save_frame
from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.loading import OneExtent, load_model
from grasping_student.serving.predict import NothingStanding, predict, predict_files

"""Centre x, centre y, size in x, size in y, height, metres: one to be gripped along x, one along y."""


def test_predict_writes_a_grasp_on_an_item_across_its_short_side(scene_files, tmp_path, geometric, capsys):
    out = tmp_path / "out"
    color = scene_files / "color.png"
    assert main(arguments(scene_files, out, "--color", color, "--top", 4)) == 0
    written = json.loads((out / "grasp.json").read_text())
    assert len(written["runners_up"]) == 3
    for each in [written["grasp"], *written["runners_up"]]:
        assert set(each) == {"x", "y", "z", "angle", "row", "col", "score", "width"}
        (box,) = box_under(each["x"], each["y"])
        short_side = 0.0 if box[2] < box[3] else math.pi / 2
        assert angle_distance(each["angle"], short_side) <= math.pi / 16 + 1e-9 or each is not written["grasp"]
        assert LIGHT.pixel_from_xy(each["x"], each["y"]) == (each["row"], each["col"])
        assert each["z"] == pytest.approx(box[4] - 0.015, abs=0.002)
        assert min(box[2], box[3]) < each["width"] <= 0.085
    scores = [written["grasp"]["score"], *(each["score"] for each in written["runners_up"])]
    assert scores == sorted(scores, reverse=True)
    picture = cv2.imread(str(out / "grasp.png"))
    assert picture.shape[0] > 400 and len(np.unique(picture)) > 50
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["stage"] == "predict"
    assert manifest["inputs"]["model"] == "geometric"
    assert "best grasp: x" in capsys.readouterr().out


def test_16_bit_millimetres_and_no_colour_give_the_same_grasp(scene_files, tmp_path, geometric):
    assert main(arguments(scene_files, tmp_path / "metres")) == 0
    depth = np.load(scene_files / "depth.npy")
    cv2.imwrite(str(scene_files / "depth.png"), np.nan_to_num(depth * 1000.0).round().astype(np.uint16))
    given = arguments(scene_files, tmp_path / "millimetres", "--depth-unit", "mm")
    given[given.index("--depth") + 1] = str(scene_files / "depth.png")
    assert main(given) == 0
    first, second = (
        json.loads((tmp_path / name / "grasp.json").read_text())["grasp"] for name in ("metres", "millimetres")
    )
    assert math.hypot(first["x"] - second["x"], first["y"] - second["y"]) < 0.03
    assert first["z"] == pytest.approx(second["z"], abs=0.012)


def test_another_extent_keeps_the_models_pixel_size(scene_files, tmp_path, geometric):
    assert main(arguments(scene_files, tmp_path / "out", "--extent", 0.55)) == 0
    written = json.loads((tmp_path / "out" / "grasp.json").read_text())
    assert written["workspace"]["pixels"] == round(0.55 / LIGHT.pixel_size)
    assert written["workspace"]["extent"] / written["workspace"]["pixels"] == pytest.approx(LIGHT.pixel_size)
    assert box_under(written["grasp"]["x"], written["grasp"]["y"])


def test_items_outside_the_models_own_workspace_are_found_by_looking_further(tmp_path, geometric, capsys):
    save_frame(frame_of(tabletop(boxes=((0.2, 0.0, 0.03, 0.06, 0.04),))), tmp_path / "scene")
    assert main(arguments(tmp_path / "scene", tmp_path / "out")) == 0
    written = json.loads((tmp_path / "out" / "grasp.json").read_text())
    assert written["grasp"]["x"] == pytest.approx(0.2, abs=0.02)
    assert written["workspace"]["extent"] == pytest.approx(0.6, abs=LIGHT.pixel_size)
    assert any("looked further" in note for note in written["notes"])
    assert main(arguments(tmp_path / "scene", tmp_path / "other", "--extent", 0.45)) == 2
    assert "A wider --extent looks further" in capsys.readouterr().err


def test_a_model_of_one_extent_looks_no_further_where_nothing_stands(tmp_path):
    save_frame(frame_of(tabletop(())), tmp_path)
    files = {"depth": tmp_path / "depth.npy", "intrinsics": tmp_path / "camera.json"}

    def load(extent):
        if extent is not None:
            raise OneExtent("an export")
        return GeometricModel()

    with pytest.raises(NothingStanding, match="nothing stands") as found:
        predict_files(PredictConfig(**files, camera_to_world=tmp_path / "pose.txt"), load)
    assert found.value.code == "nothing-stands" and not found.value.bounded


def test_in_a_bin_seen_from_a_wrong_pose_the_grasp_is_still_on_an_item_and_the_mending_is_said():
    frame = frame_of(tabletop(walls=0.09))
    tilted = looking_down(0.75, 0.15 + 0.02)
    tilted[2, 3] += 0.006
    prediction = predict(replace(frame, camera_to_world=tilted), GeometricModel())
    text = " ".join(map(str, prediction.notes))
    assert "floor lay off" in text and "tilt 1.1" in text
    assert "bin with walls" in text
    for each in prediction.grasps:
        assert box_under(each.place.x, each.place.y, slack=0.012)
        # z is in the world of the given pose, whose table lies elsewhere than the floor in the picture
        assert abs(each.place.floor) > 0.003
        assert each.place.z - each.place.floor in (pytest.approx(0.025, abs=0.003), pytest.approx(0.015, abs=0.003))


def small_checkpoint(folder, workspace=LIGHT, rule=None):
    network = NetworkConfig(widths=(4, 4))
    GraspModel.new(
        ModelConfig(network=network, workspace=workspace, constraint=rule or GraspConstraintConfig()), seed=0
    ).save(folder)
    return folder


def test_height_and_opening_are_those_of_the_gripper_that_the_student_was_taught_with(scene_files, tmp_path):
    """The tips of a gripper that reaches 5 mm less deep stay 5 mm higher; none opens wider than it can."""
    found = []
    for depth, opening in ((0.015, 0.085), (0.010, 0.02)):
        rule = GraspConstraintConfig(gripper=GripperGeometry(opening=opening, finger_depth=depth, clearance=0.0))
        out = tmp_path / f"{depth}"
        checkpoint = small_checkpoint(out / "checkpoint", rule=rule)
        assert main(arguments(scene_files, out / "out", "--model", checkpoint)) == 0
        found.append(json.loads((out / "out" / "grasp.json").read_text())["grasp"])
        assert 0.0 < found[-1]["width"] <= opening
    deep, shallow = found
    assert (deep["row"], deep["col"]) == (shallow["row"], shallow["col"])
    assert shallow["z"] - deep["z"] == pytest.approx(0.005, abs=1e-6)


def test_a_real_checkpoint_predicts_on_its_own_and_on_a_wider_workspace(scene_files, tmp_path):
    checkpoint = small_checkpoint(tmp_path / "checkpoint")
    for number, extent in enumerate([None, 0.5]):
        options = [] if extent is None else ["--extent", extent]
        out = tmp_path / f"out{number}"
        assert main(arguments(scene_files, out, "--model", checkpoint, *options)) == 0
        best = json.loads((out / "grasp.json").read_text())["grasp"]
        assert box_under(best["x"], best["y"])
    own, wider = load_model(checkpoint, None), load_model(checkpoint, 0.5)
    assert own.workspace == LIGHT
    assert wider.workspace.pixel_size == LIGHT.pixel_size
    assert wider.workspace.margin == LIGHT.margin


def test_a_checkpoint_with_confidence_tells_chances_and_leaves_the_unlikely_out(scene_files, tmp_path, capsys):
    checkpoint = small_checkpoint(tmp_path / "checkpoint")
    out = tmp_path / "first"
    assert main(arguments(scene_files, out, "--model", checkpoint, "--top", 5)) == 0
    plain = json.loads((out / "grasp.json").read_text())
    assert plain["calibrated_success"] is None
    assert main(arguments(scene_files, tmp_path / "no", "--model", checkpoint, "--min-success", 0.5)) == 2
    assert "train confidence" in capsys.readouterr().err
    scores = [plain["grasp"]["score"], *(each["score"] for each in plain["runners_up"])]
    Confidence(1.0, 0.0, scores[1], GraspModel.load(checkpoint).version, 100, 50).save(checkpoint)
    out = tmp_path / "second"
    assert main(arguments(scene_files, out, "--model", checkpoint, "--top", 5, "--min-success", 0.5)) == 0
    likely = json.loads((out / "grasp.json").read_text())
    assert likely["grasp"] == plain["grasp"] and likely["runners_up"] == plain["runners_up"][:1]
    assert likely["calibrated_success"] == pytest.approx(1.0 / (1.0 + math.exp(scores[1] - scores[0])))
    assert main(arguments(scene_files, tmp_path / "third", "--model", checkpoint, "--min-success", 1.0)) == 2
    assert "no grasp here has a chance" in capsys.readouterr().err


@pytest.mark.parametrize("extent", [0.1, 0.13, 2.0])
def test_a_checkpoint_of_an_unfit_workspace_is_refused(tmp_path, scene_files, capsys, extent):
    checkpoint = small_checkpoint(tmp_path / "checkpoint")
    assert main(arguments(scene_files, tmp_path / "out", "--model", checkpoint, "--extent", extent)) == 2
    assert "does not fit this model, trained for 0.45 m" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("index", "region"), [(0, (0.03, 0.0, 0.09, 0.1)), (1, (-0.15, -0.1, -0.03, -0.02))])
def test_a_region_and_a_mask_choose_the_object_and_angles_the_side(scene_files, tmp_path, geometric, index, region):
    frame = frame_of(tabletop())
    x, y, _ = world_points(frame)
    x0, y0, x1, y1 = region
    mask = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    cv2.imwrite(str(tmp_path / "mask.png"), mask.astype(np.uint8) * 255)
    for number, options in enumerate([("--region", *region), ("--mask", tmp_path / "mask.png")]):
        out = tmp_path / f"out{number}"
        assert main(arguments(scene_files, out, "--top", 8, *options, "--closing-angle-degrees", 170, 10)) == 0
        written = json.loads((out / "grasp.json").read_text())
        for each in [written["grasp"], *written["runners_up"]]:
            assert box_under(each["x"], each["y"], 0.008) == [BOXES[index]]
            assert angle_distance(each["angle"], 0.0) <= math.radians(10.0)
        away = [written["grasp"]["x"], written["grasp"]["y"], 0.02]
        assert main(arguments(scene_files, tmp_path / f"away{number}", *options, "--keep-away", *away)) == 0
        other = json.loads((tmp_path / f"away{number}" / "grasp.json").read_text())["grasp"]
        assert math.hypot(other["x"] - away[0], other["y"] - away[1]) > 0.02


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--region", 0.0, 0.0, 0.0, 0.1), "holds no cell"),
        (("--region", 1.0, 1.0, 1.2, 1.2), "holds no cell"),
        (("--region", 0, 0, 100, 100), "were these millimetres"),
        (("--region", -0.02, -0.02, 0.0, 0.0), "no grasp on it lies within the region"),
        (("--keep-away", 0.0, 0.0, 0.4), "no grasp on it lies within the region"),
        (("--mask", "small"), "the mask is 64 x 48 pixels, the depth picture 640 x 480"),
        (("--mask", "empty"), "every pixel is zero"),
        (("--mask", "missing"), "does not exist"),
    ],
)
def test_limits_that_make_no_sense_or_leave_nothing_end_with_one_sentence(
    scene_files, tmp_path, geometric, capsys, options, words
):
    cv2.imwrite(str(tmp_path / "small.png"), np.ones((48, 64), np.uint8))
    cv2.imwrite(str(tmp_path / "empty.png"), np.zeros((480, 640), np.uint8))
    if options[0] == "--mask":
        options = (options[0], tmp_path / f"{options[1]}.png")
    assert main(arguments(scene_files, tmp_path / "out", *options)) == 2
    said = capsys.readouterr().err
    assert words in said and len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_rule_is_obeyed_where_it_leaves_anything_and_otherwise_said_to_leave_nothing():
    rule = GraspConstraintConfig("antipodal").make()
    frame = frame_of(tabletop(boxes=((0.02, 0.01, 0.03, 0.06, 0.04),)))
    prediction = predict(frame, GeometricModel(), GraspQuery(preferred=rule, count=5))
    height = prediction.observation.filled_height
    assert prediction.constrained and prediction.on_seen_material
    for each in prediction.grasps:
        grasp = each.grasp
        assert rule.allows(height, np.array([grasp.angle]), LIGHT)[0, grasp.row, grasp.col]
    assert not any("poor lot" in note.text for note in prediction.notes)
    wide = frame_of(tabletop(boxes=((0.0, 0.0, 0.12, 0.12, 0.04),)))  # wider than the fingers open
    assert any("poor lot" in note.text for note in predict(wide, GeometricModel(), GraspQuery(preferred=rule)).notes)
