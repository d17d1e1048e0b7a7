"""Order of scenes, and what a model says about them."""

from itertools import count, islice

import numpy as np
import pytest
from tests.web.labelling_worlds import WORKSPACE, BoxWorld, ConstantModel

from grasping_student.grasp import AngleGrid, PlanarGrasp
from grasping_student.web.scene_queue import InOrder, MostUncertainFirst, recorded_order
from grasping_student.web.suggestions import Suggester, score_uncertainty, shown_with_attempt


def take(queue, n):
    return [queue.next_seed() for _ in range(n)]


def test_in_order():
    assert take(InOrder(count(4)), 3) == [4, 5, 6]


def test_unlabelled_recorded_scenes_come_first_then_all_of_them():
    assert list(islice(recorded_order(4, {0, 2}), 8)) == [1, 3, 0, 1, 2, 3, 0, 1]
    assert list(islice(recorded_order(4, set(), first=2), 4)) == [2, 3, 0, 1]
    assert list(islice(recorded_order(2, {0, 1}), 3)) == [0, 1, 0]


def test_the_most_uncertain_of_the_pool_comes_first_and_none_is_lost():
    uncertainty = {seed: (7 * seed) % 10 / 10 for seed in range(10)}
    asked = []

    def look(seed):
        asked.append(seed)
        return uncertainty[seed % 10]

    queue = MostUncertainFirst(iter(range(10_000)), look, pool=4)
    first = take(queue, 3)
    assert first[0] == 1 and first[1] == 4 and asked == [0, 1, 2, 3, 4, 5]
    all_at_once = MostUncertainFirst(iter([*range(10), *range(10)]), lambda seed: uncertainty[seed], pool=10)
    ordered = [all_at_once.next_seed()]
    assert uncertainty[ordered[0]] == max(uncertainty.values())


def test_a_pool_of_one_keeps_the_order():
    assert take(MostUncertainFirst(count(), lambda seed: 0.5, pool=1), 4) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="at least 1"):
        MostUncertainFirst(count(), lambda seed: 0.5, pool=0)


def test_recorded_scenes_that_come_round_again_are_looked_at_once_while_they_wait():
    asked = []
    queue = MostUncertainFirst(recorded_order(3, set()), lambda seed: asked.append(seed) or seed / 3, pool=5)
    assert take(queue, 2)[0] == 2
    assert asked.count(0) == 1


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
    found = Suggester(ConstantModel(), count=4, ban_distance=0.03, grid=AngleGrid(4))(world.observe())
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
