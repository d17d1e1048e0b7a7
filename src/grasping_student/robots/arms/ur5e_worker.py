"""The process that alone talks to ``ur-rtde``; started by ``ur5e.py``, one line of JSON each way.

The vendor's client holds Python's lock in constructors, reconnects and repeats a command by itself after a lost link,
and can abort at exit. So: this process uses asynchronous moves only, dies at the first sign of a lost link, is killed
by the system (an alarm with its default action) when any call takes too long, and leaves without destructors.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import select
import signal
import socket
import sys
import time
from typing import Any

PERIOD = 0.01
ALARM = 2.0
"""Seconds that a call into the vendor's library may take before the system ends this process."""

LATEST_BEGIN = 1.0
"""A move that has not begun after so many seconds is over: the controller did not do it."""

HEARTBEAT_TIMEOUT = 0.5
LINK_LOST_EXIT = 3


class Worker:
    """Runs one command at a time, publishes the state, keeps the controller's watchdog fed."""

    def __init__(self, connection: socket.socket, options: argparse.Namespace) -> None:
        self._connection, self._options = connection, options
        self._buffer = b""
        self._command: dict[str, Any] | None = None
        self._issued = self._heard = self._changed = time.monotonic()
        self._timestamp = self._kicked = -1.0
        self._stopping = self._began = False
        self._settled = 0

    def start(self) -> None:
        """Connect the vendor's clients; slow calls, so the alarm is longer."""
        signal.setitimer(signal.ITIMER_REAL, self._options.connect_timeout)
        from rtde_control import RTDEControlInterface
        from rtde_receive import RTDEReceiveInterface

        variables = [
            "timestamp",
            "actual_TCP_pose",
            "actual_TCP_speed",
            "actual_TCP_force",
            "robot_mode",
            "safety_mode",
            "safety_status_bits",
            "runtime_state",
        ]
        self._receive = RTDEReceiveInterface(self._options.host, 125.0, variables)
        self._control = RTDEControlInterface(self._options.host, 125.0)
        if not self._control.setWatchdog(self._options.watchdog):
            raise RuntimeError("the controller refused the watchdog")
        self._send({"ready": True})

    def run(self) -> None:
        """Serve until the parent goes, the link goes, or a quit comes."""
        while True:
            began = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, ALARM)
            self._receive_commands()
            if not (self._receive.isConnected() and self._control.isConnected()):
                self._leave(LINK_LOST_EXIT)
            state = self._state()
            parent_silent = began - self._heard > HEARTBEAT_TIMEOUT
            if self._command is not None:
                self._advance(state, parent_silent)
            self._kick(state, parent_silent)
            self._send({"state": state})
            select.select([self._connection], [], [], max(0.0, PERIOD - (time.monotonic() - began)))

    def _kick(self, state: dict[str, Any], parent_silent: bool) -> None:
        """Feed the controller's watchdog three times as often as it asks for.

        Not in every round: the call waits for its answer, and for seconds if the program has just ended.
        """
        # A parent that computes may fall silent; only while the arm moves is silence a reason to stop.
        wanted = state["runtime_state"] == 2 and not (parent_silent and self._command is not None)
        if wanted and time.monotonic() - self._kicked > 1.0 / (3.0 * self._options.watchdog):
            self._kicked = time.monotonic()
            self._control.kickWatchdog()

    def _state(self) -> dict[str, Any]:
        stamp = self._receive.getTimestamp()
        if stamp != self._timestamp:
            self._timestamp, self._changed = stamp, time.monotonic()
        return {
            "time": self._changed,
            "pose": list(self._receive.getActualTCPPose()),
            "speed": math.hypot(*self._receive.getActualTCPSpeed()[:3]),
            "force": list(self._receive.getActualTCPForce()[:3]),
            "robot_mode": self._receive.getRobotMode(),
            "safety_mode": self._receive.getSafetyMode(),
            "runtime_state": self._receive.getRuntimeState(),
        }

    def _receive_commands(self) -> None:
        while select.select([self._connection], [], [], 0.0)[0]:
            chunk = self._connection.recv(65536)
            if not chunk:
                self._leave(0)
            self._buffer += chunk
            *lines, self._buffer = self._buffer.split(b"\n")
            for line in lines:
                self._heard = time.monotonic()
                self._take(json.loads(line))

    def _take(self, command: dict[str, Any]) -> None:
        name = command["do"]
        if name == "heartbeat":
            return
        if name == "quit":
            self._leave(0)
        if name == "stop":
            if self._command is not None:
                self._finish({"error": "stopped"})
            self._command, self._issued, self._settled = command, time.monotonic(), 0
            self._began = False
            self._control.stopL(5.0, True)
        elif self._command is not None:
            self._send({"id": command["id"], "error": "busy"})
        else:
            self._command, self._issued, self._settled = command, time.monotonic(), 0
            self._began = False
            self._stopping = False
            self._begin(command)

    def _begin(self, command: dict[str, Any]) -> None:
        name = command["do"]
        if name == "descend" and not self._control.zeroFtSensor():
            self._finish({"error": "the force sensor could not be zeroed"})
        elif name in ("move", "descend"):
            if not self._control.moveL(command["pose"], command["speed"], command["acceleration"], True):
                self._finish({"error": "the controller refused the move"})
        elif name == "free":
            done = self._control.teachMode() if command["on"] else self._control.endTeachMode()
            self._finish({"result": None} if done else {"error": "the controller refused free drive"})

    def _advance(self, state: dict[str, Any], parent_silent: bool) -> None:
        """Watch the running command: end it, stop it, or let it go on."""
        assert self._command is not None
        now, name = time.monotonic(), self._command["do"]
        force = math.hypot(*state["force"])
        if state["safety_mode"] not in (1, 2) or state["runtime_state"] != 2:
            self._finish({"error": "not running"})
            return
        if (
            name != "stop"
            and not self._stopping
            and not all(map(math.isfinite, (*state["pose"], state["speed"], force)))
        ):
            self._stopping, self._command["failed"] = True, "stopped: the arm's state holds a number that is not finite"
            self._control.stopL(5.0, True)
        if name == "descend" and not self._stopping and force > self._command["force"]:
            self._stopping, self._command["contact"] = True, force
            self._control.stopL(5.0, True)
        elif (
            name != "stop" and not self._stopping and (parent_silent or now - self._changed > self._options.stale_after)
        ):
            self._stopping, self._command["failed"] = True, "stopped: nobody answered"
            self._control.stopL(5.0, True)
        moving = self._control.getAsyncOperationProgress() >= 0 or state["speed"] > 1e-4
        self._began = self._began or moving or self._stopping or name == "stop" or self._at_target(state["pose"])
        # The first samples after a command may still show the arm at rest.
        patience = 0.03 if self._began else LATEST_BEGIN
        old = self._changed <= self._issued  # a state from before the command tells nothing about it
        self._settled = 0 if moving or old or now - self._issued < patience else self._settled + 1
        if self._settled >= 2:
            failed = self._command.get("failed")
            contact = self._command.get("contact")
            self._finish({"error": failed} if failed else {"result": {"pose": state["pose"], "contact": contact}})

    def _at_target(self, pose: list[float]) -> bool:
        assert self._command is not None
        target = self._command.get("pose")
        return target is not None and max(abs(a - b) for a, b in zip(pose, target, strict=True)) < 1e-3

    def _finish(self, reply: dict[str, Any]) -> None:
        assert self._command is not None
        self._send({"id": self._command["id"], **reply})
        self._command, self._stopping = None, False

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._leave(0)

    def _leave(self, code: int) -> None:
        """Brake and go. No destructor may run: they can hang or abort."""
        if code == 0:
            signal.setitimer(signal.ITIMER_REAL, 1.0)
            self._control.stopL(5.0, True)
            self._control.stopScript()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Entry point of the child process."""
    parser = argparse.ArgumentParser(prog="ur5e_worker", description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--descriptor", type=int, required=True, help="socket to the parent")
    parser.add_argument("--watchdog", type=float, default=10.0, help="lowest rate of our packages, hertz")
    parser.add_argument("--stale-after", type=float, default=0.2)
    parser.add_argument("--connect-timeout", type=float, default=10.0)
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    worker = Worker(socket.socket(fileno=options.descriptor), options)
    try:
        worker.start()
        worker.run()
    except Exception as error:  # of the vendor's library; its message is the last line of the log
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


if __name__ == "__main__":
    main()
