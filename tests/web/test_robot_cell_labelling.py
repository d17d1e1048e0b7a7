"""Labels on the robot cell through the page: vendors' clients, drivers and sockets, fakes as devices, a stop."""

import signal
import time

import pytest
from tests.web import browser as real

from grasping_student.datasets.store import Dataset
from grasping_student.geometry.workspace import light_workspace
from grasping_student.pipeline.configuration import to_yaml

pytestmark = pytest.mark.skipif(bool(real.missing()), reason=str(real.missing()))


def test_a_stop_of_the_robot_is_told_and_cleared_at_the_page(tmp_path):
    pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")
    from grasping_student.fakes.launch import simulated_cell

    cell = tmp_path / "cell.yaml"
    with simulated_cell(workspace=light_workspace(), patience=3.0) as (fakes, config), real.chromium() as browser:
        cell.write_text(to_yaml(config), encoding="utf-8")
        command = ["--env", "robot-cell", "--cell", cell, "--dataset", tmp_path / "d", "--port", 0]
        with real.Server(real.LABEL, *command) as server:
            page = real.open_page(browser, server.address)

            def label(number):
                page.wait_for_selector(".grasp-busy", state="detached")
                page.keyboard.press("ArrowUp")
                page.keyboard.press("Enter")
                said = page.locator("[data-test=message]", has_text=f"Saved attempt {number}")
                return said.inner_text(timeout=120_000)

            label(0)
            fakes.do("freeze", on=True)
            assert "The robot stopped" in label(1)
            fakes.do("freeze", on=False)
            page.click("[data-test=recover]")
            page.wait_for_selector("text=ready again")
            label(2)
            assert not page.errors
    attempts = Dataset(tmp_path / "d").attempts()
    assert [a.environment for a in attempts] == ["robot-cell"] * 3
    assert [a.outcome == "fault" for a in attempts] == [False, True, False]


def test_control_c_brakes_the_arm_at_once_and_leaves_the_fingers(tmp_path):
    pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")
    from grasping_student.fakes.launch import simulated_cell

    cell = tmp_path / "cell.yaml"
    with (
        simulated_cell(speedup=1.0, workspace=light_workspace(), patience=10.0) as (fakes, config),
        real.chromium() as browser,
    ):
        cell.write_text(to_yaml(config), encoding="utf-8")
        command = ["--env", "robot-cell", "--cell", cell, "--dataset", tmp_path / "d", "--port", 0]
        # a shell's background jobs ignore Control-C, and the page would inherit that
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        server = real.Server(real.LABEL, *command)
        signal.signal(signal.SIGINT, before)
        with server:
            page = real.open_page(browser, server.address)
            page.wait_for_selector(".grasp-busy", state="detached")
            moves = len(fakes.do("report")["moves"])
            page.keyboard.press("ArrowUp")
            page.keyboard.press("Enter")
            while len(begun := fakes.do("report")["moves"]) < moves + 2:
                time.sleep(0.02)
            server.process.send_signal(signal.SIGINT)
            server.process.wait(60)
            stopped = fakes.do("report")
            assert len(stopped["moves"]) == len(begun), "nothing further began"
            time.sleep(0.5)
            assert fakes.do("report")["pose"] == stopped["pose"]
            assert stopped["pose"][:3] != pytest.approx(begun[-1]["target"][:3], abs=0.002), "it had not arrived"
            assert stopped["stroke_mm"] == pytest.approx(85.0, abs=0.5)
    assert [a.outcome for a in Dataset(tmp_path / "d").attempts()] == ["fault"]
