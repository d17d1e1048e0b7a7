"""One ``map`` over processes: ordered, with a progress bar, and the same result for any number of workers."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context, resource_tracker
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

_PR_SET_PDEATHSIG = 1
"""From Linux's ``sys/prctl.h``."""


def parallel_map(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, description: str | None = None
) -> Iterator[Result]:
    """Yield ``function(item)`` in the order of the items, computed in ``workers`` single-threaded processes.

    Args:
        function: a picklable function whose result depends on its item alone.
        items: the work, one entry a call.
        workers: number of processes; 1 runs here.
        description: text of the progress bar; None shows none.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; it must be at least 1")
    if workers == 1 or len(items) <= 1:
        yield from _bar(map(function, items), len(items), description)
        return
    with _one_thread_each(), _pool(min(workers, len(items))) as pool:
        with _deaf_to_interrupts():
            results = pool.map(function, items)
        yield from _bar(results, len(items), description)


def parallel_stream(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, ahead: int = 2
) -> Generator[Result, None, None]:
    """Like ``parallel_map`` for items without end: take as many results as needed and close the iterator.

    Args:
        function: a picklable function whose result depends on its item alone.
        items: the work, possibly endless.
        workers: number of processes; 1 runs here.
        ahead: items begun per worker before their result is asked for.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; it must be at least 1")
    if workers == 1:
        yield from map(function, items)
        return
    remaining = iter(items)
    with _one_thread_each(), _pool(workers) as pool:
        first = list(islice(remaining, workers * ahead))
        with _deaf_to_interrupts():
            running = deque(pool.submit(function, item) for item in first)
        try:
            while running:
                result = running.popleft().result()
                running.extend(pool.submit(function, item) for item in islice(remaining, 1))
                yield result
        finally:
            for future in running:
                future.cancel()


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with us, however we end: after their work, or at once when we are interrupted."""
    with ProcessPoolExecutor(workers, get_context("spawn"), begin_worker, (os.getpid(),)) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            while not pool._work_ids.empty():
                pool._work_ids.get_nowait()
            pool._pending_work_items.clear()  # or the pool's thread complains of what was cancelled
            for process in list(pool._processes.values()):
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
def _deaf_to_interrupts() -> Iterator[None]:
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
def _one_thread_each() -> Iterator[None]:
    """Processes started inside use one thread each; our own environment is as before afterwards."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _bar(results: Iterable[Result], total: int, description: str | None) -> Iterator[Result]:
    # disable=None: no bar where standard error is no terminal
    yield from tqdm(results, total=total, desc=description, disable=True if description is None else None)
