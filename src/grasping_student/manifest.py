"""What a stage was given and what it ran on, written beside its output."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grasping_student
from grasping_student.configuration import to_plain
from grasping_student.files import write_json

SCHEMA_VERSION = 1


def code_commit(source: Path = Path(grasping_student.__file__).parent) -> str | None:
    """Commit of the source tree that this package was imported from, or None where there is no git history.

    Args:
        source: the package's folder. The commit ends in ``-dirty`` if a file in there differs from it; what an
            experiment writes beside the code, such as its results, is no change of the code.
    """
    try:
        commit = _git(source, "rev-parse", "HEAD")
        return f"{commit}-dirty" if _git(source, "status", "--porcelain", "--", ".") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def machine_name() -> str:
    """Processor, number of cores and system, in words."""
    import os

    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


@dataclass
class StageClock:
    """Started with a stage; writes its manifest when the stage ends."""

    stage: str
    config: Any
    started: float = field(default_factory=time.time)

    def write(self, out: Path, inputs: Mapping[str, str] | None = None, **facts: Any) -> None:
        """Write ``manifest.json`` into the stage's output folder.

        Args:
            out: the folder.
            inputs: content hash of every input, by name.
            facts: anything else worth keeping, as plain JSON values.
        """
        write_json(
            out / "manifest.json",
            {
                "schema_version": SCHEMA_VERSION,
                "stage": self.stage,
                "config": to_plain(self.config),
                "seed": getattr(self.config, "seed", None),
                "inputs": dict(inputs or {}),
                "package_version": grasping_student.__version__,
                "commit": code_commit(),
                "machine": machine_name(),
                "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.started)),
                "wall_time_s": round(time.time() - self.started, 3),
                **facts,
            },
        )
