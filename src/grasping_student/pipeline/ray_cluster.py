"""A Ray cluster as this process sees it: whether it answers, the connection, its processors, results and end."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor_base import WorkerError

MAX_RETRIES = 10
"""So often a task is begun again when its node or process died."""

CHECK_SECONDS = 2.0
"""While a result is waited for, the cluster is looked at so often."""

ANSWER_SECONDS = 5.0
"""So long a head node may take to answer."""

PATIENCE_SECONDS = 30.0
"""A cluster without a head or without processors for so long is given up."""

_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""How gRPC begins, by RFC 9113, section 3.4: the preface and empty settings. Settings come back, frame type 4."""

_KEPT = "what is finished is kept: go on with --resume when it is back"


def answers(address: str) -> bool:
    """Whether a gRPC server, as a head node is one, answers at ``HOST:PORT`` in time.

    Ray itself would wait for minutes for one that is not there.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(_HELLO)
            return connection.recv(9)[3:4] == b"\x04"
    except (OSError, ValueError):
        return False


@contextmanager
def connected(address: str) -> Iterator[bool]:
    """This process as a driver of the cluster at an address, unless it is one already; SIGTERM's handler stays ours.

    Yields:
        Whether the connection is made here, and ends here with all its tasks.

    Raises:
        UserError: the cluster does not take it: it has another version, or this machine is none of its nodes.
    """
    import ray

    if ray.is_initialized():  # by whoever calls us
        yield False
        return
    handler = signal.getsignal(signal.SIGTERM)
    vars(ray._private.worker)["_worker_logs_enabled"] = False  # pages of a dead node's logs, on standard output
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise UserError(
            f"the Ray cluster at {address} does not take this program ({_first_line(error)}); run it on a node of the "
            "cluster, with the same versions of Python and Ray"
        ) from None
    finally:
        with suppress(ValueError):  # in a thread that is not the main one, which has no handlers
            signal.signal(signal.SIGTERM, handler)
    try:
        yield True
    finally:
        ray.shutdown()


class Cluster:
    """A cluster that this process is connected to, looked at from time to time."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._looked, self._seen, self._processors = -CHECK_SECONDS, time.monotonic(), 0

    @property
    def processors(self) -> int:
        """Number of processors of all nodes that are there, as of the last look."""
        self.look()
        return self._processors

    def look(self) -> None:
        """Count processors again, unless that was just done.

        Raises:
            WorkerError: the head node has been silent, or no processor has been there, for too long.
        """
        import ray

        now = time.monotonic()
        if now - self._looked < CHECK_SECONDS:
            return
        heard = answers(self._address)
        before = self._processors
        self._processors = int(ray.cluster_resources().get("CPU", 0)) if heard else 0
        self._looked = time.monotonic()
        if self._processors < before:
            lost = f"{before - self._processors} of {before} processors of the Ray cluster are gone"
            print(f"{lost}; what they worked on is begun again elsewhere", file=sys.stderr, flush=True)
        if self._processors:
            self._seen = self._looked
        elif self._looked - self._seen > PATIENCE_SECONDS:
            what = "has no node left that computes" if heard else "does not answer any more"
            raise WorkerError(f"the Ray cluster at {self._address} {what}; {_KEPT}")

    def result(self, reference: Any) -> bytes:
        """The packed result of a task, waited for.

        Raises:
            UserError: what the task raised, or why its node cannot work.
            WorkerError: the task died again and again, or the cluster ended.
        """
        import ray

        try:
            while not ray.wait([reference], timeout=CHECK_SECONDS)[0]:
                self.look()
            packed, refusal = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise WorkerError(
                f"a task ended {1 + MAX_RETRIES} times before its work was done, or the cluster did "
                f"({_first_line(error)}); most often the memory of a node is too small: ask for smaller sizes, or "
                "start nodes with fewer processors (ray start --num-cpus)"
            ) from error
        if refusal is not None:
            raise UserError(refusal)
        return bytes(packed)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
