"""Processor seconds and peak memory of pieces of work, each in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from grasping_student.pipeline.files import write_text

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass
class CpuSeconds:
    """Processor seconds of a block, of all threads of this process; filled when the block ends."""

    value: float = 0.0


@contextmanager
def cpu_seconds() -> Iterator[CpuSeconds]:
    """Measure a block: processor time does not count what other processes do to the clock on the wall."""
    measured, started = CpuSeconds(), time.process_time()
    yield measured
    measured.value = time.process_time() - started


def peak_memory_gib() -> float:
    """Largest resident set of this process so far, GiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 2**20
    raise OSError("/proc/self/status has no line VmHWM")


def in_own_process(function: Callable[..., Any], *arguments: Any, threads: int = 1) -> Any:
    """``function(*arguments)`` in a fresh process, so that neither memory nor settings carry over."""
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_call, (function, arguments, threads))


def _call(function: Callable[..., Any], arguments: tuple[Any, ...], threads: int) -> Any:
    import torch

    torch.set_num_threads(threads)
    return function(*arguments)


def replace_table(page: Path, name: str, text: str) -> None:
    """Put a text between a page's markers of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page} has no markers {begin} and {end}")
    write_text(page, f"{before}{begin}\n{text}\n{end}{after}")
