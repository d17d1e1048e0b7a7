"""Stages of an experiment in a cache: named by their content, each made once, whoever needs it."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor_base import ExecutorConfig
from grasping_student.pipeline.files import read_object, write_json
from grasping_student.pipeline.stage import FORMER_DEFAULTS
from grasping_student.study.configuration import ExperimentConfig, OnVersionMismatch
from grasping_student.study.one_shot_log import OneShotLog, forget_models
from grasping_student.study.stage_registry import STAGE_KINDS, code_version, read_version

DONE = "stage.json"
"""Written last into a finished stage's folder: its config, version and cost."""

BEGUN = ".begun.json"
"""Ends the name of the file that stands beside a half-made stage's folder."""

_FREE = ("out", "resume", "overwrite", "workers", "executor", "show_progress")
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
    """Network and resolution, which the cost of one unit depends on."""

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

    @property
    def version(self) -> int:
        """Version of the code that made it, once it is finished."""
        return _version_in(self.kind, read_object(self.out / DONE))

    @property
    def outdated(self) -> bool:
        """Whether another version of the code made it."""
        return self.done and self.version != code_version(self.kind)

    def record(self) -> dict[str, Any]:
        """The line of ``stages.jsonl`` about it, once it is finished."""
        done = read_object(self.out / DONE)
        return {
            "name": self.name,
            "kind": self.kind,
            "version": self.version,
            "config": _without_free(done["config"], f"{self.out.parent}/"),
            "inputs": done["inputs"],
            "seconds": done["seconds"],
        }


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

    Where the default was another when names were first given, that counts: stages of then keep their names.

    Fields that change nothing in the output are left out.

    Args:
        config: a dataclass.
        default: compared with; None takes the class's own default.
    """
    default, changed = type(config)() if default is None else default, {}
    for each in fields(config):
        value, usual = getattr(config, each.name), FORMER_DEFAULTS.get(each.name, getattr(default, each.name))
        if each.name in _FREE or value == usual:
            continue
        nested = is_dataclass(value) and type(value) is type(usual)
        plain = changed_values(value, usual) if nested else to_plain(value)
        if not nested or plain:
            changed[each.name] = plain
    return changed


def _without_free(values: Any, cache: str) -> Any:
    """Plain values without options that change nothing, and with names of stages in place of their folders."""
    if isinstance(values, dict):
        return {name: _without_free(value, cache) for name, value in values.items() if name not in _FREE}
    if isinstance(values, list):
        return [_without_free(value, cache) for value in values]
    return values.replace(cache, "") if isinstance(values, str) else values


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

    A stage that another version of the code left half made is begun anew.
    """
    if stage.done:
        return 0.0
    version, started, used = code_version(stage.kind), time.perf_counter(), processor_seconds()
    begun = _begun(stage)
    if begun.exists() and _version_in(stage.kind, read_object(begun)) != version:
        _remove(stage.out)
    about = {"version": version, "inputs": [each.name for each in stage.inputs]}
    write_json(begun, about)
    STAGE_KINDS[stage.kind].run(stage.config)
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
            # 0 is left out of the costs: what other machines used is not known here
            "processor_seconds": 0.0 if _elsewhere(stage.config) else round(processor_seconds() - used, 2),
        },
    )
    begun.unlink()
    return seconds


def _elsewhere(config: Any) -> bool:
    """Whether a stage hands its items to other machines."""
    return getattr(config, "executor", ExecutorConfig()).name != "processes"


def _version_in(kind: str, about: dict[str, Any]) -> int:
    """Version in a file about a stage; the release before called it ``code``."""
    return read_version(kind, about.get("version", about.get("code")))


def _begun(stage: Stage) -> Path:
    """Beside a stage's folder while it is half made: which version began it, and from what."""
    return stage.out.with_name(f"{stage.name}{BEGUN}")


def _remove(folder: Path) -> None:
    """Remove a stage's folder; what a kill leaves of it counts as half made by other code."""
    done, begun = folder / DONE, folder.with_name(f"{folder.name}{BEGUN}")
    if folder.exists():
        about = read_object(done) if done.exists() else read_object(begun) if begun.exists() else {}
        write_json(begun, {"version": None, "inputs": about.get("inputs", [])})
        done.unlink(missing_ok=True)
        shutil.rmtree(folder)
    begun.unlink(missing_ok=True)


def processor_seconds() -> float:
    """Processor time of this process and of its children that have ended: what work costs, however busy the machine."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in usages)


def outdated_stages(stages: Iterable[Stage], on_mismatch: OnVersionMismatch) -> list[Stage]:
    """Finished stages, of these and all they need, that another version of the code made; inputs first.

    Raises:
        UserError: there are some, and ``on_mismatch`` is ``refuse``.
    """
    old = [stage for stage in with_inputs(stages) if stage.outdated]
    if old and on_mismatch == "refuse":
        names = ", ".join(sorted(each.name for each in old)[:3]) + ", ..." * (len(old) > 3)
        count = "1 finished stage was" if len(old) == 1 else f"{len(old)} finished stages were"
        raise UserError(
            f"{count} made by another version of the code ({names}); --on-version-mismatch redo makes them anew, "
            "--on-version-mismatch keep uses them as they are, another --cache leaves them alone"
        )
    return old


def settle_outdated(config: ExperimentConfig, stages: Sequence[Stage], logs: Sequence[OneShotLog]) -> None:
    """Refuse what another version of the code made, keep it, or remove it with all that was made from it.

    Raises:
        UserError: there is some, and it is to be refused.
    """
    for log in logs:
        log.check(config.on_version_mismatch)
    old, old_logs = outdated_stages(stages, config.on_version_mismatch), [log for log in logs if log.outdated]
    if config.on_version_mismatch != "redo" or not (old or old_logs):
        return
    names = followers(config.cache, old)
    count = f"{len(names)} stages and {len(old_logs)} logs of another version of the code, or made from such"
    print(f"{count}, {'would be' if config.dry_run else 'are'} removed and made anew", file=sys.stderr)
    if not config.dry_run:
        for log in old_logs:
            log.remove()
        forget_models(config.cache, names)
        remove_stages(config.cache, names)


def followers(cache: Path, stages: Iterable[Stage]) -> list[str]:
    """Names of stages and of all in a cache that was made from them, or half made, whichever experiment made it.

    A stage that is made from another stands behind it.
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
