"""What every gripper promises. To put another under contract, add a function to ``GRIPPERS``."""

import math
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.contracts.device_examples import example

from grasping_student.fakes.launch import FakeCell
from grasping_student.robots.cell.config import CellConfig, DeviceConfig
from grasping_student.robots.cell.devices import make_gripper
from grasping_student.robots.cell.dry_run import DryRunGripper, MotionLog
from grasping_student.robots.faults import GripperFault
from grasping_student.robots.grippers.base import GRIPPERS as REGISTERED
from grasping_student.robots.grippers.base import close_on_object, still_holding
from grasping_student.robots.grippers.robotiq_2f85 import Robotiq2F85, Robotiq2F85Config
from grasping_student.robots.pose import tool_down


@contextmanager
def robotiq():
    with FakeCell(speedup=10.0) as fakes:
        driver = Robotiq2F85(Robotiq2F85Config(fakes.host, fakes.gripper_port))
        yield driver, lambda width_mm: fakes.do("gripper", object_mm=width_mm)


@contextmanager
def dry_run():
    driver = DryRunGripper(MotionLog(tool_down(0.0, -0.45, 0.3, 0.0), log=lambda line: None), object_mm=0.0)
    yield driver, lambda width_mm: setattr(driver, "_object_mm", width_mm or 0.0)


@contextmanager
def documented():
    example("add-a-gripper.md")
    driver = make_gripper(replace(CellConfig(), gripper=DeviceConfig("acme")))
    try:
        yield driver, lambda width_mm: setattr(driver._library, "width", width_mm or 0.0)
    finally:
        REGISTERED.classes.pop("acme", None)


GRIPPERS = {"robotiq-2f85": robotiq, "dry run": dry_run, "documented": documented}
"""Name -> context that yields a gripper, not connected, and what puts an object of a width between its fingers."""


@pytest.fixture(params=GRIPPERS, scope="module")
def hands(request):
    with GRIPPERS[request.param]() as (gripper, put):
        gripper.connect()
        yield gripper, put
        gripper.close()


@pytest.fixture
def gripper(hands):
    made, put = hands
    put(None)
    made.move(made.longest_stroke_mm)
    return made


def test_the_fingers_go_where_they_are_told(gripper):
    for stroke_mm in (10.0, 60.0, gripper.longest_stroke_mm):
        state = gripper.move(stroke_mm)
        assert state.stroke_mm == pytest.approx(stroke_mm, abs=0.5)
        assert not state.fully_closed


def test_nothing_between_the_fingers_is_nothing_held(gripper):
    assert not close_on_object(gripper)
    assert gripper.state().fully_closed


def test_something_between_the_fingers_is_held_until_they_open(hands, gripper):
    _, put = hands
    put(35.0)
    assert close_on_object(gripper)
    assert still_holding(gripper)
    assert gripper.state().stroke_mm == pytest.approx(35.0, abs=0.5)
    put(None)
    assert not gripper.move(gripper.longest_stroke_mm).object_detected


@pytest.mark.parametrize("stroke_mm", [-0.1, math.nan, math.inf, 1e4])
def test_openings_that_do_not_exist_are_refused(gripper, stroke_mm):
    before = gripper.state()
    with pytest.raises(ValueError, match="mm"):
        gripper.move(stroke_mm)
    assert gripper.state() == before


def test_holding_does_no_harm(gripper):
    gripper.move(40.0)
    gripper.hold()
    assert gripper.state().stroke_mm == pytest.approx(40.0, abs=0.5)


@pytest.mark.parametrize("name", ["robotiq-2f85", "documented"])
def test_before_connecting_and_after_closing_its_state_is_a_fault(name):
    with GRIPPERS[name]() as (made, _):
        with pytest.raises(GripperFault):
            made.state()
        made.connect()
        made.close()
        made.close()
        with pytest.raises(GripperFault):
            made.state()
