"""The simulated cell: attempts through real clients, sockets and drivers end as the same attempts in the simulator."""

import time
from dataclasses import replace

import numpy as np
import pytest
from tests.robots.fault_campaign import Campaign, shuffled_faults

from grasping_student.environments.robot_cell import RobotCell
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.fakes.launch import simulated_cell
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, Outcome, PlanarGrasp, angle_distance
from grasping_student.geometry.workspace import light_workspace
from grasping_student.robots.faults import CellStopped
from grasping_student.simulation.families import sparse, standard

pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")


def open_cell(config):
    return RobotCell.of(config)


@pytest.fixture(scope="module")
def simulated():
    with simulated_cell(workspace=light_workspace(), patience=10.0) as (fakes, config):
        yield fakes, config


def recover_when_back(cell):
    """The operator's patience with a controller that comes back after a while."""
    for _ in range(20):
        try:
            return cell.recover()
        except CellStopped as error:
            last = error
            time.sleep(0.2)
    raise last


def random_grasp(heightmap, random):
    rows, cols = np.nonzero(heightmap.graspable_foreground())
    index = random.integers(len(rows))
    angle = DEPLOYMENT_ANGLES.angle(int(random.integers(DEPLOYMENT_ANGLES.count)))
    return PlanarGrasp(rows[index], cols[index], angle)


def test_attempts_agree_with_the_simulator_in_outcome_scene_and_place(simulated):
    fakes, config = simulated
    random = np.random.default_rng(3)
    done = len(fakes.do("grasp_log"))
    grasps, outcomes = [], []
    with open_cell(config) as cell, SimulationEnvironment(standard()) as direct:
        cell.reset(11)
        direct.reset(11)
        for _ in range(8):
            seen = cell.observe().heightmap
            np.testing.assert_array_equal(seen.height, direct.observe().heightmap.height)
            grasps.append(random_grasp(seen, random))
            tip = direct.tip_height(grasps[-1])
            outcomes.append((cell.execute(grasps[-1]), direct.execute(grasps[-1]), tip))
    assert [ours for ours, _, _ in outcomes] == [theirs for _, theirs, _ in outcomes]
    for grasp, (_, _, tip), log in zip(grasps, outcomes, fakes.do("grasp_log")[done:], strict=True):
        place = np.array([*grasp.xy(config.workspace), tip])
        np.testing.assert_allclose([log["x"], log["y"], log["z"]], place, atol=1e-3)
        assert angle_distance(log["angle"], grasp.angle) < 1e-3


def test_a_stereo_cell_sees_what_the_simulators_camera_shows():
    config = replace(sparse(), sensor="stereo")
    fakes = simulated_cell(workspace=light_workspace(), simulation=config, patience=10.0)
    with fakes as (_, cell_config), open_cell(cell_config) as cell, SimulationEnvironment(config) as direct:
        for environment in (cell, direct):
            environment.reset(4)
        seen, expected = cell.observe(), direct.observe()
        np.testing.assert_array_equal(seen.frame.depth, expected.frame.depth)
        np.testing.assert_array_equal(seen.heightmap.height, expected.heightmap.height)
        np.testing.assert_array_equal(seen.excluded, expected.excluded)
        grasp = random_grasp(seen.heightmap, np.random.default_rng(0))
        assert cell.execute(grasp) is direct.execute(grasp)


FAULTS = [
    ("protective_stop", {}, {}),
    ("drop_link", {"seconds": 0.2}, {}),
    ("gripper", {"fault": "8"}, {"fault": "0"}),
    ("gripper", {"drop_next": True}, {}),
    ("stop_program", {}, {}),
]


@pytest.mark.parametrize(("action", "values", "mended"), FAULTS)
def test_after_a_fault_the_operator_recovers_and_the_scene_is_as_it_was(simulated, action, values, mended):
    fakes, config = simulated
    random = np.random.default_rng(5)
    with open_cell(config) as cell:
        cell.reset(7)
        grasp = random_grasp(cell.observe().heightmap, random)
        done = len(fakes.do("grasp_log"))
        fakes.do(action, **values)
        assert cell.execute(grasp) is Outcome.FAULT
        with pytest.raises(CellStopped):
            cell.observe()
        fakes.do("gripper", **mended)
        recover_when_back(cell)
        cell.observe()
        assert cell.execute(grasp) is not Outcome.FAULT
        assert len(fakes.do("grasp_log")) == done + 1
    report = fakes.do("report")
    assert report["violations"] == []
    box = config.safe_box
    assert np.all(np.array(report["lowest"]) >= np.array(box.low) - 1e-6)
    assert np.all(np.array(report["highest"]) <= np.array(box.high) + 1e-6)
    assert report["top_speed"] <= box.fastest + 1e-9


def test_a_camera_without_picture_stops_the_cell(simulated):
    fakes, config = simulated
    with open_cell(config) as cell:
        cell.reset(1)
        fakes.do("blind", on=True)
        with pytest.raises(CellStopped, match="no picture"):
            cell.observe()
        fakes.do("blind", on=False)
        cell.recover()
        assert np.isfinite(cell.observe().heightmap.height).all()


def test_random_faults_lose_no_attempt_and_move_nothing_by_themselves(simulated):
    """Three of the hundred that ``benchmarks/robot_cell_faults.py`` injects."""
    fakes, config = simulated
    found = Campaign(fakes, config, seed=1).run(shuffled_faults(3, seed=1))
    assert found.faults == found.grasps == 3
    assert found.lost == []
    assert found.moves_after_a_stop == 0
    assert fakes.do("report")["violations"] == []
