"""``cell recover`` keeps its promise: nothing moves, not even the fingers of a gripper that lost its power."""

from pathlib import Path

import pytest

from grasping_student.cli.main import main
from grasping_student.robots.cell.telemetry import STOP_REQUEST, request_stop

DOCUMENTED = Path(__file__).parents[2] / "docs" / "cell.yaml"


@pytest.fixture
def cell(fakes, tmp_path):
    """The documented cell on the fakes, with the loosest time limits, after somebody pressed the stop button."""
    path, text = tmp_path / "cell.yaml", DOCUMENTED.read_text(encoding="utf-8")
    for before, after in (
        ("192.168.1.10 ", f"{fakes.host} "),
        ("speed: 128", f"port: {fakes.gripper_port}\n    speed: 128"),
        ("watchdog_frequency: 10.0", "watchdog_frequency: 0.5"),
        ("stale_after: 0.2", "stale_after: 2.0"),
    ):
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)
    request_stop(tmp_path / "telemetry")
    return path


def test_recover_says_how_far_the_fingers_are_open_and_clears_the_button(cell, gripper, capsys):
    gripper.close()
    assert main(["cell", "recover", "--yes", "--cell", str(cell)]) == 0
    assert "arm running; fingers 85 mm open; nothing moved" in capsys.readouterr().out
    assert not (cell.parent / "telemetry" / STOP_REQUEST).exists()


def test_recover_leaves_an_inactive_gripper_and_what_it_holds_alone(cell, fakes, gripper, capsys):
    fakes.do("gripper", object_mm=40.0)
    gripper.move(0.0)
    gripper._set("ACT", 0)
    before = fakes.do("report")["stroke_mm"]
    assert before == pytest.approx(40.0, abs=0.4)
    assert main(["cell", "recover", "--yes", "--cell", str(cell)]) == 0
    assert "not active" in capsys.readouterr().out
    assert fakes.do("report")["stroke_mm"] == before
    assert gripper._get("STA") == 0, "activation is the next run's"


def test_recover_tells_a_grippers_fault_and_holds_on(cell, fakes, gripper, capsys):
    fakes.do("gripper", fault="8")
    assert main(["cell", "recover", "--yes", "--cell", str(cell)]) == 2
    assert "too hot" in capsys.readouterr().err
    assert (cell.parent / "telemetry" / STOP_REQUEST).exists()
    fakes.do("gripper", fault="0")
