"""Robotiq 2F-85 behind the ASCII server that its URCap runs on the arm's controller (port 63352)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from grasping_student.robots.connection import check_host
from grasping_student.robots.faults import Fault, GripperFault
from grasping_student.robots.grippers.base import Gripper, GripperConfig, GripperState, check_stroke, register_gripper

STROKE_MM = 85.0
ACTIVE = 3
REST_SECONDS = 0.05
"""Fingers that have not moved for this long stand still."""

_STOPPED_CLOSING, _STOPPED_OPENING, _AT_REQUEST = 2, 1, 3
_FAULTS = {
    5: "a move was asked for before activation was complete",
    7: "it must be activated before it moves",
    8: "it is too hot; let it cool down",
    9: "no communication with the controller for a second",
    10: "its supply voltage is below 21.6 V",
    11: "automatic release is in progress",
    12: "it has an internal fault; contact the maker",
    13: "activation failed: is something in the way of the fingers?",
    14: "its current is too high",
    15: "automatic release is complete",
}


@register_gripper("robotiq-2f85")
@dataclass(frozen=True)
class Robotiq2F85Config(GripperConfig):
    """Address, strength and time limits of a 2F-85."""

    host: str = "192.168.1.10"
    """Address of the arm's controller, which passes the commands on."""

    port: int = 63352
    """Port of the gripper's server."""

    speed: int = 128
    """0 (slow) to 255 (fast)."""

    force: int = 80
    """0 (weak) to 255 (strong)."""

    open_count: int = 3
    """Position count of the open gripper."""

    closed_count: int = 230
    """Position count at which the empty fingers touch."""

    closed_margin_mm: float = 3.0
    """An opening below this counts as fully closed, millimetres."""

    answer_timeout: float = 1.0
    """Longest wait for one answer, seconds."""

    move_timeout: float = 3.0
    """Longest wait for the fingers to come to rest, seconds."""

    activation_timeout: float = 8.0
    """Longest wait for activation, seconds."""

    def __post_init__(self) -> None:
        check_host(self.host)
        for name in ("speed", "force", "open_count", "closed_count"):
            if not 0 <= getattr(self, name) <= 255:
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie in 0 to 255")
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port is {self.port}; it must lie in 1 to 65535")
        if not 0.1 <= self.closed_margin_mm <= 20.0:
            raise ValueError(f"closed_margin_mm is {self.closed_margin_mm}; it must lie in 0.1 to 20, in millimetres")
        for name, most in (("answer_timeout", 5.0), ("move_timeout", 10.0), ("activation_timeout", 30.0)):
            if not 0.0 < getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)} s; it must be above 0 and at most {most:g}")
        if self.open_count >= self.closed_count:
            raise ValueError(f"open_count is {self.open_count}, closed_count {self.closed_count}: open is the smaller")

    def make(self) -> Gripper:
        return Robotiq2F85(self)

    def status(self) -> str:
        return Robotiq2F85(self).describe()


class Robotiq2F85(Gripper):
    """Driver of a 2F-85; see ``Gripper`` for the methods."""

    def __init__(self, config: Robotiq2F85Config) -> None:
        self._config = config
        self._socket: socket.socket | None = None
        self._buffer = b""

    @property
    def longest_stroke_mm(self) -> float:
        return STROKE_MM

    def connect(self) -> None:
        self._open()
        try:
            self._activate()
        except BaseException:
            self.close()
            raise

    def describe(self) -> str:
        """Opening of the fingers, or that they are not active, for a person to read; nothing is activated.

        Raises:
            GripperFault: no answer, or the gripper reports a fault.
        """
        self._open()
        try:
            self._refuse_fault()
            if not self._is_active():
                return "the gripper is not active, the next run opens and closes its fingers to activate it"
            return f"fingers {self.state().stroke_mm:.0f} mm open"
        finally:
            self.close()

    def _open(self) -> None:
        if self._socket is not None:
            return
        config = self._config
        try:
            self._socket = socket.create_connection((config.host, config.port), timeout=config.answer_timeout)
        except (OSError, ValueError) as error:  # a host that is no name at all is a ValueError
            raise GripperFault(
                Fault.UNREACHABLE,
                f"no gripper at {config.host}:{config.port} ({error}); is its URCap installed, is it powered?",
            ) from None
        self._buffer = b""

    def _is_active(self) -> bool:
        return self._get("STA") == ACTIVE and self._get("ACT") == 1

    def _activate(self) -> None:
        """The activation dance: only an inactive gripper is reset, because activation opens and closes it."""
        self._refuse_fault()
        if self._is_active():
            return
        self._set("ACT", 0, "ATR", 0)
        self._wait(lambda: self._get("ACT") == 0 and self._get("STA") == 0, self._config.activation_timeout, "reset")
        self._set("ACT", 1)
        self._wait(lambda: self._get("STA") == ACTIVE, self._config.activation_timeout, "activate")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def state(self) -> GripperState:
        self._refuse_fault()
        stroke = self._stroke_mm(self._get("POS"))
        return GripperState(
            stroke_mm=stroke,
            object_detected=self._get("OBJ") in (_STOPPED_CLOSING, _STOPPED_OPENING),
            fully_closed=stroke < self._config.closed_margin_mm,
        )

    def move(self, stroke_mm: float) -> GripperState:
        check_stroke(stroke_mm, STROKE_MM)
        count = self._count(stroke_mm)
        self._refuse_fault()
        self._set("POS", count, "SPE", self._config.speed, "FOR", self._config.force, "GTO", 1)
        # Until PRE echoes the request, OBJ still speaks of the move before.
        self._wait(lambda: self._get("PRE") == count, self._config.move_timeout, "take the move")
        seen = [self._get("POS")]

        def at_rest() -> bool:
            # OBJ keeps the word of an equal move before, so the fingers must also be seen to stand still.
            time.sleep(REST_SECONDS)
            seen.append(self._get("POS"))
            return self._get("OBJ") != 0 and seen[-1] == seen[-2]

        self._wait(at_rest, self._config.move_timeout, "come to rest")
        return self.state()

    def hold(self) -> None:
        try:
            self._set("GTO", 0)
        except GripperFault:
            return  # a gripper that can't be reached keeps its grip by itself

    def _count(self, stroke_mm: float) -> int:
        """Position count of an opening; fully closed asks for all the way, so that the fingers press."""
        config = self._config
        if stroke_mm <= 0.0:
            return 255
        share = 1.0 - stroke_mm / STROKE_MM
        return round(config.open_count + share * (config.closed_count - config.open_count))

    def _stroke_mm(self, count: int) -> float:
        config = self._config
        share = (config.closed_count - count) / (config.closed_count - config.open_count)
        return min(max(share, 0.0), 1.0) * STROKE_MM

    def _refuse_fault(self) -> None:
        answer = self._ask("GET FLT")
        if not answer.startswith("FLT "):
            raise self._lost(f"the gripper answered '{answer}' to GET FLT")
        word = answer.removeprefix("FLT ")
        try:
            number = int(word)
        except ValueError:
            raise GripperFault(
                Fault.GRIPPER_FAULT,
                f"the gripper's fault reads '{word}': is the arm in an emergency stop or without power?",
            ) from None
        if number != 0:
            what = _FAULTS.get(number, f"fault {number}")
            raise GripperFault(Fault.GRIPPER_FAULT, f"gripper: {what}")

    def _wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            self._refuse_fault()
            if time.monotonic() > deadline:
                raise GripperFault(Fault.GRIPPER_FAULT, f"the gripper did not {what} within {seconds:.0f} s")
            time.sleep(0.01)

    def _get(self, name: str) -> int:
        answer = self._ask(f"GET {name}")
        word = answer.removeprefix(f"{name} ")
        if word == "?":
            raise GripperFault(
                Fault.GRIPPER_FAULT, "the gripper has no value to give: the arm is in an emergency stop or off"
            )
        if not (answer.startswith(f"{name} ") and word.isascii() and word.isdecimal() and int(word) <= 255):
            raise self._lost(f"the gripper answered '{answer}' to GET {name}")
        return int(word)

    def _set(self, *command: str | int) -> None:
        answer = self._ask("SET " + " ".join(map(str, command)))
        if answer != "ack":
            raise self._lost(f"the gripper answered '{answer}' to SET {command[0]}")

    def _ask(self, line: str) -> str:
        """One line out, one line in; after any doubt about which answer belongs to which line the link is dropped."""
        if self._socket is None:
            raise GripperFault(Fault.LINK_LOST, "the gripper is not connected")
        deadline = time.monotonic() + self._config.answer_timeout
        try:
            self._socket.sendall(line.encode("ascii") + b"\n")
            while b"\n" not in self._buffer:
                self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
                chunk = self._socket.recv(4096)
                if not chunk:
                    raise self._lost("the gripper's server closed the connection")
                self._buffer += chunk
        except OSError as error:
            raise self._lost(f"no answer from the gripper ({error})") from None
        answer, _, self._buffer = self._buffer.partition(b"\n")
        return answer.decode("ascii", "replace").strip()

    def _lost(self, what: str) -> GripperFault:
        self.close()
        return GripperFault(Fault.LINK_LOST, f"{what}; look at its cable, then `grasping-student cell recover`")
