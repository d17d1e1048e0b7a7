"""Labelling recorded scenes: a person's word in place of a robot."""

import pytest
from tests.web.labelling_worlds import (
    MISSED,
    SUCCESS,
    BoxWorld,
    label,
    make_session,
    recorded_world,
)

from grasping_student.datasets.store import Dataset
from grasping_student.errors import UserError


def test_scenes_that_are_left_to_judge_are_counted(tmp_path):
    session = make_session(tmp_path / "d", recorded_world(3))

    def left():
        return session.log.scenes_left(session.environment)

    assert left() == 3
    label(session, verdict=SUCCESS)
    session.nothing_graspable(session.scene.number)
    assert left() == 1
    session.delete(0)
    assert left() == 2
    session.log.close()
    again = make_session(tmp_path / "d", recorded_world(3))
    assert again.log.scenes_left(again.environment) == 2
    assert make_session(tmp_path / "e").log.scenes_left(BoxWorld()) is None


def test_nothing_graspable_keeps_the_scene_without_a_label(tmp_path):
    session = make_session(tmp_path / "d")
    attempt = session.nothing_graspable(session.scene.number)
    stored = Dataset(tmp_path / "d").attempt(attempt.id)
    assert stored.grasp is None and stored.source == "human" and stored.extra["nothing_graspable"] is True
    assert not stored.labelled and session.scene.seed == 1
    assert session.log.progress().session_labels == 0


def test_recorded_scenes_take_the_persons_word(tmp_path):
    session = make_session(tmp_path / "d", recorded_world())
    with pytest.raises(UserError, match="good or bad"):
        label(session)
    good = label(session, verdict=SUCCESS)
    bad = label(session, verdict=MISSED)
    assert good.after is None
    attempts = Dataset(tmp_path / "d").attempts(source="human", labelled=True)
    assert [a.success for a in attempts] == [True, False]
    assert [a.extra["recorded_scene"] for a in attempts] == [0, 1] and attempts[0].extra["judged_by"] == "person"
    assert bad.attempt.environment == "recorded"


def test_several_labels_on_one_recorded_scene_share_an_episode(tmp_path):
    session = make_session(tmp_path / "d", recorded_world(), labels_per_scene=2)
    attempts = [label(session, verdict=SUCCESS).attempt for _ in range(4)]
    assert [(a.episode, a.index) for a in attempts] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_recorded_scene_keeps_its_episode_over_sessions(tmp_path):
    session = make_session(tmp_path / "d", recorded_world())
    for _ in range(3):
        label(session, verdict=SUCCESS)
    session.log.close()
    again = make_session(tmp_path / "d", recorded_world())
    attempts = [label(again, verdict=MISSED).attempt for _ in range(3)]
    assert [(a.episode, a.index) for a in attempts] == [(0, 1), (1, 1), (2, 1)]
