"""Faults, and stops of a robot: what was done is kept, and nothing goes on before they are mended."""

import numpy as np
import pytest
from tests.web.labelling_worlds import BoxWorld, RobotWorld, StoppingRobot, box_grasp, label, make_session

from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import Outcome
from grasping_student.pipeline.errors import UserError
from grasping_student.web.labelling_steps import NotSaved, StaleScene


def test_a_fault_is_kept_and_counts_nowhere(tmp_path):
    session = make_session(tmp_path / "d", BoxWorld(faults=(1,)))
    assert label(session).attempt.outcome is Outcome.FAULT
    progress = session.log.progress()
    assert (progress.session_labels, progress.total_labels) == (0, 0)
    assert len(Dataset(tmp_path / "d").attempts(outcome="fault")) == 1


def test_a_stopped_robot_keeps_its_attempt_and_waits_for_its_operator(tmp_path):
    session = make_session(tmp_path / "d", StoppingRobot())
    number = session.scene.number
    labelled = label(session)
    assert labelled.attempt.outcome is Outcome.FAULT and labelled.after is None
    assert len(Dataset(tmp_path / "d").attempts(outcome="fault")) == 1
    assert "protective stop" in session.trouble
    with pytest.raises(UserError, match="until this is solved: the cell is stopped"):
        label(session)
    session.recover()
    assert session.trouble is None and session.scene.number > number
    assert label(session).attempt.outcome is not Outcome.FAULT


def test_a_world_that_cannot_begin_begins_after_recovery(tmp_path):
    world = StoppingRobot()
    world.stopped = "no link"
    session = make_session(tmp_path / "d", world, start=False)
    with pytest.raises(UserError, match="no link"):
        session.start()
    assert not session.started and "no link" in session.trouble
    session.recover()
    assert session.started and session.trouble is None


def test_a_stop_met_at_rest_is_trouble_and_nothing_is_stored_twice(tmp_path):
    world = StoppingRobot(fault_at=0)
    session = make_session(tmp_path / "d", world)
    first = session.scene
    world.stopped = "the stop button was pressed"
    assert session.trouble == "the stop button was pressed"
    with pytest.raises(UserError, match="stop button"):
        session.nothing_graspable(first.number)
    with pytest.raises(UserError, match="stop button"):
        session.skip(first.number)
    assert len(Dataset(tmp_path / "d")) == 0
    session.recover()
    assert session.trouble is None and session.scene.number > first.number


@pytest.mark.parametrize("keep", [True, False])
def test_a_stop_between_two_episodes_leaves_what_was_done_and_the_next_episode_follows(tmp_path, keep):
    world = StoppingRobot(fault_at=0)
    session = make_session(tmp_path / "d", world)
    number = session.scene.number
    world.stops_at_reset = True
    act = session.nothing_graspable if keep else session.skip
    act(number)
    for _ in range(2):
        with pytest.raises(UserError, match="until this is solved"):
            act(number)
    assert len(Dataset(tmp_path / "d")) == keep and "protective stop" in session.trouble
    world.stops_at_reset = False
    session.recover()
    assert session.trouble is None and session.scene.index == 0 and session.scene.seed > 0
    assert session.scene.episode == keep and label(session).attempt.index == 0


def test_undo_on_a_robot_after_a_refused_save_looks_at_the_workspace_anew(tmp_path, monkeypatch):
    session = make_session(tmp_path / "d", RobotWorld())
    before, grasp = session.scene, box_grasp(session.scene.heightmap)
    with monkeypatch.context() as patched:
        patched.setattr(session.log, "append", lambda *a, **o: (_ for _ in ()).throw(UserError("full")))
        with pytest.raises(NotSaved):
            label(session, grasp)
    session.environment.take_away([0])  # as a grasp that held does
    assert str(session.undo()) == "Took the last step back; the workspace stays as it is now."
    assert (session.scene.number, session.scene.index) == (before.number + 1, before.index + 1)
    assert not np.array_equal(session.scene.heightmap.height, before.heightmap.height)
    np.testing.assert_array_equal(session.scene.heightmap.height, session.environment.observe().heightmap.height)
    with pytest.raises(StaleScene):
        session.execute(before.number, grasp)
