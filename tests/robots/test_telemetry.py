"""The telemetry folder of a cell, and the stop button in it."""

from pathlib import Path

import pytest
from tests.robots.failing_cell import GRASP, WORKSPACE, make_cell

from grasping_student.cli.main import main
from grasping_student.geometry.grasp import Outcome
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell import telemetry as module
from grasping_student.robots.cell.telemetry import read_scene, read_status, request_stop
from grasping_student.robots.faults import CellStopped


def test_the_telemetry_folder_shows_what_the_cell_sees_and_does(tmp_path):
    cell, *_ = make_cell(telemetry=tmp_path / "telemetry")
    assert read_status(tmp_path / "telemetry") == {}
    assert read_scene(tmp_path / "telemetry") is None
    phases, update = [], cell._telemetry.update
    cell._telemetry.update = lambda phase, **values: (phases.append(phase), update(phase, **values))
    cell.reset(0)
    cell.observe()
    cell.execute(GRASP)
    assert phases[-6:] == ["going down", "closing", "lifting", "carrying off", "done", "done"]
    status = read_status(tmp_path / "telemetry")
    assert status["outcome"] == "success"
    assert status["grasp"]["row"] == GRASP.row
    assert status["gripper"]["stroke_mm"] == 85.0
    heightmap, picture, number = read_scene(tmp_path / "telemetry")
    assert status["grasp"]["scene"] == number
    assert heightmap.height.max() == pytest.approx(0.03)
    assert heightmap.workspace == WORKSPACE
    assert picture.shape == (*WORKSPACE.shape, 3)


def test_a_full_disk_ends_the_pages_news_and_no_grasp(tmp_path, monkeypatch):
    cell, *_ = make_cell(telemetry=tmp_path / "telemetry")
    cell.reset(0)
    cell.observe()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_json", full)
    monkeypatch.setattr(module, "atomic_path", full)
    assert cell.execute(GRASP) is Outcome.SUCCESS
    cell.observe()
    cell.close()
    blocked, *_ = make_cell(telemetry=tmp_path / "telemetry")
    with pytest.raises(UserError, match=r"`telemetry` .* cannot be written: .*No space left"):
        blocked.connect()


def test_the_stop_button_stops_the_cell_before_anything_else_moves(tmp_path):
    cell, arm, _, _, notes, _ = make_cell(telemetry=tmp_path)
    cell.reset(0)
    motions = len(notes.motions)
    request_stop(tmp_path)
    with pytest.raises(CellStopped, match="stop button"):
        cell.observe()
    assert arm.stops == 1
    assert len(notes.motions) == motions
    cell.recover()
    cell.observe()


def test_a_button_pressed_in_a_grasp_ends_it_before_the_next_motion(tmp_path):
    """For an arm that can't be braked from another process: the cell itself must see the button."""
    cell, arm, gripper, _, notes, _ = make_cell(telemetry=tmp_path)
    cell.reset(0)
    cell.observe()
    close = gripper.move

    def press_while_closing(stroke_mm):
        if stroke_mm == 0.0:
            request_stop(tmp_path)
        return close(stroke_mm)

    gripper.move = press_while_closing
    assert cell.execute(GRASP) is Outcome.FAULT
    assert notes.motions[-1].kind == "fingers" and notes.here.z < 0.02
    assert cell.stopped == "the stop button was pressed"
    assert arm.stops == 1


def test_a_button_that_was_pressed_holds_for_the_next_program_too(tmp_path):
    request_stop(tmp_path)
    cell, _, _, _, notes, _ = make_cell(telemetry=tmp_path)
    for begin in (lambda: cell.reset(0), cell.connect):
        with pytest.raises(CellStopped, match="stop button"):
            begin()
    assert notes.motions == []
    cell.recover()
    cell.reset(0)
    assert notes.motions


def test_a_button_that_was_pressed_holds_for_teaching_too(tmp_path, capsys):
    """Teaching frees the arm and moves the fingers."""
    documented = (Path(__file__).parents[2] / "docs" / "cell.yaml").read_text(encoding="utf-8")
    (tmp_path / "cell.yaml").write_text(documented.replace("192.168.1.10", "127.250.250.1"))
    request_stop(tmp_path / "telemetry")
    assert main(["cell", "teach-reset", "--cell", str(tmp_path / "cell.yaml")]) == 2
    said = capsys.readouterr().err
    assert "stop button" in said and "cell recover" in said
