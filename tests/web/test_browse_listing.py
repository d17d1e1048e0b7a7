"""Filters, pages and scores of the browse page."""

import numpy as np
import pytest
from tests.web.labelling_worlds import WORKSPACE, BoxWorld, ConstantModel, box_grasp

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import AngleGrid, Outcome
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.web.browse_listing import BrowseFilter, ScoreCache, grasp_score, matching_ids, read_page
from grasping_student.web.browse_setup import model_scores

OUTCOMES = [Outcome.SUCCESS, Outcome.MISSED, Outcome.FAULT, None]
SOURCES = ["human", "policy", "script"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("browse") / "d")


def fill(path):
    """60 attempts in 10 episodes, one of them deleted."""
    world = BoxWorld()
    with DatasetWriter(path, WORKSPACE) as writer:
        for i in range(60):
            world.reset(i // 6)
            scene, outcome = world.observe().heightmap, OUTCOMES[i % 4]
            grasp, source = (None, None) if outcome is None else (box_grasp(scene), SOURCES[i % 3])
            writer.append(
                scene,
                Attempt(episode=i // 6, index=i % 6, environment="boxes", source=source, grasp=grasp, outcome=outcome),
            )
        writer.delete(7)
    return Dataset(path)


@pytest.mark.parametrize("source", [None, *SOURCES])
@pytest.mark.parametrize("end", [None, "success", "failure", "no label", "missed", "fault"])
@pytest.mark.parametrize("episode", [None, 2])
def test_filters_agree_with_looking_at_every_attempt(dataset, source, end, episode):
    def fits(attempt):
        ends = {
            None: True,
            "success": attempt.success is True,
            "failure": attempt.success is False,
            "no label": not attempt.labelled,
            "missed": attempt.outcome == "missed",
            "fault": attempt.outcome == "fault",
        }
        return ends[end] and source in (None, attempt.source) and episode in (None, attempt.episode)

    wanted = [attempt.id for attempt in dataset.attempts() if fits(attempt)]
    assert matching_ids(dataset, BrowseFilter(source, end, episode, newest_first=False)).tolist() == wanted
    assert matching_ids(dataset, BrowseFilter(source, end, episode)).tolist() == wanted[::-1]


def test_pages_hold_every_attempt_once(dataset):
    pages = [read_page(dataset, BrowseFilter(), number, 16) for number in range(4)]
    assert [page.pages for page in pages] == [4] * 4 and pages[0].total == 59
    ids = [attempt.id for page in pages for attempt in page.attempts]
    assert sorted(ids) == [i for i in range(60) if i != 7] and ids == sorted(ids, reverse=True)


def test_a_page_that_is_not_there_is_the_nearest_one(dataset):
    assert read_page(dataset, BrowseFilter(), 99, 16).number == 3
    assert read_page(dataset, BrowseFilter(), -1, 16).number == 0
    nothing = read_page(dataset, BrowseFilter(episode=999), 0, 16)
    assert (nothing.attempts, nothing.pages, nothing.total) == ((), 1, 0)


def test_unknown_filters_are_refused():
    with pytest.raises(UserError, match="human"):
        BrowseFilter(source="humans")
    with pytest.raises(UserError, match="success"):
        BrowseFilter(end="succes")


def test_a_score_is_the_maps_value_at_the_grasp_and_its_rank(dataset):
    model, grid = ConstantModel(), AngleGrid(4)
    attempt = next(a for a in dataset.attempts() if a.grasp is not None)
    scores = model.score_maps(dataset.heightmap(attempt.id), grid)
    found = grasp_score(model, dataset, attempt, grid)
    row, col = attempt.grasp.row, attempt.grasp.col
    assert found.score == scores[grid.index(attempt.grasp.angle), row, col]
    inside = scores[np.isfinite(scores)]
    assert found.beats == np.mean(inside < found.score) and 0.5 < found.beats < 1
    assert grasp_score(model, dataset, next(a for a in dataset.attempts() if a.grasp is None), grid) is None


def test_a_score_is_worked_out_once_and_the_oldest_forgotten(dataset):
    model = ConstantModel()
    cache = ScoreCache(model, dataset, size=2)
    attempts = [a for a in dataset.attempts() if a.grasp is not None][:3]
    first = cache(attempts[0])
    assert cache(attempts[0]) == first and model.asked == 1
    cache(attempts[1]), cache(attempts[2])
    cache(attempts[0])
    assert model.asked == 4


def test_a_model_that_carries_a_rule_still_says_what_it_thinks_of_grasps_that_break_it(dataset, tmp_path):
    config = ModelConfig(NetworkConfig(widths=(4, 8)), WORKSPACE, constraint=GraspConstraintConfig("antipodal"))
    GraspModel.new(config, 0).save(tmp_path / "student")
    attempts = [each for each in dataset.attempts() if each.grasp is not None]
    rule, opinions = config.constraint.make(), model_scores(tmp_path / "student", dataset)
    broken = [
        each
        for each in attempts
        if not rule.allows(dataset.heightmap(each.id).height, np.array([each.grasp.angle]), WORKSPACE)[
            0, each.grasp.row, each.grasp.col
        ]
    ]
    assert broken and all(opinions(each) is not None for each in broken)
