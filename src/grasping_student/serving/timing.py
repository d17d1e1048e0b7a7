"""Stopwatch for the stages of one answer, which costs nothing where nobody looks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_watched: ContextVar[dict[str, float] | None] = ContextVar("watched", default=None)


@contextmanager
def watching() -> Iterator[dict[str, float]]:
    """Inside, the seconds of every ``timed`` stage are added up under its name."""
    seconds: dict[str, float] = {}
    token = _watched.set(seconds)
    try:
        yield seconds
    finally:
        _watched.reset(token)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Add the time spent inside to a stage, if somebody watches."""
    seconds = _watched.get()
    if seconds is None:
        yield
        return
    begun = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - begun
