"""The 2F-85 driver against a fake that speaks its protocol over a socket."""

import math
import socket
import threading

import pytest

from grasping_student.fakes.robotiq_server import FakeGripper, answer
from grasping_student.robots.faults import Fault, GripperFault
from grasping_student.robots.grippers.base import close_on_object, still_holding
from grasping_student.robots.grippers.robotiq_2f85 import Robotiq2F85, Robotiq2F85Config


@pytest.mark.parametrize("stroke_mm", [0.0, 5.0, 25.0, 42.5, 85.0])
def test_the_fingers_open_as_far_as_they_are_told(gripper, stroke_mm):
    assert gripper.move(stroke_mm).stroke_mm == pytest.approx(stroke_mm, abs=0.4)  # one count is 0.37 mm


@pytest.mark.parametrize("width_mm", [4.0, 20.0, 60.0])
def test_something_between_the_fingers_is_held_and_nothing_is_not(fakes, gripper, width_mm):
    assert not close_on_object(gripper)
    gripper.move(85.0)
    fakes.do("gripper", object_mm=width_mm)
    assert close_on_object(gripper)
    assert gripper.state().stroke_mm == pytest.approx(width_mm, abs=0.4)


def test_an_empty_gripper_that_reports_an_object_is_still_empty(fakes, gripper):
    fakes.do("gripper", closed_reports_object=True)
    assert gripper.move(0.0).object_detected
    assert not close_on_object(gripper)


def test_an_object_lost_in_the_air_is_noticed(fakes, gripper):
    fakes.do("gripper", object_mm=40.0)
    assert close_on_object(gripper)
    fakes.do("lose_object")
    assert not still_holding(gripper)


def test_connecting_to_an_active_gripper_moves_nothing(fakes, gripper):
    fakes.do("gripper", object_mm=40.0)
    gripper.move(0.0)
    before = fakes.do("report")["stroke_mm"]
    gripper.close()
    gripper.connect()
    assert fakes.do("report")["stroke_mm"] == before


def test_a_gripper_is_asked_for_its_state_without_being_activated(fakes, gripper):
    """``cell recover`` asks so: activation would drop what is held."""
    fakes.do("gripper", object_mm=40.0)
    gripper.move(0.0)
    assert gripper.describe() == "fingers 40 mm open"
    gripper.connect()
    gripper._set("ACT", 0)
    before = fakes.do("report")["stroke_mm"]
    assert "not active" in gripper.describe()
    gripper._open()
    assert gripper._get("ACT") == 0 and gripper._get("STA") == 0
    assert fakes.do("report")["stroke_mm"] == before
    fakes.do("gripper", fault="8")
    with pytest.raises(GripperFault, match="too hot"):
        gripper.describe()
    fakes.do("gripper", fault="0")


@pytest.mark.parametrize("stroke_mm", [math.nan, math.inf, -1.0, 85.5])
def test_openings_that_do_not_exist_never_reach_the_gripper(fakes, gripper, stroke_mm):
    before = fakes.do("report")["closes"]
    with pytest.raises(ValueError, match="0 to 85 mm"):
        gripper.move(stroke_mm)
    assert fakes.do("report")["closes"] == before


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"fault": "8"}, "too hot"),
        ({"fault": "0x0B"}, "reads '0x0B'"),
        ({"emergency": True}, "emergency stop"),
        ({"silent": True}, "no answer"),
        ({"garbled": True}, "'@#!'"),
        ({"stuck": True}, "come to rest"),
        ({"drop_next": True}, "gripper"),
        ({"senseless": {"POS": "300"}}, "answered 'POS 300'"),
        ({"senseless": {"POS": "-1"}}, "answered 'POS -1'"),
        ({"senseless": {"OBJ": "nan"}}, "answered 'OBJ nan'"),
        ({"senseless": {"FLT": "?"}}, "reads '?'"),
    ],
)
def test_every_trouble_ends_in_words_and_never_in_waiting(fakes, gripper, trouble, words):
    fakes.do("gripper", **trouble)
    caught = []

    def move_twice():
        try:
            gripper.move(10.0)
            gripper.move(60.0)
        except GripperFault as fault:
            caught.append(fault)

    thread = threading.Thread(target=move_twice, daemon=True)
    thread.start()
    thread.join(5.0)
    assert not thread.is_alive()
    assert words in str(caught[0])


def test_after_a_lost_answer_the_driver_reconnects_only_when_told(fakes, gripper):
    fakes.do("gripper", silent=True)
    with pytest.raises(GripperFault):
        gripper.state()
    fakes.do("gripper", silent=False)
    with pytest.raises(GripperFault, match="not connected"):
        gripper.state()
    gripper.connect()
    assert gripper.state().stroke_mm == pytest.approx(85.0, abs=0.4)


def test_a_gripper_that_never_gets_active_is_given_up(fakes, gripper):
    gripper._set("ACT", 0)
    fakes.do("gripper", never_active=True)
    gripper.close()
    with pytest.raises(GripperFault, match="activate"):
        gripper.connect()
    fakes.do("gripper", never_active=False)
    gripper.connect()
    assert gripper.move(50.0).stroke_mm == pytest.approx(50.0, abs=0.4)


def test_nobody_at_the_address_is_said_with_what_to_check(fakes):
    with pytest.raises(GripperFault, match="URCap") as caught:
        Robotiq2F85(Robotiq2F85Config(fakes.host, 1)).connect()
    assert caught.value.fault is Fault.UNREACHABLE


@pytest.mark.parametrize(
    "values",
    [
        {"speed": 256},
        {"force": -1},
        {"open_count": 230, "closed_count": 3},
        {"port": 0},
        {"closed_margin_mm": -1.0},
        {"answer_timeout": 0.0},
        {"move_timeout": math.inf},
    ],
)
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Robotiq2F85Config(**values)


def test_a_host_that_is_no_name_at_all_is_a_fault_too():
    with pytest.raises(GripperFault, match="no gripper at"):
        Robotiq2F85(Robotiq2F85Config("a" * 70 + ".b")).connect()


def test_a_port_where_somebody_else_answers_is_no_gripper():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak_http():
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n")

        thread = threading.Thread(target=speak_http)
        thread.start()
        driver = Robotiq2F85(Robotiq2F85Config("127.0.0.1", server.getsockname()[1]))
        with pytest.raises(GripperFault, match="answered 'HTTP"):
            driver.connect()
        thread.join()


def test_the_fake_refuses_what_the_real_server_refuses():
    fake = FakeGripper()
    assert answer(fake, ["SET", "POS", "x"]) == "nack"
    assert answer(fake, ["SET", "XYZ", "1"]) == "nack"
    assert answer(fake, []) == "nack"
