"""Keys typed faster than labels are saved, in a real browser."""

import numpy as np
from tests.web import browser as real

from grasping_student.datasets.store import Dataset

SCENES = 12


def strokes(seed):
    """Keys of a person for one scene: take a suggestion or the highest point, move, turn, judge."""
    random = np.random.default_rng(seed)
    moves = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "q", "e", "Shift+Q", "1", "2", "3"]
    return ["ArrowUp", *random.choice(moves, random.integers(0, 6)).tolist(), str(random.choice(["g", "b"]))]


def labels_after(browser, path, slow, type_in):
    """What is stored after the keys of every scene were typed into a page whose store takes ``slow`` seconds."""
    with real.Server(real.SERVE_BOXES, path, 0, "--recorded", SCENES, "--slow", slow) as server:
        page = real.open_page(browser, server.address)
        page.wait_for_selector("[data-test=suggestion-3]")
        page.wait_for_timeout(500)
        type_in(page)
        real.wait_saved(page, SCENES - 1)
        assert not page.errors
    return [(a.grasp, a.success, a.extra["recorded_scene"]) for a in Dataset(path).attempts()]


def test_what_is_typed_without_a_pause_becomes_the_same_labels_as_what_is_typed_slowly(browser, tmp_path):
    def slowly(page):
        for scene in range(SCENES):
            for key in strokes(scene):
                page.keyboard.press(key)
            real.wait_saved(page, scene)
            page.wait_for_selector(".grasp-busy", state="detached")
            page.wait_for_selector("[data-test=suggestion-3]")
            page.wait_for_timeout(300)

    def without_a_pause(page):
        for scene in range(SCENES):
            for key in strokes(scene):
                page.keyboard.press(key)

    expected = labels_after(browser, tmp_path / "slowly", 0.0, slowly)
    assert len(expected) == SCENES and len({grasp for grasp, *_ in expected}) > 6
    assert labels_after(browser, tmp_path / "fast", 0.4, without_a_pause) == expected
