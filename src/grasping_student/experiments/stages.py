"""Stages of an experiment in a cache: named by what they are made of, each made once, whoever needs it."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from grasping_student.configuration import to_plain
from grasping_student.errors import UserError
from grasping_student.experiments.code_version import code_version
from grasping_student.experiments.runners import RUNNERS
from grasping_student.files import read_json, write_json

DONE = "stage.json"
"""Written last into a finished stage's folder: its config, code version and cost."""

Stale = Literal["refuse", "keep", "redo"]
_FREE = ("out", "resume", "overwrite", "workers", "show_progress")
"""Options that change nothing in a stage's output."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage with its whole config; ``config.out`` is its place in the cache."""

    kind: str
    config: Any
    inputs: tuple[Stage, ...]
    units: float
    """Work, in units of its kind (see ``costs``)."""

    scale: str
    """What one unit's cost depends on: network and resolution."""

    @property
    def out(self) -> Path:
        return Path(self.config.out)

    @property
    def name(self) -> str:
        """Kind and content key; two stages with one name are one."""
        return self.out.name

    @property
    def done(self) -> bool:
        return (self.out / DONE).exists()

    @property
    def depth(self) -> int:
        """Longest chain of inputs."""
        return 1 + max((each.depth for each in self.inputs), default=-1)


def make_stage(
    kind: str, config: Any, cache: Path, inputs: tuple[Stage, ...] = (), units: float = 1.0, scale: str = ""
) -> Stage:
    """A stage whose name follows from its kind and everything in its config that differs from the default.

    Paths into the cache are names of other stages, so the key covers the inputs' configs too.
    """
    plain = json.dumps(changed_values(config), sort_keys=True).replace(f"{cache}/", "")
    key = hashlib.sha256(f"{kind}:{plain}".encode()).hexdigest()[:12]
    return Stage(kind, replace(config, out=cache / f"{kind}-{key}", resume=True), inputs, units, scale)


def changed_values(config: Any, default: Any = None) -> dict[str, Any]:
    """Fields that differ from the default, as plain values; a field added later with its default changes none.

    Fields that change nothing in the output are left out.

    Args:
        config: a dataclass.
        default: what it is compared with; None takes the class's own default.
    """
    default, changed = type(config)() if default is None else default, {}
    for each in fields(config):
        value, usual = getattr(config, each.name), getattr(default, each.name)
        if each.name in _FREE or value == usual:
            continue
        nested = is_dataclass(value) and type(value) is type(usual)
        plain = changed_values(value, usual) if nested else to_plain(value)
        if not nested or plain:
            changed[each.name] = plain
    return changed


def with_inputs(stages: Iterable[Stage]) -> list[Stage]:
    """The stages and all they need, each once, inputs first."""
    found: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.name not in found:
            for each in stage.inputs:
                visit(each)
            found[stage.name] = stage

    for stage in stages:
        visit(stage)
    return sorted(found.values(), key=lambda each: each.depth)


def run_stage(stage: Stage) -> float:
    """Run or resume a stage unless it is finished; returns the seconds it took."""
    if stage.done:
        return 0.0
    version, started, used = code_version(stage.kind), time.perf_counter(), processor_seconds()
    RUNNERS[stage.kind](stage.config)
    seconds = time.perf_counter() - started
    write_json(
        stage.out / DONE,
        {"kind": stage.kind, "config": to_plain(stage.config), "code": version,
         "inputs": [each.name for each in stage.inputs], "units": stage.units, "scale": stage.scale,
         "seconds": round(seconds, 2), "processor_seconds": round(processor_seconds() - used, 2)},
    )  # fmt: skip
    return seconds


def processor_seconds() -> float:
    """Processor time of this process and of its children that have ended: what work costs, however busy the machine."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in usages)


def check_stale(stages: Iterable[Stage], stale: Stale) -> list[Stage]:
    """Stages made by another version of the code: refused, kept, or removed with all that was made from them.

    Returns:
        the stages that were removed, or kept although they are of another version.

    Raises:
        UserError: there are some, and ``stale`` is ``refuse``.
    """
    ordered = with_inputs(stages)
    old: dict[str, Stage] = {}
    for stage in ordered:
        if not stage.done:
            continue
        own = read_json(stage.out / DONE).get("code") != code_version(stage.kind)
        if own or (stale == "redo" and any(each.name in old for each in stage.inputs)):
            old[stage.name] = stage
    if old and stale == "refuse":
        names = ", ".join(sorted(old)[:3]) + ", ..." * (len(old) > 3)
        count = "1 finished stage was" if len(old) == 1 else f"{len(old)} finished stages were"
        raise UserError(
            f"{count} made by another version of the code ({names}); "
            "--stale redo makes them anew, --stale keep uses them as they are, another --cache leaves them alone"
        )
    if stale == "redo":
        for stage in old.values():
            shutil.rmtree(stage.out)
    return list(old.values())
