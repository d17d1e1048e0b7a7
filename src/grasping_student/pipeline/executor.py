"""The seam to whatever computes many items: in their order, and with the same results for any number of workers."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from itertools import islice
from multiprocessing import get_context, resource_tracker
from typing import Any

from grasping_student.pipeline.executor_base import (
    AHEAD,
    THREAD_VARIABLES,
    Executor,
    ExecutorConfig,
    Item,
    Result,
    SerialExecutor,
    WorkerError,
    with_bar,
)

_PR_SET_PDEATHSIG = 1
"""From Linux's ``sys/prctl.h``."""


class ProcessExecutor:
    """Several single-threaded processes of this machine."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def check(self) -> None:
        """See ``Executor``; processes of this machine are always there."""

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], description: str | None = None
    ) -> Generator[Result, None, None]:
        """See ``Executor``.

        Raises:
            WorkerError: a process did not start, or ended before its work was done.
        """
        yield from with_bar(self._results(function, items), items, description)

    def _results(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
        remaining = iter(items)
        first = list(items) if isinstance(items, Sized) else list(islice(remaining, self._workers * AHEAD))
        if isinstance(items, Sized):
            remaining = iter(())
        running: deque[Future[Result]] = deque()
        with one_thread_each(), _pool(min(self._workers, max(len(first), 1))) as pool:
            try:
                with starting(), deaf_to_interrupts():
                    running.extend(pool.submit(function, item) for item in first)
                while running:
                    result = _result(running.popleft())
                    for item in islice(remaining, 1):
                        with starting():
                            running.append(pool.submit(function, item))
                    yield result
            finally:
                for future in running:
                    future.cancel()


def make_executor(workers: int, config: ExecutorConfig | None = None) -> Executor:
    """What works with so many processes, where 1 works in this one; or with the processors of a cluster.

    Args:
        workers: number of processes; of no account on a cluster.
        config: where to work; None stays on this machine.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; it must be at least 1")
    if config is not None and config.name == "ray":
        from grasping_student.pipeline.ray_executor import RayExecutor

        return RayExecutor(config.address)
    return SerialExecutor() if workers == 1 else ProcessExecutor(workers)


def check_executors(config: Any) -> None:
    """Make sure that the clusters which a stage's config names, at any depth, are there: before anything is written.

    Raises:
        UserError: one is not.
    """
    if isinstance(config, ExecutorConfig):
        make_executor(1, config).check()
    elif is_dataclass(config):
        for each in fields(config):
            check_executors(getattr(config, each.name))


def parallel_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    description: str | None = None,
    executor: ExecutorConfig | None = None,
) -> Generator[Result, None, None]:
    """Yield ``function(item)`` in the order of the items, computed where ``make_executor`` says; see ``Executor.map``.

    A single item is computed in this process, unless there is a cluster for it.
    """
    alone = isinstance(items, Sized) and len(items) <= 1
    yield from make_executor(1 if alone and workers > 0 else workers, executor).map(function, items, description)


@contextmanager
def starting() -> Iterator[None]:
    """Inside, whatever the system refuses is a worker that cannot start."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # also a pipe to a process that was gone before it read what to do
        known = isinstance(error, OSError) and error.errno not in (None, errno.EPIPE)
        reason = f" ({error.strerror})" if known and isinstance(error, OSError) else ""
        raise WorkerError(
            f"a worker process cannot be started{reason}: ask for fewer --workers, or end other programs"
        ) from error


def _result(future: Future[Result]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process ended before its work was done, or could not start; most often the memory is too small: "
            "ask for fewer --workers or smaller sizes"
        ) from error


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with us, however we end: after their work, or at once when we are interrupted."""
    with starting():
        executor = ProcessPoolExecutor(workers, get_context("spawn"), begin_worker, (os.getpid(),))
    with executor as pool:
        try:
            yield pool
        except (KeyboardInterrupt, WorkerError):
            while not pool._work_ids.empty():
                pool._work_ids.get_nowait()
            pool._pending_work_items.clear()  # or the pool's thread complains of what was cancelled
            for process in list((pool._processes or {}).values()):
                process.kill()  # a training in there would take SIGTERM for a wish
            raise


def begin_worker(parent: int) -> None:
    """Make this process leave Ctrl-C to its parent, and end when that does, even killed (on Linux).

    Args:
        parent: process id.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        except (OSError, AttributeError):
            return  # no such call here: as elsewhere, a killed parent leaves its workers
        if os.getppid() != parent:
            os._exit(1)  # it ended before we asked


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started inside inherit that Ctrl-C is blocked; for us it only comes a moment later."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it unblocks the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started inside use one thread each; our own environment is as before afterwards."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
