"""The UR5e driver with the vendor's real client against a fake controller in another process."""

import importlib
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from grasping_student.fakes.launch import FakeCell
from grasping_student.pipeline.errors import UserError
from grasping_student.robots import connection
from grasping_student.robots.arms.ur5e import Ur5e, Ur5eConfig
from grasping_student.robots.connection import DeviceLock
from grasping_student.robots.faults import ArmFault, Fault
from grasping_student.robots.pose import tool_down

FAR = tool_down(0.15, -0.40, 0.25, 0.3)
LOST = {Fault.LINK_LOST, Fault.STALE}
"""Two names of one trouble: the closed connection or the old state, whichever is noticed first."""


def settled_pose(fakes):
    """The fake arm's pose once it stands still; fails if it never does."""
    for _ in range(100):
        before = fakes.do("report")
        time.sleep(0.05)
        after = fakes.do("report")
        if before["pose"] == after["pose"] and not after["moving"]:
            return np.array(after["pose"])
    raise AssertionError("the arm still moves")


def during_a_move(fakes, driver, action, speed=0.001):
    """Do something to the fakes in the middle of a move; returns what the move raised."""
    raised = []

    def move():
        try:
            driver.move(FAR, speed, 1.0)
        except (ArmFault, UserError) as error:
            raised.append(error)

    before = len(fakes.do("report")["moves"])
    thread = threading.Thread(target=move, daemon=True)
    thread.start()
    wait_for_a_move(fakes, before)
    action()
    thread.join(20.0)  # how soon is measured by benchmarks/robot_cell_links.py; here only that it comes back
    assert not thread.is_alive(), "the driver hangs"
    return raised[0]


def wait_for_a_move(fakes, before):
    """Until the fake arm is in the middle of the next move after the first ``before``."""
    for _ in range(400):
        told = fakes.do("report")
        if len(told["moves"]) > before and told["moving"]:
            return
        time.sleep(0.05)
    raise AssertionError("the move does not begin")


def test_moves_end_where_they_were_sent(fakes, arm):
    reached = arm.move(FAR, 0.3, 1.0)
    np.testing.assert_allclose(reached.values, FAR.values, atol=1e-6)
    np.testing.assert_allclose(fakes.do("report")["pose"], FAR.values, atol=1e-6)
    assert arm.state().ready


def test_a_descent_stops_on_contact_and_else_goes_all_the_way(fakes, arm):
    free = arm.descend(arm.state().pose.at_height(0.35), 0.05, 1.0, force=15.0)
    assert not free.contact
    assert free.pose.z == pytest.approx(0.35, abs=1e-4)
    fakes.do("surface", height=0.30)
    stopped = arm.descend(free.pose.at_height(0.20), 0.02, 1.0, force=15.0)
    assert stopped.contact
    assert stopped.force > 15.0
    assert 0.27 < stopped.pose.z < 0.30


def test_the_force_sensor_is_zeroed_before_a_descent(fakes, arm):
    assert abs(arm.state().force[2]) == pytest.approx(4.0) or arm.state().force[2] == pytest.approx(0.0)
    arm.descend(arm.state().pose.at_height(0.38), 0.05, 1.0, force=2.0)  # 4 N of offset would stop it at once
    assert arm.state().pose.z == pytest.approx(0.38, abs=1e-4)


@pytest.mark.parametrize(
    ("action", "values", "faults"),
    [
        ("protective_stop", {}, {Fault.PROTECTIVE_STOP}),
        ("emergency_stop", {}, {Fault.EMERGENCY_STOP}),
        ("drop_link", {"seconds": 0.5}, LOST),
        ("restart", {"seconds": 0.3}, LOST),
        ("freeze", {"on": True}, {Fault.STALE}),
        ("mute", {"on": True}, {Fault.STALE}),
        ("nan_state", {"on": True}, {Fault.STALE}),
        ("senseless", {"values": {"actual_TCP_force": [math.nan] * 6}}, {Fault.STALE}),
        ("senseless", {"values": {"actual_TCP_speed": [math.inf] * 6}}, {Fault.STALE}),
        ("robot_mode", {"mode": 42}, {Fault.STALE}),
        # the vendor's call that feeds the watchdog waits for seconds if the program has ended just before it
        ("stop_program", {}, {Fault.NOT_READY, Fault.STALE}),
    ],
)
def test_trouble_in_a_move_is_named_stops_the_arm_and_waits_for_the_operator(fakes, arm, action, values, faults):
    moves = len(fakes.do("report")["moves"])
    error = during_a_move(fakes, arm, lambda: fakes.do(action, **values))
    assert error.fault in faults
    stopped = settled_pose(fakes)
    assert np.linalg.norm(stopped[:3] - FAR.position) > 0.01, "the move went on to its end"

    for switch in ("freeze", "mute", "nan_state"):
        fakes.do(switch, on=False)
    fakes.do("senseless", values={})
    if action == "robot_mode":
        fakes.do("robot_mode", mode=7)
    time.sleep(0.6)  # the trouble is over: nothing may move by itself now
    with pytest.raises(ArmFault):
        arm.move(FAR, 0.3, 1.0)
    if action == "emergency_stop":
        with pytest.raises(ArmFault, match="red button"):
            arm.recover()
        fakes.do("release_emergency_stop")
    arm.recover()
    np.testing.assert_array_equal(settled_pose(fakes), stopped)
    assert len(fakes.do("report")["moves"]) == moves + 1
    arm.move(FAR, 0.3, 1.0)


def test_a_dying_driver_process_stops_the_arm(fakes, arm):
    error = during_a_move(fakes, arm, lambda: arm.driver_process.kill())
    assert error.fault in LOST
    settled_pose(fakes)


def test_a_hanging_driver_process_is_ended_and_the_arm_stops(fakes, arm):
    error = during_a_move(fakes, arm, lambda: arm.driver_process.send_signal(signal.SIGSTOP))
    assert error.fault is Fault.STALE
    settled_pose(fakes)
    assert arm.driver_process.poll() is not None


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGSTOP])
def test_a_controller_that_dies_or_hangs_in_a_move_is_answered(rtde, ending):
    """All of it at once: no data, no script port, no dashboard."""
    with FakeCell(speedup=10.0) as own:
        driver = Ur5e(Ur5eConfig(own.host, watchdog_frequency=0.5, stale_after=2.0))
        driver.connect()
        error = during_a_move(own, driver, lambda: os.kill(own.process_id, ending))
        assert error.fault in LOST
        assert "own watchdog stops it" in str(error)
        with pytest.raises(ArmFault):
            driver.move(FAR, 0.3, 1.0)
        driver.close()
        if ending == signal.SIGSTOP:
            os.kill(own.process_id, signal.SIGCONT)
            stopped = settled_pose(own)
            assert np.linalg.norm(stopped[:3] - FAR.position) > 0.01, "the move went on to its end"


def test_what_the_dashboard_knows_is_said_instead_of_a_stale_state(fakes, arm):
    """A state can be too old to tell of the red button; the second channel still does."""
    fakes.do("mute", on=True)
    fakes.do("emergency_stop")
    with pytest.raises(ArmFault, match="red button") as caught:
        for _ in range(200):
            arm.state()
            time.sleep(0.05)
    assert caught.value.fault is Fault.EMERGENCY_STOP


def test_stop_from_another_thread_ends_the_move(fakes, arm):
    error = during_a_move(fakes, arm, arm.stop)
    assert error.fault is Fault.STOPPED
    settled_pose(fakes)
    arm.move(FAR, 0.3, 1.0)


def test_numbers_that_are_not_finite_never_reach_the_arm(fakes, arm):
    for pose, speed in ((tool_down(math.nan, 0, 0, 0), 0.1), (FAR, math.nan), (FAR, math.inf)):
        with pytest.raises(ValueError, match=r"not JSON compliant|Out of range"):
            arm.move(pose, speed, 1.0)
    assert fakes.do("report")["violations"] == []


def test_a_second_process_can_not_take_the_arm(fakes, arm):
    code = f"""
        from grasping_student.robots.arms.ur5e import Ur5e, Ur5eConfig
        Ur5e(Ur5eConfig({fakes.host!r})).connect()
    """
    second = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode != 0
    assert f"in use by process {os.getpid()}" in second.stderr
    assert arm.state().ready


def test_the_controller_itself_takes_one_client_only(fakes, arm):
    """Another machine does not see our lock file; the controller's registers are the second lock."""
    other = Ur5e(Ur5eConfig(fakes.host))
    other._lock.acquire = lambda: None
    other._lock._descriptor = os.open(os.devnull, os.O_RDONLY)
    with pytest.raises(ArmFault, match="in use"):
        other.connect()
    assert arm.state().ready


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ending_the_program_in_a_move_leaves_the_arm_stopped_and_free(fakes, arm, gripper, ending):
    gripper.move(40.0)
    arm.close()
    code = f"""
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from grasping_student.robots.pose import tool_down
        from grasping_student.robots.arms.ur5e import Ur5e, Ur5eConfig
        with Ur5e(Ur5eConfig({fakes.host!r}, watchdog_frequency=0.5, stale_after=2.0)) as arm:
            print("moving", flush=True)
            arm.move(tool_down(0.15, -0.40, 0.25, 0.3), 0.001, 1.0)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as program:
        before = len(fakes.do("report")["moves"])
        assert program.stdout.readline() == "moving\n"
        wait_for_a_move(fakes, before)
        program.send_signal(ending)
        program.wait(30)
    stopped = settled_pose(fakes)
    assert np.linalg.norm(stopped[:3] - FAR.position) > 0.01
    assert fakes.do("report")["stroke_mm"] == pytest.approx(40.0, abs=0.4)
    arm.recover()  # the lock is free again
    np.testing.assert_array_equal(settled_pose(fakes), stopped)


def test_two_names_of_one_controller_are_one_lock(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # a lock of one's own folder would be none
    first, second = DeviceLock("UR test arm", "127.0.0.1"), DeviceLock("UR test arm", "localhost")
    first.acquire()
    with pytest.raises(UserError, match=f"in use by process {os.getpid()}"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_another_users_lock_file_can_be_locked_but_not_stolen(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "FOLDER", tmp_path)
    ours, theirs = DeviceLock("UR arm", "127.0.0.1"), DeviceLock("UR arm", "127.0.0.1")
    theirs.acquire()
    really_open = os.open

    def only_readable(path, flags, *mode):
        if flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied")
        return really_open(path, flags, *mode)

    monkeypatch.setattr(os, "open", only_readable)
    with pytest.raises(UserError, match="in use by process"):
        ours.acquire()
    theirs.release()
    ours.acquire()
    ours.release()


def test_a_descent_that_ends_early_without_contact_is_a_failed_move(fakes, arm, monkeypatch):
    here = arm.state().pose
    monkeypatch.setattr(arm, "_command", lambda name, pose, **values: {"pose": here.values, "contact": None})
    with pytest.raises(ArmFault, match="20 mm from where it was sent"):
        arm.descend(here.at_height(here.z - 0.02), 0.05, 1.0, force=15.0)


def test_nobody_at_the_address_is_said_with_what_to_check(rtde):
    with pytest.raises(ArmFault, match="is the cable in") as caught:
        Ur5e(Ur5eConfig("127.250.250.250")).connect()
    assert caught.value.fault is Fault.UNREACHABLE


def test_states_before_connecting_are_refused(fakes):
    with pytest.raises(ArmFault, match="not connected"):
        Ur5e(Ur5eConfig(fakes.host)).state()


@pytest.mark.parametrize("values", [{"stale_after": 0.0}, {"watchdog_frequency": 0.1}, {"connect_timeout": 0.0}])
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Ur5eConfig(**values)


def test_without_the_vendors_client_one_sentence_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.import_module("grasping_student.pipeline.errors"), "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"ur-rtde is not installed.*'robot'"):
        Ur5e(Ur5eConfig(host="127.0.0.1")).connect()
