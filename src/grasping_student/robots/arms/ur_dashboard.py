"""A UR controller's dashboard port: modes, stop, power, unlocking. Plain text, with time-outs everywhere."""

from __future__ import annotations

import socket
from typing import TextIO

from grasping_student.robots.faults import ArmFault, Fault

DASHBOARD_PORT = 29999
_QUESTIONS = ("robotmode", "safetystatus", "running")


def ask(host: str, *commands: str, timeout: float = 1.0) -> list[str]:
    """Send commands over one connection and return their answers.

    Raises:
        ArmFault: the controller can't be reached or does not answer within ``timeout`` seconds a line.
    """
    try:
        with socket.create_connection((host, DASHBOARD_PORT), timeout=timeout) as connection:
            lines = connection.makefile("r", encoding="utf-8", errors="replace")
            _line(lines, host)  # the greeting
            answers = []
            for command in commands:
                connection.sendall(command.encode("ascii") + b"\n")
                answers.append(_line(lines, host))
            return answers
    except (OSError, ValueError) as error:  # a host that is no name at all is a ValueError
        raise ArmFault(
            Fault.UNREACHABLE,
            f"no answer from the arm's controller at {host}:{DASHBOARD_PORT} ({error}); is it switched on, "
            "is the cable in, is `arm.options.host` in the cell's file right?",
        ) from None


def _line(lines: TextIO, host: str) -> str:
    line = lines.readline()
    if not line:
        raise OSError(f"{host} closed the connection")
    return line.strip()


def status(host: str) -> tuple[str, str]:
    """Robot mode and safety status, for example ``("RUNNING", "NORMAL")``."""
    mode, safety = ask(host, "robotmode", "safetystatus")
    return mode.rpartition(":")[2].strip(), safety.rpartition(":")[2].strip()


def describe(host: str) -> str:
    """Mode, safety and program for a person to read, or that there is no answer."""
    try:
        mode, safety, program = (line.rpartition(":")[2].strip() for line in ask(host, *_QUESTIONS, timeout=0.5))
    except ArmFault:
        return "no answer"
    state = "runs" if program == "true" else "stopped"
    return f"{mode.lower().replace('_', ' ')}, safety {safety.lower().replace('_', ' ')}, program {state}"


def serial(host: str) -> str:
    """The arm's serial number, or an empty text if there is no answer."""
    try:
        (answer,) = ask(host, "get serial number", timeout=0.5)
    except ArmFault:
        return ""
    return answer if answer.isdecimal() else ""


def require_ready(host: str) -> None:
    """Check that the arm takes commands.

    Raises:
        ArmFault: it does not; the message says why and what to do.
    """
    mode, safety = status(host)
    refuse_stopped(safety)
    if mode != "RUNNING":
        raise ArmFault(Fault.NOT_READY, f"the arm is {mode}; switch it on and release the brakes (`cell recover`)")
    if "true" not in ask(host, "is in remote control")[0].lower():
        raise ArmFault(Fault.NOT_READY, "the arm is in local control; choose Remote on its tablet")


def refuse_stopped(safety: str) -> None:
    """Raise the fault that a safety status stands for, if it stands for one."""
    if "PROTECTIVE" in safety:
        raise ArmFault(
            Fault.PROTECTIVE_STOP,
            "the arm is in a protective stop: look at what it touched, free it, then `grasping-student cell recover`",
        )
    if "EMERGENCY" in safety:
        raise ArmFault(
            Fault.EMERGENCY_STOP,
            "the emergency stop is pressed: clear the cell, turn the red button back, then "
            "`grasping-student cell recover`",
        )
    if safety not in ("NORMAL", "REDUCED"):
        raise ArmFault(Fault.NOT_READY, f"the arm's safety status is {safety}; see its tablet")


def stop_program(host: str, timeout: float = 0.5) -> str | None:
    """End the running program, which brakes the arm.

    Returns:
        The safety status, for example ``"NORMAL"``; None if the controller did not answer.
    """
    try:
        _, safety = ask(host, "stop", "safetystatus", timeout=timeout)
    except ArmFault:
        return None
    return safety.rpartition(":")[2].strip()
