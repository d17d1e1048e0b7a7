"""Scenes as the browser gets them, and pictures of attempts."""

import base64
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.web.labelling_worlds import WORKSPACE, BoxWorld, box_grasp

from grasping_student.datasets.schema import Attempt
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.plotting.png import png_address
from grasping_student.web.attempt_pictures import attempt_picture, picture_address
from grasping_student.web.pictures import UNMEASURED_COLOUR, around, draw_gripper, enlarge, height_colours, palette
from grasping_student.web.scene_payload import HEIGHT_OFFSET, HEIGHT_UNIT, encode_height, scene_payload


def world(seed=0):
    boxes = BoxWorld()
    boxes.reset(seed)
    return boxes.observe().heightmap


def decode(address):
    return np.array(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_heights_travel_to_a_tenth_of_a_millimetre_and_holes_stay_holes(seed):
    random = np.random.default_rng(seed)
    height = random.uniform(-0.05, 0.4, WORKSPACE.shape).astype(np.float32)
    height[random.random(WORKSPACE.shape) < 0.2] = np.nan
    scene = Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)
    steps = np.frombuffer(base64.b64decode(encode_height(scene)), "<u2").reshape(WORKSPACE.shape)
    back = np.where(steps == 65535, np.nan, steps * HEIGHT_UNIT + HEIGHT_OFFSET)
    np.testing.assert_allclose(back, height, atol=HEIGHT_UNIT * 0.51)
    np.testing.assert_array_equal(np.isnan(back), np.isnan(height))


def test_a_payload_is_plain_json_with_the_scene_in_it():
    import json

    scene = world()
    payload = json.loads(json.dumps(scene_payload(7, scene, GripperGeometry(), PlanarGrasp(3, 4, 0.5))))
    assert (payload["number"], payload["pixels"], payload["margin"]) == (7, 40, WORKSPACE.margin_pixels)
    assert payload["draft"] == {"row": 3, "col": 4, "angle": 0.5}
    np.testing.assert_array_equal(decode(payload["rgb"]), scene.rgb)
    assert len(base64.b64decode(payload["palette"])) == 768 and payload["gripper"]["opening"] == 0.085


def test_the_colour_scale_only_gets_lighter_so_that_any_colour_vision_reads_it():
    luminance = palette() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > -0.6).all() and luminance[-1] - luminance[0] > 150


def test_unmeasured_pixels_are_grey_and_the_highest_brightest():
    scene = world()
    height = scene.height.copy()
    height[0, 0] = np.nan
    colours = height_colours(Heightmap(height, scene.rgb, WORKSPACE), top=0.03)
    assert tuple(colours[0, 0]) == UNMEASURED_COLOUR
    np.testing.assert_array_equal(colours[scene.height > 0], np.broadcast_to(palette()[255], (126, 3)))


def test_the_gripper_is_drawn_where_the_fingers_are_and_the_picture_given_stays_as_it_was():
    blank = np.full((400, 400, 3), 90, np.uint8)
    drawn = draw_gripper(blank, PlanarGrasp(20, 20, 0.0), GripperGeometry(), WORKSPACE)
    assert (blank == 90).all()
    rows, cols = np.nonzero((drawn != 90).any(axis=2))
    centre, reach = 205, (0.085 / 2 + 0.012) * 1000  # 1 mm a pixel
    assert abs(cols.max() - (centre + reach)) <= 3 and abs(cols.min() - (centre - reach)) <= 3
    assert abs((rows.max() - rows.min()) - 22) <= 5


def test_a_crop_shows_the_grasp_in_its_middle_even_at_the_border():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[1, 38] = 255
    crop = around(picture, PlanarGrasp(1, 38, 0.0), 0.1, WORKSPACE)
    assert crop.shape == (10, 10, 3)
    assert np.argwhere(crop.any(axis=2)).tolist() == [[5, 5]]


def test_enlarging_is_smooth_and_invents_no_value():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[1, 2] = 200
    large = enlarge(picture, 64).astype(int)
    assert large.max() <= 200 and large.min() == 0 and len(np.unique(large)) > 20
    assert max(abs(np.diff(large, axis=axis)).max() for axis in (0, 1)) < 30, "no edge of a block"
    assert decode(png_address(enlarge(picture, 64))).shape == (64, 64, 3)


def test_attempts_have_pictures_of_every_kind_with_and_without_a_grasp():
    scene = world()
    for grasp in (box_grasp(scene), None):
        attempt = Attempt(
            id=3,
            episode=0,
            index=0,
            created_at="2026-01-02T03:04:05.678901+00:00",
            environment="boxes",
            source="human",
            grasp=grasp,
        )
        for kind in ("crop", "height", "colour"):
            picture = Image.open(io.BytesIO(attempt_picture(scene, attempt, kind, 80, GripperGeometry())))
            assert picture.size == (80, 80)
            assert picture_address(attempt, kind, 80).startswith(f"/attempts/3/{kind}.png?side=80")
