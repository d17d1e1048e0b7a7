"""The parent's end of the child process that drives a UR arm: start, talk, and kill without ever hanging."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

ANSWER_TIMEOUT = 1.0
"""Seconds within which the child process answers or is ended."""


class WorkerLink:
    """One life of the child process.

    Args:
        arguments: options of ``ur5e_worker``.
        keep_open: file descriptors that the child holds too, such as the device lock.
    """

    def __init__(self, arguments: list[str], keep_open: list[int]) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_TIMEOUT)
        self._socket = ours
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the child; close() closes it
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._replies: dict[int, dict[str, Any]] = {}
        self._number = 0
        self._ready = False
        self.ended = False
        self.raw_state: dict[str, Any] | None = None
        module = ["-m", "grasping_student.robots.arms.ur5e_worker", f"--descriptor={theirs.fileno()}"]
        self.process = subprocess.Popen(
            [sys.executable, *module, *arguments],
            pass_fds=[theirs.fileno(), *keep_open],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        theirs.close()
        self._threads = [
            threading.Thread(target=work, daemon=True, name=f"ur5e-{work.__name__.strip('_')}")
            for work in (self._read, self._beat)
        ]
        for thread in self._threads:
            thread.start()

    def wait_ready(self, seconds: float) -> bool:
        """Whether the arm's program runs and its first state came within the time."""
        with self._changed:
            self._changed.wait_for(lambda: (self._ready and self.raw_state is not None) or self.ended, timeout=seconds)
        return self._ready and not self.ended

    def send(self, name: str, **values: Any) -> int | None:
        """Send a command; returns its number, or None when the child is gone. Numbers that are not finite raise."""
        with self._sending:
            self._number += 1
            line = json.dumps({"do": name, "id": self._number, **values}, allow_nan=False).encode() + b"\n"
            try:
                self._socket.sendall(line)
            except OSError:
                return None
            return self._number

    def reply(self, number: int, seconds: float) -> dict[str, Any] | None:
        """The reply to a command, or None when it did not come in time or the child is gone."""
        with self._changed:
            self._changed.wait_for(lambda: number in self._replies or self.ended, timeout=seconds)
            return self._replies.pop(number, None)

    def last_line(self) -> str:
        """Last line that the child wrote to its log."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def quit(self) -> None:
        """Ask the child to brake and leave, then make sure of it."""
        if self.send("quit") is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(ANSWER_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        """End the child at once: one that lost its link may hang, or repeat its last command."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Release sockets and files; after ``quit`` or ``kill``."""
        for thread in self._threads:
            thread.join(2.0 * ANSWER_TIMEOUT)
        self._socket.close()
        self._log.close()

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                chunk = self._socket.recv(65536)
            except TimeoutError:
                if self.ended:
                    return
                continue
            except OSError:
                chunk = b""
            if not chunk:
                break
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            with self._changed:
                for line in lines:
                    self._take(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        if "state" in message:
            self.raw_state = message["state"]
        elif "ready" in message:
            self._ready = True
        else:
            self._replies[message["id"]] = message

    def _beat(self) -> None:
        """Tell the child that we live; it stops the arm when we fall silent."""
        while not self.ended and self.send("heartbeat") is not None:
            time.sleep(0.1)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Poll until something holds; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
