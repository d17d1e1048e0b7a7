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


def test_the_end_of_recorded_scenes_is_said_and_a_scene_can_be_chosen_again(browser, tmp_path):
    with real.Server(real.SERVE_BOXES, tmp_path / "d", 0, "--recorded", 3) as server:
        page = real.open_page(browser, server.address)
        page.keyboard.press("Enter")
        page.wait_for_selector("text=press G for good or B for bad")
        for key in ["ArrowUp", "g", "p", "ArrowUp", "f", "f", "ArrowUp", "b", "ArrowUp", "g", "ArrowUp", "g"]:
            page.keyboard.press(key)
        page.wait_for_selector("[data-test=done]:visible")
        assert "3 of 3 judged" in page.inner_text("[data-test=scenes-judged]")
        assert "2 good, 1 bad" in page.inner_text("[data-test=done]")
        page.wait_for_selector("text=Every scene is judged", state="attached")  # behind the panel of what is done
        assert len(Dataset(tmp_path / "d")) == 3, "the keys behind the end label nothing"
        page.click("[data-position='1']")
        page.wait_for_selector("[data-test=done]", state="hidden")
        page.wait_for_selector("text=Scene 2 of 3 was judged")
        assert real.state(page)["row"] is not None, "with the grasp that was judged"
        page.click("[data-test=thumbnail-0]")
        page.click("[data-test=delete]")
        page.wait_for_selector("text=Deleted attempt 0")
        assert "2 of 3 judged" in page.inner_text("[data-test=scenes-judged]")
        assert not page.errors
