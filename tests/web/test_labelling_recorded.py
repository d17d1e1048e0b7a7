"""Labelling recorded scenes: a person's word in place of a robot."""

import numpy as np
import pytest
from tests.web.labelling_worlds import MISSED, SUCCESS, BoxWorld, box_grasp, label, make_session, recorded_world

from grasping_student.datasets.store import Dataset
from grasping_student.pipeline.errors import UserError
from grasping_student.web.labelling_steps import StaleScene


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
    assert again.done and not again.started
    attempts = []
    for position in range(3):
        again.go_to(-1 if not again.started else again.scene.number, position)
        attempts.append(label(again, verdict=MISSED).attempt)
    assert [(a.episode, a.index) for a in attempts] == [(0, 1), (1, 1), (2, 1)]


def session_before_a_cut_frame(path):
    """Shows scene 0 of three; scene 1 cannot be read."""
    world = recorded_world(3)
    read = world.observe
    world.observe = lambda: read() if world.position != 1 else (_ for _ in ()).throw(UserError("frame 1 is cut off"))
    return make_session(path, world)


def test_a_recorded_scene_that_cannot_be_read_loses_no_label_and_is_passed_over(tmp_path):
    session = session_before_a_cut_frame(tmp_path / "d")
    number = session.scene.number
    assert label(session, verdict=SUCCESS).attempt.id == 0 and session.trouble == "frame 1 is cut off"
    with pytest.raises(UserError, match="until this is solved: frame 1 is cut off"):
        label(session, verdict=SUCCESS)
    session.recover()
    assert session.trouble is None and session.environment.position == 2 and session.scene.number > number
    label(session, verdict=MISSED)
    assert [a.extra["recorded_scene"] for a in Dataset(tmp_path / "d").attempts()] == [0, 2]


def test_undo_goes_back_from_a_recorded_scene_that_cannot_be_read(tmp_path):
    session = session_before_a_cut_frame(tmp_path / "d")
    label(session, verdict=SUCCESS)
    assert session.undo().scene_is_back and session.trouble is None
    assert label(session, verdict=MISSED).attempt.extra["recorded_scene"] == 0


def test_after_the_last_scene_nothing_is_labelled_twice_unless_it_is_chosen(tmp_path):
    session = make_session(tmp_path / "d", recorded_world(2))
    label(session, verdict=SUCCESS)
    session.nothing_graspable(session.scene.number)
    assert session.done
    for act in (session.skip, session.nothing_graspable):
        with pytest.raises(UserError, match="every scene is judged"):
            act(session.scene.number)
    with pytest.raises(UserError, match="every scene is judged"):
        label(session, verdict=SUCCESS)
    assert len(Dataset(tmp_path / "d")) == 2
    session.go_to(session.scene.number, 0)
    assert not session.done and session.scene.draft == Dataset(tmp_path / "d").attempt(0).grasp
    label(session, verdict=MISSED)
    assert session.done and len(Dataset(tmp_path / "d")) == 3
    session.undo()
    assert not session.done and session.scene.seed == 0


def test_a_judgement_that_is_deleted_at_the_end_opens_its_scene_again(tmp_path):
    session = make_session(tmp_path / "d", recorded_world(2))
    first = label(session, verdict=SUCCESS).attempt
    label(session, verdict=SUCCESS)
    session.delete(first.id)
    session.go_to(session.scene.number, 0)
    assert label(session, verdict=MISSED).attempt.extra["recorded_scene"] == 0 and session.done


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_person_jumps_to_every_scene_is_judged_once_before_the_end(tmp_path, seed):
    random, session = np.random.default_rng(seed), make_session(tmp_path / "d", recorded_world(6))
    while not session.done:
        if random.random() < 0.4:
            open_scenes = sorted(set(range(6)) - session.log.judged("shelf"))
            session.go_to(session.scene.number, int(random.choice(open_scenes)))
        elif random.random() < 0.3:
            session.skip(session.scene.number)
        else:
            label(session, verdict=SUCCESS)
    judged = [a.extra["recorded_scene"] for a in Dataset(tmp_path / "d").attempts()]
    assert sorted(judged) == list(range(6))


def test_a_choice_from_an_old_page_or_before_a_robot_is_refused(tmp_path):
    session = make_session(tmp_path / "d", recorded_world())
    with pytest.raises(StaleScene):
        session.go_to(session.scene.number + 1, 2)
    with pytest.raises(UserError, match="only recorded scenes"):
        make_session(tmp_path / "e").go_to(0, 2)
    grasp = box_grasp(session.scene.heightmap)
    session.go_to(session.scene.number, -1)
    assert session.scene.seed == 2
    assert label(session, grasp, SUCCESS).attempt.extra["recorded_scene"] == 2
