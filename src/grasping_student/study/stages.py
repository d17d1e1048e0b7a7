"""Stages of an experiment in a cache: named by what they are made of, each made once, whoever needs it."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_object, write_json
from grasping_student.study.stage_registry import RUNNERS
from grasping_student.study.versions import code_version

DONE = "stage.json"
"""Written last into a finished stage's folder: its config, code version and cost."""

BEGUN = ".begun.json"
"""Ends the name of the file that stands beside a half-made stage's folder."""

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
    """Run or resume a stage unless it is finished; returns the seconds it took.

    What another version of the code left half made is begun anew.
    """
    if stage.done:
        return 0.0
    version, started, used = code_version(stage.kind), time.perf_counter(), processor_seconds()
    begun = _begun(stage)
    if begun.exists() and read_object(begun).get("code") != version:
        _remove(stage.out)
    about = {"code": version, "inputs": [each.name for each in stage.inputs]}
    write_json(begun, about)
    RUNNERS[stage.kind](stage.config)
    seconds = time.perf_counter() - started
    write_json(
        stage.out / DONE,
        {
            "kind": stage.kind,
            "config": to_plain(stage.config),
            **about,
            "units": stage.units,
            "scale": stage.scale,
            "seconds": round(seconds, 2),
            "processor_seconds": round(processor_seconds() - used, 2),
        },
    )
    begun.unlink()
    return seconds


def _begun(stage: Stage) -> Path:
    """Beside a stage's folder while it is half made: which code began it, and from what."""
    return stage.out.with_name(f"{stage.name}{BEGUN}")


def _remove(folder: Path) -> None:
    """Remove a stage's folder; what a kill leaves of it counts as half made by other code."""
    done, begun = folder / DONE, folder.with_name(f"{folder.name}{BEGUN}")
    if folder.exists():
        about = read_object(done) if done.exists() else read_object(begun) if begun.exists() else {}
        write_json(begun, {"code": None, "inputs": about.get("inputs", [])})
        done.unlink(missing_ok=True)
        shutil.rmtree(folder)
    begun.unlink(missing_ok=True)


def processor_seconds() -> float:
    """Processor time of this process and of its children that have ended: what work costs, however busy the machine."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in usages)


def stale_stages(stages: Iterable[Stage]) -> list[Stage]:
    """Finished ones, of these and all they need, that another version of the code made; inputs first."""
    return [stage for stage in with_inputs(stages) if stage.done and made_by(stage) != code_version(stage.kind)]


def made_by(stage: Stage) -> str:
    """Version of the code that made a finished stage."""
    return str(read_object(stage.out / DONE, code=str)["code"])


def check_stale(stages: Iterable[Stage], stale: Stale) -> list[Stage]:
    """Refuse, or return, the stages that another version of the code made.

    Raises:
        UserError: there are some, and ``stale`` is ``refuse``.
    """
    old = stale_stages(stages)
    if old and stale == "refuse":
        names = ", ".join(sorted(each.name for each in old)[:3]) + ", ..." * (len(old) > 3)
        count = "1 finished stage was" if len(old) == 1 else f"{len(old)} finished stages were"
        raise UserError(
            f"{count} made by another version of the code ({names}); "
            "--stale redo makes them anew, --stale keep uses them as they are, another --cache leaves them alone"
        )
    return old


def followers(cache: Path, stages: Iterable[Stage]) -> list[str]:
    """Names of stages and of all in a cache that was made from them, or half made, whichever experiment made it.

    What is made from another stands behind it.
    """
    done = {path.parent.name: read_object(path, inputs=list)["inputs"] for path in cache.glob(f"*/{DONE}")}
    half = {path.name.removesuffix(BEGUN): read_object(path, inputs=list)["inputs"] for path in cache.glob(f"*{BEGUN}")}
    found: list[str] = []
    more = list(dict.fromkeys(stage.name for stage in stages))
    while more:
        found += more
        more = [name for name, inputs in (half | done).items() if name not in found and set(more) & set(inputs)]
    return found


def remove_stages(cache: Path, names: Sequence[str]) -> None:
    """Remove stages from a cache, the last first: whoever is killed here finds the rest by its inputs next time."""
    for name in reversed(names):
        _remove(cache / name)
