"""Which runs an invocation asks for, which stages each needs, and which are on file already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grasping_student.pipeline.configuration import choice, to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_object, write_json
from grasping_student.study.conditions import ARMS, POLICIES, TEACHERS
from grasping_student.study.configuration import ExperimentConfig, Sizes
from grasping_student.study.designs import DESIGNS, Design
from grasping_student.study.records import HOW_MUCH_IS_TESTED, Run, read_run, run_path
from grasping_student.study.stage_graph import Recipes, spec_under_rule
from grasping_student.study.stages import Stage, with_inputs
from grasping_student.study.trial import Cell
from grasping_student.study.versions import code_version

ASKED = "asked.json"
"""Sizes and seed of a results folder: all its runs share them."""


@dataclass(frozen=True, eq=False)
class Row:
    """One run to be made: an arm in a cell."""

    cell: Cell
    arm: str
    spec: Stage | str
    """The stage of its checkpoint, or a policy's name."""

    extra: dict[str, Stage] = field(default_factory=dict)
    """Stages of its measures besides the one-shot test, by measure."""

    rule: str = "none"
    """Grasps only where the rule of this name lets it."""

    @property
    def model(self) -> str:
        """Name in the logs of one-shot tests."""
        if isinstance(self.spec, str):
            return self.spec
        return self.spec.name if self.rule == "none" else f"{self.spec.name}-{self.rule}"

    @property
    def folder(self) -> str:
        """Spec for ``evaluation.policy_spec``."""
        return self.spec if isinstance(self.spec, str) else spec_under_rule(self.spec.out, self.rule)

    def stages(self) -> list[Stage]:
        own = [] if isinstance(self.spec, str) else [self.spec]
        return with_inputs([*own, *self.extra.values()])


def design_of(config: ExperimentConfig) -> Design:
    """The experiment that a config names.

    Raises:
        UserError: there is none, or it has no such setting, regime or arm.
    """
    design = DESIGNS[choice(config.name, DESIGNS, "experiment")]
    for given, valid, what in (
        (config.settings, design.settings, "setting"),
        (config.regimes, design.regimes, "regime"),
    ):
        for each in given:
            choice(each, valid, f"{what} of {config.name}")
    own = _own_arms(design)
    for arm in config.arms:
        choice(arm, [*ARMS, *own] if design.measures else own, f"arm of {config.name}")
    return design


def cells_of(config: ExperimentConfig, design: Design) -> list[Cell]:
    """All cells asked for, by draw, then regime, then setting: early draws are whole before later ones begin."""
    cells = []
    draws = sorted(set(config.draws)) or range(max([config.seeds, *design.extra_draws.values()]))
    for draw in draws:
        for regime in dict.fromkeys(config.regimes or design.regimes):
            for setting in dict.fromkeys(config.settings or design.settings):
                wanted = max(config.seeds, design.extra_draws.get(setting, 0) if config.seeds >= 3 else 0)
                if (config.draws or draw < wanted) and design.arms(setting, regime):
                    cells.append(Cell(regime, setting, draw, design.settings[setting]))
    return cells


def rows_of(config: ExperimentConfig, design: Design, recipes: Recipes, cell: Cell) -> list[Row]:
    """The runs of one cell with their stages."""
    names = [arm for arm in config.arms if arm in ARMS or arm == "student_method"] or design.arms(
        cell.setting, cell.regime
    )
    specs: dict[str, Stage | str] = {
        name: name if name in POLICIES else recipes.model(name, cell) for name in dict.fromkeys(names)
    }
    rules = {name: cell.arm(name).rule for name in specs}
    picking = _picking(recipes, cell, specs, rules) if "picking" in design.measures else {}
    rows = []
    for name, spec in specs.items():
        extra = {"picking": picking[name]} if picking else {}
        if isinstance(spec, Stage):
            if "proxy" in design.measures and config.proxy and rules[name] == "none":
                extra["proxy"] = recipes.proxy(spec, cell.regime)
            if "entropy" in design.measures:
                extra["entropy"] = recipes.entropy(spec, cell.regime)
        rows.append(Row(cell, name, spec, extra, rules[name]))
    return rows


def _picking(recipes: Recipes, cell: Cell, specs: dict[str, Stage | str], rules: Mapping[str, str]) -> dict[str, Stage]:
    """The episodes of each arm: those of all models alternate, those of policies stand alone, alike in all settings."""
    found: dict[str, Stage] = {}
    for names in (
        [n for n in specs if n in POLICIES],
        sorted((n for n in specs if n not in POLICIES), key=_teacher_first),
    ):
        if names:
            stage = recipes.picking(cell, {name: specs[name] for name in names}, rules)
            found |= dict.fromkeys(names, stage)
    return found


def _teacher_first(name: str) -> tuple[bool, str]:
    return (name not in TEACHERS, name)


def _own_arms(design: Design) -> list[str]:
    found = [arm for regime in design.regimes for setting in design.settings for arm in design.arms(setting, regime)]
    return list(dict.fromkeys(found))


def missing_rows(config: ExperimentConfig, rows: Sequence[Row], shots: bool) -> list[Row]:
    """Rows that have no finished run on file.

    Raises:
        UserError: a run on file was made by another version of the code, and ``stale`` is ``refuse``.
    """
    folder, missing = config.out / config.name, []
    scenes = scenes_of(config, DESIGNS[config.name])
    for row in rows:
        path = run_path(folder, row.cell.regime, row.cell.setting, row.arm, row.cell.draw)
        run = read_run(path) if path.exists() else None
        if run is not None and _is_old(run):
            if config.stale == "refuse":
                raise UserError(
                    f"{path} was measured by another version of the code; --stale redo measures it anew, --stale keep "
                    "leaves it as it is, another --out begins a new set of results"
                )
            run = None if config.stale == "redo" else run
        if run is None or not _complete(run, row, scenes, shots):
            missing.append(row)
    return missing


def scenes_of(config: ExperimentConfig, design: Design) -> int:
    """Test scenes a draw."""
    if config.scenes or design.most_scenes is None:
        return config.one_shot_scenes
    return min(config.one_shot_scenes, design.most_scenes)


def _is_old(run: Run) -> bool:
    return any(code_version(kind) != version for kind, version in run.values["code"].items())


def _complete(run: Run, row: Row, scenes: int, shots: bool) -> bool:
    if any(measure not in run.values for measure in row.extra):
        return False
    tested = shots or "one_shot" in row.extra or "precision" in row.extra
    picked = "picking" not in row.extra or run.episodes >= row.extra["picking"].config.episodes
    return picked and (not tested or run.scenes >= scenes)


def check_asked(folder: Path, config: ExperimentConfig, remember: bool = True) -> None:
    """Remember sizes and seed of a results folder, or refuse to mix others in.

    Raises:
        UserError: the folder holds results of other sizes or another seed.
    """
    asked = {"sizes": to_plain(config.sizes), "seed": config.seed}
    path = folder / ASKED
    if not path.exists():
        if remember:
            write_json(path, asked)
        return
    names = other_sizes(read_object(path, sizes=dict, seed=int), config)
    if not names:
        return
    raise UserError(
        f"{folder} holds results with {', '.join(names[:3])}; give the same preset, sizes and seed, or another --out"
    )


def other_sizes(before: Mapping[str, Any], config: ExperimentConfig) -> list[str]:
    """What sizes and seed of earlier results differ from a config's, but for how much was tested; in words."""
    sizes = _flat(to_plain(Sizes())) | _flat(before.get("sizes", {}))  # a size added later had its default
    names = [
        f"sizes {n} = {sizes.get(n)}"
        for n, value in _flat(to_plain(config.sizes)).items()
        if n not in HOW_MUCH_IS_TESTED and sizes.get(n) != value
    ]
    return names + ([f"seed = {before.get('seed')}"] if before.get("seed") != config.seed else [])


def _flat(values: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """Nested options by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{start}{name}.") if isinstance(value, dict) else {start + name: value}
    return found


def stages_of(rows: Iterable[Row]) -> list[Stage]:
    """All stages that rows need, each once, inputs first."""
    return with_inputs(stage for row in rows for stage in row.stages())
