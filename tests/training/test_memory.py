"""Freed memory stays with the process once it was asked to, and other systems are left alone."""

import platform
import subprocess
import sys

import pytest

from grasping_student.training.loop import keep_freed_memory

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from grasping_student.training.loop import keep_freed_memory
def resident(): return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
if sys.argv[1] == "keep": assert keep_freed_memory()
before = resident()
block = np.ones(100 * 2**20, dtype=np.uint8)
del block
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_a_freed_block_stays_with_the_process():
    kept, returned = (
        float(subprocess.run([sys.executable, "-c", PROGRAM, word], capture_output=True, check=True, text=True).stdout)
        for word in ("keep", "as-is")
    )
    assert kept > 90.0
    assert returned < 10.0


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
