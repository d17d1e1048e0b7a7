"""Addresses of devices, and a lock so that one process at a time drives a device."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import time
from pathlib import Path

from grasping_student.pipeline.errors import UserError

PATIENCE = 1.5
"""Seconds that a lock is waited for: a driver process whose program was killed still brakes the arm for a moment."""

FOLDER = Path("/tmp")
"""The same for every user and program of this computer, whatever their TMPDIR says."""


def check_host(host: str) -> None:
    """Make sure that a text can be a host's name or address.

    Raises:
        ValueError: it cannot.
    """
    if len(host) > 253 or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?", host):
        raise ValueError(f"host is {host[:40]!r}; give a name or an address, as in 192.168.1.10")


class DeviceLock:
    """A file lock named after a device's address; the system frees it when the last process that holds it ends.

    Args:
        kind: of device.
        host: where it is reached; names of one address share one lock.
    """

    def __init__(self, kind: str, host: str) -> None:
        self._device, self._kind, self._host = f"{kind} at {host}", kind, host
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """File descriptor, for a child process that keeps the lock too."""
        assert self._descriptor is not None, "the lock is not held"
        return self._descriptor

    def acquire(self) -> None:
        """Take the lock; taking it twice does no harm.

        Raises:
            UserError: another process holds it.
        """
        if self._descriptor is not None:
            return
        descriptor = self._open()
        deadline = time.monotonic() + PATIENCE
        try:
            while not _taken(descriptor):
                if time.monotonic() > deadline:
                    holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
                    raise UserError(
                        f"{self._device} is in use by process {holder}; one program at a time drives a device: end "
                        "that one"
                    )
                time.sleep(0.05)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        with contextlib.suppress(OSError):  # another user's file: the lock counts, its text is for messages
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)

    def _open(self) -> int:
        """The lock's file; another user's may only be readable, which is enough to lock it."""
        with contextlib.suppress(OSError, ValueError):  # a host that has no address fails later, with a message
            self._host = socket.gethostbyname(self._host)
        name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{self._kind} at {self._host}")
        path = FOLDER / f"grasping-student-{name}.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except PermissionError:
            try:
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise UserError(f"the lock {path} cannot be opened: {error.strerror}; remove that file") from None
        except OSError as error:
            raise UserError(f"the lock {path} cannot be opened: {error.strerror}") from None
        with contextlib.suppress(OSError):  # the umask must not shut other users out
            os.fchmod(descriptor, 0o666)
        return descriptor

    def release(self) -> None:
        """Let go; calling it twice does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
