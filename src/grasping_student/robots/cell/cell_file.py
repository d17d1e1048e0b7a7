"""A cell's file: read, completed by where it lies, and checked before anything is driven by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from grasping_student.perception.grasp_limits import GraspLimits
from grasping_student.pipeline.configuration import read_yaml, with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.plausibility import check_agreement, check_units, read_angles

Given = TypeVar("Given")
Result = TypeVar("Result")

PATH_OPTIONS = ("camera_to_base", "folder", "recording")
"""Options of devices that name files; relative ones are meant from where the cell's file lies."""


REQUIRED: dict[str, tuple[str, ...]] = {
    "arm": ("kind",),
    "gripper": ("kind",),
    "view": ("kind",),
    "workspace": (),
    "workspace_in_base": ("x", "y", "z"),
    "safe_box": ("low", "high"),
    "drop": ("x", "y", "z"),
}
"""Parts that a cell's file must contain before an arm is driven by it: defaults would be guesses about walls."""


def load_cell(path: Path, to_move: bool = False) -> CellConfig:
    """The cell of a YAML file; relative paths in it are taken from where the file lies.

    Args:
        path: of the file.
        to_move: the arm will be driven, so the file must name every part of ``REQUIRED``.

    Raises:
        UserError: the file is missing, no YAML, holds an unknown key or an implausible value, contradicts itself, or
            lacks a part.
    """
    values = read_yaml(path, "--cell")
    if not values:
        raise UserError(f"--cell {path} is empty; docs/cell.yaml shows what a cell's file holds")
    config = read_cell(values, path)
    _checked(path, check_units, config)
    if to_move:
        _refuse_gaps(path, values)
        _checked(path, check_agreement, config)
    view = replace(config.view, options=_beside(path.parent, config.view.options))
    telemetry = config.telemetry if config.telemetry is None else path.parent / config.telemetry
    mask = config.limits.mask if config.limits.mask is None else path.parent / config.limits.mask
    limits = GraspLimits.of(replace(config.limits, mask=mask))
    if limits is not None:
        _checked(path, limits.check, config.workspace)
        config = replace(config, limits=limits.config)
    return replace(config, view=view, telemetry=telemetry)


def read_cell(values: Any, path: Path) -> CellConfig:
    """The cell of plain values, with paths as they are written; the file's path is for messages.

    Raises:
        UserError: an unknown key, or a value of a wrong type or without the unit that it needs.
    """
    if isinstance(values, dict):
        values = _checked(path, read_angles, values)
    return with_values(CellConfig(), values, where=str(path))


def _checked(path: Path, check: Callable[[Given], Result], given: Given) -> Result:
    """The check's result; its refusal names the file."""
    try:
        return check(given)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _refuse_gaps(path: Path, values: dict[str, Any]) -> None:
    missing = [part for part in REQUIRED if part not in values]
    missing += [
        f"{part}.{name}" for part in REQUIRED if part in values for name in REQUIRED[part] if name not in values[part]
    ]
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(missing)}: no arm is driven by defaults; docs/cell.yaml shows all of them"
        )


def _beside(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    placed: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            value = _beside(folder, value)
        elif name in PATH_OPTIONS and isinstance(value, str):
            value = str(folder / value)  # an absolute path stays as it is
        placed[name] = value
    return placed
