"""What every arm promises. To put another under contract, add a function to ``ARMS``."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from tests.contracts.device_examples import example

from grasping_student.fakes.launch import FakeCell
from grasping_student.robots.arms.base import ARMS as REGISTERED
from grasping_student.robots.arms.ur5e import Ur5e, Ur5eConfig
from grasping_student.robots.cell.config import CellConfig, DeviceConfig
from grasping_student.robots.cell.devices import make_arm
from grasping_student.robots.cell.dry_run import DryRunArm, MotionLog
from grasping_student.robots.faults import ArmFault
from grasping_student.robots.pose import tool_down

HERE = tool_down(0.05, -0.45, 0.30, 0.2)


@contextmanager
def ur5e():
    pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")
    with FakeCell(speedup=10.0) as fakes:
        yield Ur5e(Ur5eConfig(fakes.host, watchdog_frequency=0.7, stale_after=1.2))


@contextmanager
def dry_run():
    yield DryRunArm(MotionLog(HERE, log=lambda line: None))


@contextmanager
def documented():
    example("add-an-arm.md")
    try:
        yield make_arm(replace(CellConfig(), arm=DeviceConfig("acme", {"address": "10.0.0.9"})))
    finally:
        REGISTERED.classes.pop("acme", None)


ARMS = {"ur5e": ur5e, "dry run": dry_run, "documented": documented}
"""Name -> context that yields an arm, not connected; a missing library is a ``pytest.skip`` in there."""


@pytest.fixture(params=ARMS, scope="module")
def arm(request):
    with ARMS[request.param]() as made, made:
        yield made


def test_it_knows_where_it_is_and_that_it_is_ready(arm):
    state = arm.state()
    assert state.ready and state.stop is None
    assert state.pose.finite
    assert state.age() < 1.0


def test_a_move_ends_where_it_was_sent_and_says_so(arm):
    reached = arm.move(HERE, 0.3, 1.0)
    np.testing.assert_allclose(reached.values, HERE.values, atol=1e-4)
    assert arm.state().pose.is_at(HERE)


def test_a_descent_through_air_goes_all_the_way(arm):
    arm.move(HERE, 0.3, 1.0)
    descent = arm.descend(HERE.at_height(0.25), 0.05, 1.0, force=15.0)
    assert not descent.contact
    assert descent.pose.z == pytest.approx(0.25, abs=1e-3)


def test_stopping_an_arm_at_rest_does_no_harm_and_moves_nothing(arm):
    before = arm.state().pose
    arm.stop()
    arm.recover()
    assert arm.state().pose.is_at(before)
    assert arm.state().ready


@pytest.mark.parametrize("name", ["ur5e", "documented"])
def test_before_connecting_and_after_closing_its_state_is_a_fault(name):
    with ARMS[name]() as made:
        with pytest.raises(ArmFault):
            made.state()
        made.connect()
        made.connect()
        assert made.state().pose.finite
        made.close()
        made.close()
        with pytest.raises(ArmFault):
            made.state()
