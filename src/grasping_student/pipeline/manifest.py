"""What a stage was given and what it ran on, written beside its output: while it is unfinished, and when it ends."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grasping_student
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json

SCHEMA_VERSION = 1

MANIFEST, STARTED = "manifest.json", "started.json"
"""Of a finished and of an unfinished stage."""

FREE = ("out", "resume", "overwrite", "workers", "loader_workers", "show_progress")
"""Options that change nothing in what a stage makes: it may be resumed with others."""

_MOST_NAMED = 3


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


def _options(config: Any, inside: str = "") -> dict[str, Any]:
    """Plain values of a config by dotted name."""
    found: dict[str, Any] = {}
    for name, value in to_plain(config).items():
        found |= _options(value, f"{inside}{name}.") if isinstance(value, dict) else {f"{inside}{name}": value}
    return found


def stage_of(folder: Path) -> str | None:
    """Name of the stage that made a folder, as its manifest says; None where there is none."""
    if not (folder / MANIFEST).is_file():
        return None
    told = read_json(folder / MANIFEST)
    return told.get("stage") if isinstance(told, dict) else None


@dataclass
class StageClock:
    """Started with a stage; knows what an unfinished one was begun with, and writes the manifest when it ends."""

    stage: str
    config: Any
    started: float = field(default_factory=time.time)

    def begin(self, out: Path, made: str, inputs: Mapping[str, str]) -> bool:
        """Begin in an output folder, or go on with what it holds; returns whether that is finished.

        Args:
            out: the folder, which exists.
            made: name of the file that the stage is for, written before the manifest.
            inputs: content hash of every input, by name.

        Raises:
            UserError: the folder holds the work of another stage, of another config or on other data.
        """
        finished = (out / MANIFEST).exists() and (out / made).exists()
        known = out / (MANIFEST if finished else STARTED)
        if known.exists():
            self._check_same(known, inputs)
        elif (out / MANIFEST).exists() or (out / made).exists():
            raise UserError(
                f"--resume: {out} holds something, but nothing that '{self.stage}' can go on with; "
                "name another --out, or replace it with --overwrite"
            )
        else:
            write_json(out / STARTED, {"stage": self.stage, "config": to_plain(self.config), "inputs": dict(inputs)})
        return finished

    def _check_same(self, known: Path, inputs: Mapping[str, str]) -> None:
        stored = read_json(known)
        if stored.get("stage", self.stage) != self.stage:
            raise UserError(
                f"--resume: {known.parent} holds the output of '{stored['stage']}', not of '{self.stage}'; "
                "name another --out"
            )
        # the first versions wrote the config alone
        before = _options(type(self.config)()) | _options(stored.get("config", stored))
        asked, data = _options(self.config), stored.get("inputs", {})
        different = [
            f"{name} ({before.get(name)}, now {value})"
            for name, value in asked.items()
            if name.rpartition(".")[2] not in FREE and before.get(name) != value
        ]
        different += [
            f"the content of {name} ({data[name][:12]}, now {version[:12]})"
            for name, version in inputs.items()
            if data.get(name, version) != version
        ]
        if different:
            words = ", ".join(different[:_MOST_NAMED]) + ", ..." * (len(different) > _MOST_NAMED)
            raise UserError(
                f"--resume: {known.parent} was begun with other values of {words}; "
                "give the same, name another --out, or start again with --overwrite"
            )

    def write(self, out: Path, inputs: Mapping[str, str] | None = None, **facts: Any) -> None:
        """Write ``manifest.json`` into the stage's output folder.

        Args:
            out: the folder.
            inputs: content hash of every input, by name.
            facts: anything else worth keeping, as plain JSON values.
        """
        write_json(
            out / MANIFEST,
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
