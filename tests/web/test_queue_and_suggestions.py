"""Order of scenes, and what a model says about them."""

from itertools import count

import numpy as np
import pytest
from tests.web.labelling_worlds import WORKSPACE, BoxWorld, ConstantModel

from grasping_student.geometry.grasp import AngleGrid, PlanarGrasp
from grasping_student.web.scene_queue import InOrder, MostUncertainFirst, in_order, recorded_rounds
from grasping_student.web.suggestions import Suggester, score_uncertainty, shown_with_attempt


def take(queue, n):
    return [queue.next_seed() for _ in range(n)]


def test_in_order():
    queue = InOrder(count(4))
    assert take(queue, 3) == [4, 5, 6]
    queue.give_back(6)
    queue.give_back(5)
    assert take(queue, 3) == [5, 6, 7], "what was taken back comes next, in its old order"


def test_scenes_that_nobody_has_judged_come_first_then_all_of_them():
    judged = {0, 2}
    queue = in_order(recorded_rounds(4, lambda: judged))
    assert take(queue, 2) == [1, 3]
    judged.add(1)  # 3 was skipped: it alone is left
    assert take(queue, 1) == [3]
    judged.add(3)
    assert take(queue, 8) == [0, 1, 2, 3, 0, 1, 2, 3]
    assert take(in_order(recorded_rounds(4, set, first=2)), 4) == [2, 3, 0, 1]


def test_the_most_uncertain_of_the_pool_comes_first_and_none_is_lost():
    uncertainty = {seed: (7 * seed) % 10 / 10 for seed in range(10)}
    asked = []

    def look(seed):
        asked.append(seed)
        return uncertainty[seed % 10]

    queue = MostUncertainFirst(iter([count()]), look, pool=4)
    first = take(queue, 3)
    assert first[0] == 1 and first[1] == 4 and asked == [0, 1, 2, 3, 4, 5]
    queue.give_back(4)
    assert take(queue, 1) == [4] and asked == [0, 1, 2, 3, 4, 5]
    all_at_once = MostUncertainFirst(iter([range(10)]), lambda seed: uncertainty[seed], pool=10)
    ordered = take(all_at_once, 10)
    assert [uncertainty[seed] for seed in ordered] == sorted(uncertainty.values(), reverse=True)


def test_a_pool_of_one_keeps_the_order():
    assert take(MostUncertainFirst(iter([count()]), lambda seed: 0.5, pool=1), 4) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="at least 1"):
        MostUncertainFirst(iter([count()]), lambda seed: 0.5, pool=0)


@pytest.mark.parametrize("pool", [1, 2, 5, 20])
def test_every_recorded_scene_is_judged_before_one_comes_again(pool):
    judged, asked = {3}, []

    def look(seed):
        asked.append(seed)
        return seed / 10

    queue = MostUncertainFirst(recorded_rounds(7, lambda: judged), look, pool)
    shown = []
    for _ in range(6):
        shown += take(queue, 1)
        judged.add(shown[-1])
    assert sorted(shown) == [0, 1, 2, 4, 5, 6] and sorted(asked) == sorted(shown)
    assert sorted(take(queue, 7)) == list(range(7)), "then all of them, once each"


def test_uncertainty_is_one_for_equal_scores_and_falls_with_a_peak():
    flat = np.zeros((4, 8, 8))
    assert score_uncertainty(flat) == pytest.approx(1.0)
    values = []
    for peak in (1.0, 5.0, 20.0):
        scores = flat.copy()
        scores[1, 2, 3] = peak
        values.append(score_uncertainty(scores))
    assert values == sorted(values, reverse=True) and values[-1] < 0.01
    assert score_uncertainty(scores + 100.0) == pytest.approx(values[-1]), "a softmax does not see a constant"


def test_forbidden_pixels_do_not_count():
    scores = np.full((4, 8, 8), -np.inf)
    scores[0, :4] = 0.0
    assert score_uncertainty(scores) == pytest.approx(1.0)
    assert score_uncertainty(np.full((2, 2, 2), -np.inf)) == 1.0


def test_suggestions_are_best_first_and_apart():
    world = BoxWorld()
    world.reset(3)
    found = Suggester(ConstantModel(), count=4, nms_radius=0.03, grid=AngleGrid(4))(world.observe())
    scores = [s.score for s in found.suggestions]
    assert len(scores) == 4 and scores == sorted(scores, reverse=True)
    pixels = 0.03 / WORKSPACE.pixel_size
    for i, a in enumerate(found.suggestions):
        for b in found.suggestions[:i]:
            assert max(abs(a.grasp.row - b.grasp.row), abs(a.grasp.col - b.grasp.col)) >= pixels - 1e-9
    assert found.model_version == "constant-1" and 0 < found.uncertainty <= 1


def test_nothing_shown_leaves_nothing_and_a_false_position_is_none():
    assert shown_with_attempt(None, None, None) == {}
    world = BoxWorld()
    world.reset(3)
    shown = Suggester(ConstantModel(), count=2, grid=AngleGrid(4))(world.observe())
    extra = shown_with_attempt(shown, PlanarGrasp(20, 20, 0.5), 7)
    assert extra["suggestion_corrected"] is None and extra["suggestion_accepted"] is None
