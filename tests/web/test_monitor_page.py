"""The live page in a real browser: what the cell sees and has done, and a button that stops the arm."""

import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")
pytest.importorskip("nicegui", reason="needs the extra 'web': pip install -e '.[web]'")

from tests.web.browser import PATIENCE, chromium, missing

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.robot_cell import RobotCell
from grasping_student.episodes.configuration import RobotCellSpec, StopRule
from grasping_student.episodes.event_log import EventLog
from grasping_student.evaluation.configuration import PickingConfig
from grasping_student.evaluation.picking_stage import run
from grasping_student.fakes.launch import simulated_cell
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.geometry.workspace import light_workspace
from grasping_student.pipeline.configuration import to_yaml
from grasping_student.pipeline.files import write_json
from grasping_student.robots.cell.telemetry import read_status
from grasping_student.robots.faults import CellStopped
from grasping_student.robots.pose import tool_down
from grasping_student.web.monitor_source import MonitorSource

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def picked(tmp_path_factory):
    """A simulated cell in which two models have picked twice each, and the files that the page reads."""
    folder = tmp_path_factory.mktemp("cell")
    with simulated_cell(workspace=light_workspace(), telemetry=folder / "telemetry", patience=10.0) as (fakes, cell):
        (folder / "cell.yaml").write_text(to_yaml(cell))
        config = PickingConfig(
            models=("teacher=random", "student=random"),
            episodes=1,
            env="robot-cell",
            cell=folder / "cell.yaml",
            stop=StopRule(attempts=2),
            out=folder / "run",
        )
        run(config, RobotCellSpec(folder / "cell.yaml"))
        yield fakes, cell, folder


@pytest.fixture
def page(picked):
    _, _, folder = picked
    command = [sys.executable, "-m", "grasping_student.cli.main", "cell", "monitor", "--port", "0"]
    command += ["--cell", str(folder / "cell.yaml"), "--run", str(folder / "run")]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        address = next(word for word in server.stderr.readline().split() if word.startswith("http"))
        with chromium() as browser:
            tab = browser.new_context(viewport={"width": 1400, "height": 850}).new_page()
            tab.set_default_timeout(PATIENCE)
            assert tab.goto(address.split("?")[0]).status == 401, "a page that stops a robot has a token by default"
            tab.goto(address)
            yield tab
    finally:
        server.terminate()
        server.wait(20)
        server.stderr.close()


def test_the_page_shows_scene_grasp_outcomes_rates_and_devices(picked, page):
    page.wait_for_selector("[data-test=height] img")
    page.wait_for_selector("[data-test=camera] img")
    assert "no scores" in page.locator("[data-test=score]").inner_text()
    page.wait_for_selector("[data-test=rates] img")
    outcomes = page.locator("[data-test=outcomes] .monitor-outcome").all_inner_texts()
    assert len(outcomes) == 4
    assert sum(text.startswith("student:") for text in outcomes) == 2
    devices = page.locator("[data-test=devices]")
    assert "safety normal" in devices.inner_text()
    assert "85.0 mm" in devices.inner_text()


def test_a_reload_and_a_second_tab_show_the_scene_too(page):
    page.wait_for_selector("[data-test=height] img")
    page.reload()
    page.wait_for_selector("[data-test=height] img")
    second = page.context.new_page()
    second.goto(page.url)
    second.wait_for_selector("[data-test=height] img", timeout=PATIENCE)
    second.close()


def test_the_stop_button_stops_a_moving_arm_and_the_cell(picked, page):
    fakes, config, folder = picked
    page.wait_for_selector("[data-test=height] img")
    slow = replace(config, pick=replace(config.pick, travel_speed=0.005))
    with RobotCell.of(slow) as cell:
        cell.connect()
        far = tool_down(-0.3, -0.45, 0.25, 0.0)
        moving = cell._arm
        raised = []

        def move():
            try:
                moving.move(far, 0.005, 0.5)
            except Exception as error:
                raised.append(error)

        thread = threading.Thread(target=move, daemon=True)
        thread.start()
        time.sleep(0.5)
        assert fakes.do("report")["moving"]
        page.click("[data-test=stop]")
        page.wait_for_selector("text=The arm was told to stop")
        page.click("[data-test=stop]")
        page.wait_for_timeout(300)
        assert page.locator("[data-test=stop-message]").count() == 1 and not page.locator(".q-notification").count()
        thread.join(5.0)
        assert not thread.is_alive() and raised
        assert not fakes.do("report")["moving"]
        assert np.linalg.norm(np.array(fakes.do("report")["pose"][:3]) - far.position) > 0.05
        with pytest.raises(CellStopped, match="stop button"):
            cell.observe()
        page.wait_for_selector('.monitor-phase[data-state="stopped"]')
        assert read_status(folder / "telemetry")["phase"] == "stopped"
        cell.recover()
        cell.close()


def test_a_networks_scores_are_shown_for_the_model_that_acts(picked, tmp_path):
    from grasping_student.models.configuration import ModelConfig
    from grasping_student.models.grasp_model import GraspModel

    _, config, _ = picked
    GraspModel.new(ModelConfig(workspace=config.workspace), 0).save(tmp_path / "student")
    write_json(tmp_path / "run.json", {"models": {"teacher": "random", "student": str(tmp_path / "student")}})
    with EventLog(tmp_path / "attempts.jsonl") as log:
        log.append(Attempt(episode=0, index=0, policy="student", grasp=PlanarGrasp(50, 50, 0.0)))
    source = MonitorSource(config, tmp_path)
    scene = source.scene()
    assert scene.scores.shape == config.workspace.shape
    np.testing.assert_array_equal(np.isfinite(scene.scores), config.workspace.graspable_mask())
    assert source.scene() is scene, "a scene that has not changed is scored once"


def test_without_any_files_the_page_has_nothing_to_say(picked):
    _, config, folder = picked
    source = MonitorSource(replace(config, telemetry=folder / "nothing"), folder / "no-run")
    assert source.status() == {}
    assert source.scene() is None
    assert source.numbers().rates == {}
    assert source.grasp(0) is None
