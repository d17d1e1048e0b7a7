"""Fakes of the cell's devices, each in a process of its own."""

import pytest

from grasping_student.fakes.launch import FakeCell
from grasping_student.robots.arms.ur5e import Ur5e, Ur5eConfig
from grasping_student.robots.grippers.robotiq_2f85 import Robotiq2F85, Robotiq2F85Config


@pytest.fixture(scope="session")
def rtde():
    """The arm's vendor library, which has no wheels for every Python."""
    return pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")


@pytest.fixture(scope="module")
def fakes(rtde):
    """Arm and gripper, ten times faster than real."""
    with FakeCell(speedup=10.0) as cell:
        yield cell


@pytest.fixture
def arm(fakes):
    """The real driver on the fake arm, standing 40 cm above the table.

    Time limits are the loosest that the driver takes: on a crowded machine a process may not run for a second.
    """
    for switch in ("freeze", "mute", "nan_state"):
        fakes.do(switch, on=False)
    fakes.do("senseless", values={})
    fakes.do("release_emergency_stop")
    fakes.do("robot_mode", mode=7)
    fakes.do("surface", height=None)
    driver = Ur5e(Ur5eConfig(fakes.host, watchdog_frequency=0.5, stale_after=2.0))
    driver.recover()  # an earlier test may have left a stop behind
    fakes.do("place_tool", pose=[0.0, -0.45, 0.40, 3.141592653589793, 0.0, 0.0])
    yield driver
    driver.close()


@pytest.fixture
def gripper(fakes):
    """The real driver on the fake gripper, active and open."""
    fakes.do(
        "gripper",
        object_mm=None,
        fault="0",
        emergency=False,
        silent=False,
        garbled=False,
        stuck=False,
        never_active=False,
        closed_reports_object=False,
        drop_next=False,
        senseless={},
    )
    config = Robotiq2F85Config(
        fakes.host, fakes.gripper_port, answer_timeout=0.5, move_timeout=0.7, activation_timeout=1.0
    )
    driver = Robotiq2F85(config)
    driver.connect()
    driver.move(85.0)
    yield driver
    driver.close()
