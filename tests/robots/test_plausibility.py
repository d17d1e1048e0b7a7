"""Numbers of a cell's file in a wrong unit are refused in one sentence before anything moves."""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.cell_file import load_cell
from grasping_student.robots.cell.devices import make_view, view_config
from grasping_student.robots.cell.plausibility import read_angles

DOCUMENTED = yaml.safe_load((Path(__file__).parents[2] / "docs" / "cell.yaml").read_text())
NOT_LENGTHS = ("pixels", "yaw", "fastest", "acceleration", "contact", "tilt", "force", "speed")
WAYPOINT = {"name": "lift", "pose": [0.1, -0.4, 0.3, math.pi, 0.0, 0.0], "speed": 0.2}


def lengths(values, path=()):
    """Path of every length in the parts of a cell's file that hold numbers in metres."""
    if isinstance(values, dict):
        return [each for key, value in values.items() for each in lengths(value, (*path, key))]
    if isinstance(values, list):
        return [each for key, value in enumerate(values) for each in lengths(value, (*path, key))]
    is_length = isinstance(values, float) and not any(word in str(name) for name in path for word in NOT_LENGTHS)
    return [path] if is_length else []


PARTS = {key: value for key, value in DOCUMENTED.items() if key not in ("arm", "gripper", "view")}


def changed(path, change):
    values = copy.deepcopy(DOCUMENTED)
    *parents, last = path
    part = values
    for parent in parents:
        part = part[parent]
    part[last] = change(part[last] if isinstance(part, list) else part.get(last))
    return values


def load(tmp_path, values):
    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(values))
    return load_cell(path, to_move=True)


def refusal(tmp_path, values):
    with pytest.raises(UserError) as caught:
        load(tmp_path, values)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("path", lengths(PARTS), ids=lambda path: ".".join(map(str, path)))
def test_any_length_in_millimetres_is_refused(tmp_path, path):
    millimetres = changed(path, lambda value: 1000.0 * value or 20.0)
    assert "millimetres" in refusal(tmp_path, millimetres) or "outside safe_box" in refusal(tmp_path, millimetres)


@given(st.integers(10, 3600), st.sampled_from([-1, 1]))
def test_an_angle_that_may_be_degrees_is_refused(tenths, sign):
    with pytest.raises(UserError, match="may be meant in degrees; write"):
        read_angles({"workspace_in_base": {"yaw": sign * tenths / 10}})


@pytest.mark.parametrize("tilt", [1, 5, 30, 2.5])
def test_a_tilt_that_may_be_degrees_is_refused(tmp_path, tilt):
    assert "degrees" in refusal(tmp_path, changed(("safe_box", "steepest_tilt"), lambda _: tilt))


@given(st.floats(-180.0, 180.0))
def test_an_angle_with_its_unit_is_read(degrees):
    read = read_angles({"workspace_in_base": {"yaw": f"{degrees:.4f} deg"}})
    assert read["workspace_in_base"]["yaw"] == pytest.approx(math.radians(degrees), abs=1e-5)


@pytest.mark.parametrize(
    ("given_yaw", "radians"), [("0.5 rad", 0.5), ("-90 degrees", -math.pi / 2), (0.349, 0.349), (0, 0)]
)
def test_a_yaw_that_can_mean_one_thing_turns_the_workspace(tmp_path, given_yaw, radians):
    assert load(tmp_path, changed(("workspace_in_base", "yaw"), lambda _: given_yaw)).workspace_in_base.yaw == radians


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("workspace_in_base", "yaw"), "ninety", "'ninety'; give radians"),
        (("safe_box", "low"), [-0.40, -0.75, 0.65], "low z is 0.65 m and must be smaller than high z, 0.6 m"),
        (("safe_box", "high"), [-0.50, -0.20, 0.60], "are the two exchanged"),
        (("safe_box", "high"), [0.80, -0.74, 0.60], "each side must be at least 0.05 m"),
        (("safe_box", "low"), [-0.10, -0.75, 0.005], "a corner of the workspace .* outside safe_box"),
        (("safe_box", "low"), [-0.40, -0.75, 0.05], "below the floor of the safe box"),
        (("workspace_in_base", "z"), -0.02, "below the floor of the safe box"),
        (("workspace_in_base", "x"), 0.75, "a corner of the workspace .* outside safe_box"),
        (("pick", "travel_speed"), 300, "travel_speed is 300.*millimetres"),
        (("reset",), [{**WAYPOINT, "pose": [100, -400, 300, math.pi, 0, 0]}], "waypoint 'lift': pose .*millimetres"),
        (
            ("reset",),
            [{**WAYPOINT, "pose": [0.1, -0.4, 0.3, 180.0, 0.0, 0.0]}],
            "rotation vector in radians; .*degrees",
        ),
        (("reset",), [{**WAYPOINT, "speed": 200.0}], "speed is 200 m/s.*millimetres a second"),
        (("reset",), [{**WAYPOINT, "stroke_mm": 0.085}], "stroke_mm is 0.085 mm.*metres"),
    ],
)
def test_an_implausible_number_is_refused_by_name(tmp_path, path, value, words):
    with pytest.raises(UserError, match=words):
        load(tmp_path, changed(path, lambda _: value))


def test_a_turned_workspace_away_from_the_middle_is_plausible(tmp_path):
    values = {**copy.deepcopy(DOCUMENTED), "workspace_in_base": {"x": 0.2, "y": -0.5, "z": 0.01, "yaw": 0.7854}}
    values["reset"] = [WAYPOINT]
    assert load(tmp_path, values).workspace_in_base.x == 0.2


def test_a_camera_pose_in_millimetres_is_refused(tmp_path):
    pose = np.eye(4)
    pose[:3, 3] = (0.0, -450.0, 700.0)
    np.savetxt(tmp_path / "camera_to_base.txt", pose)
    values = changed(("view", "options", "camera_to_base"), lambda _: "camera_to_base.txt")
    with pytest.raises(UserError, match="700 m from the origin: were these millimetres"):
        make_view(load(tmp_path, values))


@pytest.mark.parametrize(
    ("options", "words"), [({"distance": 700}, "distance is 700.*millimetres"), ({"tilt": 10}, "tilt is 10.*degrees")]
)
def test_a_simulated_camera_in_wrong_units_is_refused(tmp_path, options, words):
    values = {**DOCUMENTED, "view": {"kind": "simulated", "options": {"camera": options}}}
    with pytest.raises(UserError, match=words):
        view_config(load(tmp_path, values))
