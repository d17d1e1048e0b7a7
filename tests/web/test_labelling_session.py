"""What a person's actions do to the scene and to the dataset."""

import numpy as np
import pytest
from tests.web.labelling_worlds import (
    MISSED,
    SUCCESS,
    WORKSPACE,
    BoxWorld,
    ConstantModel,
    RobotWorld,
    box_grasp,
    label,
    make_session,
    recorded_world,
)

from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import AngleGrid, PlanarGrasp
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.web.labelling_steps import NotSaved, StaleScene
from grasping_student.web.suggestions import Suggester


def test_an_executed_grasp_is_in_the_dataset_when_execute_returns(tmp_path):
    session = make_session(tmp_path / "d")
    before = session.scene
    labelled = label(session)
    stored = Dataset(tmp_path / "d")
    attempt = stored.attempt(labelled.attempt.id)
    assert (attempt.source, attempt.policy, attempt.environment) == ("human", "person", "boxes")
    assert attempt.grasp == labelled.attempt.grasp and attempt.outcome == labelled.attempt.outcome
    assert attempt.z is not None and attempt.extra["scene_seed"] == 0
    np.testing.assert_allclose(stored.heightmap(attempt.id).height, before.heightmap.height, atol=6e-5)
    assert session.scene.number == before.number + 1


def test_attempts_of_one_episode_are_counted_and_the_scene_changes(tmp_path):
    session = make_session(tmp_path / "d")
    outcomes = [label(session).attempt for _ in range(3)]
    assert [(a.episode, a.index) for a in outcomes] == [(0, 0), (0, 1), (0, 2)]
    assert len(session.environment.state.items) == 6 - sum(bool(a.success) for a in outcomes)


def test_an_empty_workspace_begins_a_new_episode(tmp_path):
    session = make_session(tmp_path / "d", BoxWorld(boxes=1))
    while session.scene.episode == 0:
        label(session)
    assert session.scene.index == 0 and not session.scene.heightmap.is_empty()
    assert session.environment.resets == [0, 1]


def test_an_action_sent_twice_is_done_once(tmp_path):
    session = make_session(tmp_path / "d")
    number, grasp = session.scene.number, box_grasp(session.scene.heightmap)
    session.execute(number, grasp)
    with pytest.raises(StaleScene):
        session.execute(number, grasp)
    assert len(Dataset(tmp_path / "d")) == 1


def test_a_grasp_outside_the_outlined_area_is_not_tried(tmp_path):
    session = make_session(tmp_path / "d")
    with pytest.raises(UserError, match="inside"):
        label(session, PlanarGrasp(0, 0, 0.0))
    assert len(Dataset(tmp_path / "d")) == 0


def test_undo_brings_scene_and_grasp_back_bit_for_bit(tmp_path):
    session = make_session(tmp_path / "d")
    scenes, grasps = [], []
    for _ in range(4):
        scenes.append(session.scene)
        grasps.append(box_grasp(session.scene.heightmap))
        label(session, grasps[-1])
    for scene, grasp in zip(reversed(scenes), reversed(grasps), strict=True):
        undone = session.undo()
        assert undone.scene_is_back and undone.step.attempt_id is not None
        np.testing.assert_array_equal(session.scene.heightmap.height, scene.heightmap.height)
        np.testing.assert_array_equal(session.environment.observe().heightmap.height, scene.heightmap.height)
        assert session.scene.draft == grasp
        assert (session.scene.episode, session.scene.index) == (scene.episode, scene.index)
    assert len(Dataset(tmp_path / "d")) == 0 and not session.can_undo
    with pytest.raises(UserError, match="nothing to undo"):
        session.undo()


def test_undo_of_a_label_and_the_same_label_again_end_the_same_way(tmp_path):
    session = make_session(tmp_path / "d")
    grasp = box_grasp(session.scene.heightmap)
    first = label(session, grasp).attempt.outcome
    session.undo()
    assert label(session, grasp).attempt.outcome == first


def test_undo_on_a_robot_deletes_the_attempt_and_leaves_the_world(tmp_path):
    session = make_session(tmp_path / "d", RobotWorld())
    label(session)
    number = session.scene.number
    undone = session.undo()
    assert undone.step.attempt_id == 0 and not undone.scene_is_back
    assert str(undone) == "Deleted attempt 0; the workspace stays as it is now."
    assert session.scene.number == number and len(Dataset(tmp_path / "d")) == 0


def test_skip_keeps_nothing_and_can_be_taken_back(tmp_path):
    session = make_session(tmp_path / "d")
    first = session.scene
    session.skip(first.number)
    assert session.scene.seed == 1 and len(Dataset(tmp_path / "d")) == 0
    assert str(session.undo()) == "Took the last step back; the scene is as it was before."
    np.testing.assert_array_equal(session.scene.heightmap.height, first.heightmap.height)


def test_no_scene_is_lost_by_going_back(tmp_path):
    session = make_session(tmp_path / "d", recorded_world(4))
    label(session, verdict=SUCCESS)
    session.skip(session.scene.number)
    assert session.environment.position == 2
    session.undo()
    session.undo()
    shown = [label(session, verdict=SUCCESS).attempt.extra["recorded_scene"] for _ in range(4)]
    assert shown == [0, 1, 2, 3]


def test_a_deletion_is_a_step_that_can_be_taken_back(tmp_path):
    session = make_session(tmp_path / "d")
    for _ in range(2):
        label(session)
    number = session.scene.number
    session.delete(0)
    assert [a.id for a in Dataset(tmp_path / "d").attempts()] == [1]
    assert str(session.undo()) == "Restored attempt 0; the scene on the page stays."
    assert [a.id for a in Dataset(tmp_path / "d").attempts()] == [0, 1] and session.scene.number == number
    session.delete(0)
    session.restore(0)
    assert str(session.undo()) == "Deleted attempt 0; the scene on the page stays."
    session.undo()
    assert session.undo().step.attempt_id == 1, "then the labels"
    assert [a.id for a in Dataset(tmp_path / "d").attempts()] == [0]


def test_a_step_that_the_disk_refuses_to_take_back_can_be_taken_back_later(tmp_path, monkeypatch):
    session = make_session(tmp_path / "d")
    label(session)
    with monkeypatch.context() as patched:
        patched.setattr(session.log, "delete", lambda number: (_ for _ in ()).throw(UserError("full")))
        with pytest.raises(UserError, match="full"):
            session.undo()
    assert session.undo().step.attempt_id == 0 and len(Dataset(tmp_path / "d")) == 0


def test_what_the_disk_refuses_is_kept_until_it_fits(tmp_path, monkeypatch):
    session = make_session(tmp_path / "d")
    append = session.log.append

    def full(*arguments, **options):
        raise UserError("the disk is full")

    monkeypatch.setattr(session.log, "append", full)
    blocks = len(session.environment.state.items)
    with pytest.raises(NotSaved, match="disk is full"):
        label(session)
    with pytest.raises(NotSaved):
        session.skip(session.scene.number)
    with pytest.raises(NotSaved):
        session.retry()
    assert session.unsaved
    monkeypatch.setattr(session.log, "append", append)
    labelled = session.retry()
    assert not session.unsaved and Dataset(tmp_path / "d").attempt(0).outcome == labelled.attempt.outcome
    assert len(session.environment.state.items) == blocks - bool(labelled.attempt.success), "tried once only"


def test_undo_drops_a_grasp_that_could_not_be_saved(tmp_path, monkeypatch):
    session = make_session(tmp_path / "d")
    monkeypatch.setattr(session.log, "append", lambda *a, **o: (_ for _ in ()).throw(UserError("full")))
    before = session.scene
    with pytest.raises(NotSaved):
        label(session)
    assert session.undo().scene_is_back
    np.testing.assert_array_equal(session.environment.observe().heightmap.height, before.heightmap.height)
    assert not session.unsaved


def test_counts_follow_deletes_and_restores(tmp_path):
    session = make_session(tmp_path / "d", recorded_world())
    ids = [label(session, verdict=verdict).attempt.id for verdict in (SUCCESS, MISSED, SUCCESS)]
    session.log.delete(ids[0])
    assert (session.log.progress().session_labels, session.log.progress().session_successes) == (2, 1)
    assert [a.id for a in session.log.recent] == ids[::-1] and session.log.is_deleted(ids[0])
    session.log.restore(ids[0])
    assert (session.log.progress().session_labels, session.log.progress().session_successes) == (3, 2)
    session.log.close()
    again = make_session(tmp_path / "d", recorded_world())
    progress = again.log.progress()
    assert (progress.session_labels, progress.total_labels, progress.total_successes) == (0, 3, 2)
    assert [a.id for a in again.log.recent] == ids[::-1]


def test_labels_a_minute_cut_pauses_short(tmp_path):
    now = 0.0
    session = make_session(tmp_path / "d", recorded_world(), clock=lambda: now)
    for now in (0.0, 10.0, 5000.0):  # noqa: B007  # the clock reads it
        label(session, verdict=SUCCESS)
    assert session.log.progress().labels_per_minute == pytest.approx(60 * 2 / (10 + 60))


def test_shown_suggestions_are_kept_with_the_attempt(tmp_path):
    session = make_session(tmp_path / "d")
    suggester = Suggester(ConstantModel(), count=3, grid=AngleGrid(4))
    shown = suggester(Observation.of(session.scene.heightmap))
    accepted = label(session, shown.suggestions[1].grasp, shown=shown, started_from=1).attempt.extra
    assert accepted["suggestion_accepted"] == 1 and accepted["suggestion_corrected"] is None
    assert len(accepted["suggestions"]) == 3 and accepted["model_version"] == "constant-1"
    shown = suggester(Observation.of(session.scene.heightmap))
    moved = shown.suggestions[0].grasp
    corrected = PlanarGrasp(moved.row, moved.col, moved.angle + 0.3)
    extra = label(session, corrected, shown=shown, started_from=0).attempt.extra
    assert extra["suggestion_accepted"] is None and extra["suggestion_corrected"] == 0
    own = label(session, shown=shown).attempt.extra
    assert own["suggestion_accepted"] is None and own["suggestion_corrected"] is None
    assert Dataset(tmp_path / "d").attempt(1).extra == extra


def test_a_second_session_is_told_who_writes_the_dataset(tmp_path):
    session = make_session(tmp_path / "d")
    with pytest.raises(UserError, match=r"process \d+"):
        make_session(tmp_path / "d")
    session.log.close()


def test_workspaces_must_agree(tmp_path):
    make_session(tmp_path / "d").log.close()
    from grasping_student.geometry.workspace import light_workspace
    from grasping_student.web.attempt_log import AttemptLog

    assert light_workspace() != WORKSPACE
    with pytest.raises(UserError, match="workspace"):
        AttemptLog(tmp_path / "d", light_workspace())
