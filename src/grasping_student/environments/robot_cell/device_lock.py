"""One process at a time per device."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from pathlib import Path

from grasping_student.errors import UserError

PATIENCE = 1.5
"""Seconds that a lock is waited for: a driver process whose program was killed still brakes the arm for a moment."""


class DeviceLock:
    """A file lock named after a device's address; the system frees it when the last process that holds it ends."""

    def __init__(self, device: str) -> None:
        self._device = device
        name = re.sub(r"[^A-Za-z0-9.-]", "_", device)
        self._path = Path(tempfile.gettempdir()) / f"grasping-student-{name}.lock"
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
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        deadline = time.monotonic() + PATIENCE
        while not _taken(descriptor):
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
                os.close(descriptor)
                raise UserError(
                    f"{self._device} is in use by process {holder}; one program at a time drives a device: end that one"
                )
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

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
