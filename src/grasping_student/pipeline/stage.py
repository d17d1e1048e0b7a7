"""The stage runner: every stage begins, resumes and finishes its output folder through it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grasping_student.pipeline.configuration import to_plain, under_todays_names
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import check_executors
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.folder_lock import STAGE_LOCK
from grasping_student.pipeline.manifest import MANIFEST, stage_of, write_manifest
from grasping_student.pipeline.output_folder import KeepDataset, paths_of, prepare_output

STARTED = "started.json"
"""Config and inputs of an unfinished stage; removed when the manifest is written."""

EARLIER_STARTED = ("collect.json", "demo.json", "run.json")
"""Names under which earlier releases kept what an unfinished stage was begun with."""

FREE = ("out", "resume", "overwrite", "workers", "loader_workers", "executor", "show_progress")
"""Options that change nothing in what a stage makes: it may be resumed with others."""

FORMER_DEFAULTS = {"engine": "pybullet"}
"""Defaults, by option, of what was begun before the option was there, where today's default is another."""

_MOST_NAMED = 3


@dataclass
class StageRun:
    """One run of a stage, timed from its construction on.

    Example::

        run = StageRun("export", config)
        model = GraspModel.load(config.model)  # what is wrong with the inputs is told before anything is replaced
        with run.output_folder():
            difference = export_model(model, config.out)
            run.finish({str(config.model): model.version}, largest_difference=difference)
    """

    stage: str
    """Command words."""

    config: Any
    """Dataclass with ``out``, and ``overwrite`` and ``resume`` where the command has them."""

    free: tuple[str, ...] = ()
    """Options, beside ``FREE``, that may be others when the stage is resumed: how much is asked for."""

    started: float = field(default_factory=time.time)

    @contextmanager
    def output_folder(
        self,
        made: str = MANIFEST,
        inputs: Mapping[str, str] | None = None,
        reads: Iterable[Path | None] = (),
        keep_dataset: KeepDataset | None = None,
    ) -> Iterator[bool]:
        """Begin in ``config.out``, or go on with what it holds, and keep everybody else out while inside.

        Args:
            made: name of the file that the stage is for, written before the manifest.
            inputs: content hash of every input, by name.
            reads: files and folders that the stage reads and the config does not name.
            keep_dataset: decides which datasets inside the folder ``--overwrite`` may delete; without it none.

        Yields:
            Whether the stage was resumed and is finished.

        Raises:
            UserError: the folder may not be written or replaced (``prepare_output``), or it is to be resumed and holds
                the work of another stage, of another config or on other data; or the cluster of its config is not
                there.
        """
        out, resume = self.config.out, getattr(self.config, "resume", None)
        overwrite = getattr(self.config, "overwrite", False)
        check_executors(self.config)
        lock = prepare_output(out, self.stage, resume, overwrite, [*paths_of(self.config), *reads], keep_dataset)
        try:
            finished = (out / MANIFEST).exists() and (out / made).exists()
            self._check_same(out, made, finished, inputs or {})
            if finished:
                (out / STARTED).unlink(missing_ok=True)
            elif not (out / STARTED).exists():
                begun = {"stage": self.stage, "config": to_plain(self.config), "inputs": dict(inputs or {})}
                write_json(out / STARTED, begun)
            try:
                yield finished
            except BaseException:
                if {path.name for path in out.iterdir()} <= {STARTED, STAGE_LOCK}:
                    (out / STARTED).unlink(missing_ok=True)  # nothing was made: the next try finds an empty folder
                raise
        finally:
            lock.release()

    def _check_same(self, out: Path, made: str, finished: bool, inputs: Mapping[str, str]) -> None:
        """Refuse to go on with what was begun as something else."""
        names = (MANIFEST,) if finished else (STARTED, *EARLIER_STARTED)
        known = next((out / name for name in names if (out / name).exists()), None)
        if known is None:
            if (out / MANIFEST).exists() or (out / made).exists():
                maker = stage_of(out)
                words = "something" if maker is None else f"the output of '{maker}'"
                raise UserError(
                    f"--resume: {out} holds {words}, but nothing that '{self.stage}' can go on with; "
                    "name another --out, or replace it with --overwrite"
                )
            return
        stored = read_json(known)
        if not isinstance(stored, dict):
            raise UserError(f"--resume: {known} is damaged; start again with --overwrite, or name another --out")
        if stored.get("stage", self.stage) != self.stage:
            raise UserError(
                f"--resume: {out} holds the output of '{stored['stage']}', not of '{self.stage}'; name another --out"
            )
        different = self._differences(stored, inputs)
        if different:
            words = ", ".join(different[:_MOST_NAMED]) + ", ..." * (len(different) > _MOST_NAMED)
            raise UserError(
                f"--resume: {out} was begun with other values of {words}; "
                "give the same, name another --out, or start again with --overwrite"
            )

    def _differences(self, stored: Mapping[str, Any], inputs: Mapping[str, str]) -> list[str]:
        """Options and inputs that are not as a stored record says, in words."""
        earlier = "versions" in stored  # an evaluation of an earlier release: its models by name, its world apart
        alone = stored | stored.get("world", {}) if earlier else stored  # without a name, as the first releases did
        config = stored.get("config", alone)
        data = stored.get("versions" if earlier else "inputs", {})
        free = {*FREE, *self.free, *(("models",) if earlier else ())}
        default = type(self.config)()  # an option added since had its default
        before = _options(default)
        before |= {name: value for name, value in FORMER_DEFAULTS.items() if name in before}
        before |= _options(under_todays_names(default, dict(config), str(self.config.out)))
        options = [
            f"{name} ({before.get(name)}, now {value})"
            for name, value in _options(self.config).items()
            if free.isdisjoint(name.split(".")) and before.get(name) != value
        ]
        if earlier and set(data) != set(inputs):
            options.append(f"models ({', '.join(data)}, now {', '.join(inputs)})")
        return options + [
            f"the content of {name} ({str(data[name])[:12]}, now {version[:12]})"
            for name, version in inputs.items()
            if data.get(name, version) != version
        ]

    def finish(self, inputs: Mapping[str, str] | None = None, **facts: Any) -> None:
        """Write the manifest, which says that the stage is finished, and forget what it was begun with.

        Args:
            inputs: content hash of every input, by name.
            facts: anything else worth keeping, as plain JSON values.
        """
        write_manifest(self.config.out, self.stage, self.config, self.started, inputs, **facts)
        (self.config.out / STARTED).unlink(missing_ok=True)


def _options(config: Any, inside: str = "") -> dict[str, Any]:
    """Plain values of a config by dotted name."""
    found: dict[str, Any] = {}
    for name, value in to_plain(config).items():
        found |= _options(value, f"{inside}{name}.") if isinstance(value, dict) else {f"{inside}{name}": value}
    return found
