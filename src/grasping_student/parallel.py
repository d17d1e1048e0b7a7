"""One ``map`` over processes: ordered, with a progress bar, and the same result for any number of workers."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


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
    with _one_thread_each(), ProcessPoolExecutor(min(workers, len(items)), mp_context=get_context("spawn")) as pool:
        yield from _bar(pool.map(function, items), len(items), description)


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
    with _one_thread_each(), ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = deque(pool.submit(function, item) for item in islice(remaining, workers * ahead))
        try:
            while running:
                result = running.popleft().result()
                running.extend(pool.submit(function, item) for item in islice(remaining, 1))
                yield result
        finally:
            for future in running:
                future.cancel()


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
