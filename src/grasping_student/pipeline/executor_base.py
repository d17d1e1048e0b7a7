"""The parts that all executors share: their options, their promise and their progress bar; the one of this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sized
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from grasping_student.pipeline.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

ExecutorName = Literal["processes", "ray"]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Environment variables that say how many threads a process computes with."""

AHEAD = 2
"""Items of an endless supply that are begun per worker before their result is asked for."""


class WorkerError(UserError):
    """A worker did not start, or died."""


@dataclass(frozen=True)
class ExecutorConfig:
    """Where the items of a stage are computed; no result depends on it."""

    name: ExecutorName = "processes"
    """processes: as many as --workers, on this machine. ray: all processors of a Ray cluster (docs/cluster.md), however
    many --workers says."""

    address: str = ""
    """HOST:PORT of the head node of the Ray cluster; empty takes the variable RAY_ADDRESS, or else port 6379 here."""

    def __post_init__(self) -> None:
        if self.address and self.name != "ray":
            raise ValueError(f"--address {self.address} is for a Ray cluster: give --executor ray too, or leave it out")


class Executor(Protocol):
    """Where work is done: here, in processes of this machine, or on others. Results do not depend on it."""

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], description: str | None = None
    ) -> Generator[Result, None, None]:
        """Yield ``function(item)`` in the order of the items; closing the generator cancels what has not begun.

        Args:
            function: a picklable function whose result depends on its item alone.
            items: the work; of an iterator without end only a few are begun before their result is asked for.
            description: text of the progress bar; None shows none.
        """
        ...

    def check(self) -> None:
        """Make sure that there is something to work with, before anything is written.

        Raises:
            UserError: there is not.
        """
        ...


class SerialExecutor:
    """One item after the other, in this process."""

    def check(self) -> None:
        """See ``Executor``; this process is always there."""

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], description: str | None = None
    ) -> Generator[Result, None, None]:
        """See ``Executor``."""
        yield from with_bar((function(item) for item in items), items, description)


def with_bar(
    results: Generator[Result, None, None], items: Iterable[Any], description: str | None
) -> Generator[Result, None, None]:
    """The results, counted by a progress bar of that text; None shows none."""
    from tqdm import tqdm

    total = len(items) if isinstance(items, Sized) else None
    # disable=None: no bar where standard error is no terminal
    with closing(results), tqdm(total=total, desc=description, disable=True if description is None else None) as bar:
        for result in results:
            bar.update()
            yield result
