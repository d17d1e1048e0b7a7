"""The monitor page's stop button without a browser: the arm is braked whatever becomes of the hold."""

import asyncio
from dataclasses import replace

import pytest

pytest.importorskip("nicegui", reason="needs the extra 'web': pip install -e '.[web]'")

from grasping_student.robots.arms.ur5e import Ur5eConfig
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.telemetry import STOP_REQUEST
from grasping_student.web.monitor_page import press_stop


@pytest.fixture
def braked(monkeypatch):
    """Configs of the arms that were braked; each arm answers."""
    arms = []
    monkeypatch.setattr(Ur5eConfig, "brake", lambda self: arms.append(self) or True)
    return arms


def test_the_button_brakes_and_holds(braked, tmp_path):
    cell = replace(CellConfig(), telemetry=tmp_path / "telemetry")
    assert asyncio.run(press_stop(cell)) == ("The arm was told to stop.", True)
    assert braked == [Ur5eConfig()]
    assert (tmp_path / "telemetry" / STOP_REQUEST).exists()


def test_a_telemetry_folder_that_can_not_be_written_keeps_no_brake_from_the_arm(braked, tmp_path):
    (tmp_path / "telemetry").write_text("no folder")
    words, well = asyncio.run(press_stop(replace(CellConfig(), telemetry=tmp_path / "telemetry")))
    assert len(braked) == 1
    assert not well
    assert "told to stop" in words and "cannot be written" in words


def test_without_a_telemetry_folder_the_arm_is_braked_and_nothing_is_held(braked):
    words, well = asyncio.run(press_stop(CellConfig()))
    assert len(braked) == 1
    assert not well and "names no `telemetry` folder" in words


def test_an_arm_that_does_not_answer_is_said_and_the_hold_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr(Ur5eConfig, "brake", lambda self: False)
    words, well = asyncio.run(press_stop(replace(CellConfig(), telemetry=tmp_path)))
    assert not well and "red button" in words
    assert (tmp_path / STOP_REQUEST).exists()
