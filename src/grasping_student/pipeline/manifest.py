"""The manifest of a finished stage: its config, inputs, code version, machine and time, beside its output."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grasping_student
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.device import chosen_device
from grasping_student.pipeline.files import read_json, write_json

SCHEMA_VERSION = 1

MANIFEST = "manifest.json"


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
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def stage_of(folder: Path) -> str | None:
    """Name of the stage that made a folder, as its manifest says; None where there is none."""
    if not (folder / MANIFEST).is_file():
        return None
    told = read_json(folder / MANIFEST)
    return told.get("stage") if isinstance(told, dict) else None


def write_manifest(
    out: Path, stage: str, config: Any, started: float, inputs: Mapping[str, str] | None = None, **facts: Any
) -> None:
    """Write ``manifest.json`` into a stage's output folder.

    Args:
        out: the folder.
        stage: command words.
        config: of the stage.
        started: seconds since the epoch.
        inputs: content hash of every input, by name.
        facts: anything else worth keeping, as plain JSON values.
    """
    write_json(
        out / MANIFEST,
        {
            "schema_version": SCHEMA_VERSION,
            "stage": stage,
            "config": to_plain(config),
            "seed": getattr(config, "seed", None),
            "inputs": dict(inputs or {}),
            "package_version": grasping_student.__version__,
            "commit": code_commit(),
            "machine": machine_name(),
            "device": chosen_device(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
            "wall_time_s": round(time.time() - started, 3),
            **facts,
        },
    )
