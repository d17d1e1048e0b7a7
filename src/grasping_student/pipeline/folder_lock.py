"""The right to write a folder: held by one process at most, and gone when that process dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from pathlib import Path

from grasping_student.pipeline.errors import UserError

STAGE_LOCK, WRITER_LOCK, PAGE_LOCK = ".stage.lock", "writer.lock", ".page.lock"
"""Lock files of a stage at work in its output folder, of whoever writes a dataset, and of pages that show one."""

_SECRETS = ("--token",)


class FolderInUse(UserError):
    """Another process writes the folder; the message says which."""


class FolderLock:
    """A lock file that says who holds it; ``flock`` decides, so a killed holder leaves nothing to clean up."""

    def __init__(self, file: Path, subject: str, vanishes: bool = False, shared: bool = False) -> None:
        """Take the lock.

        Args:
            file: the lock file, made if it is not there.
            subject: what is locked, for messages: "dataset runs/labels".
            vanishes: remove the file when the lock is released by its last holder.
            shared: hold it together with others that share it; nobody has it alone meanwhile.

        Raises:
            FolderInUse: another holder has it, in this process or in another; but a process that the holder started
                for a further device of its own training goes on without.
        """
        self._file, self._vanishes, self._descriptor = file, vanishes, -1
        while self._descriptor < 0:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 4096, 0).decode(errors="replace")
                os.close(descriptor)
                if "LOCAL_RANK" in os.environ and _process(holder) == os.getppid():
                    return  # Lightning's ddp starts the whole command anew for each device: it works for the holder
                raise FolderInUse(f"{subject} is {_describe(holder)}; wait until it ends") from None
            except OSError:
                pass  # a file system without locks, as some network drives are: better unguarded than unusable
            if _is_at(descriptor, file):
                self._descriptor = descriptor
            else:  # its last holder removed the file between our two calls
                os.close(descriptor)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        command = " ".join([Path(sys.argv[0]).name, *without_secrets(sys.argv[1:])])[:200]
        use = "open in" if shared else "being written by"
        note = {"use": use, "pid": os.getpid(), "host": socket.gethostname(), "since": since, "command": command}
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(note).encode(), 0)

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the right back; calling it twice does no harm."""
        if self._descriptor >= 0:
            if self._vanishes and self._is_last():
                self._file.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_last(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _is_at(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def without_secrets(arguments: list[str]) -> list[str]:
    """A command's arguments with the value of ``--token`` blotted out: the note stays in the folder."""
    shown: list[str] = []
    for argument in arguments:
        if shown and shown[-1] in _SECRETS:
            argument = "..."
        name, equals, _ = argument.partition("=")
        shown.append(f"{name}=..." if equals and name in _SECRETS else argument)
    return shown


def _process(holder: str) -> int | None:
    try:
        return int(json.loads(holder)["pid"])
    except (ValueError, KeyError, TypeError):
        return None


def _describe(holder: str) -> str:
    try:
        note = json.loads(holder)
        use = note.get("use", "being written by")
        return f"{use} process {note['pid']} on {note['host']} ({note['command']}) since {note['since']}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "in use by another process"
