"""Sizes, seed and physics engine of a results folder: written once, and other ones refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from grasping_student.pipeline.configuration import choice, to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_object, write_json
from grasping_student.pipeline.stage import FORMER_DEFAULTS
from grasping_student.simulation.config import DEFAULT_ENGINE, ENGINE_NAMES, EngineName
from grasping_student.study.configuration import ExperimentConfig, Sizes

SIZES = "sizes.json"
"""Sizes, seed and physics engine of a results folder: all its runs share them."""

TEST_SIZES = ("one_shot_scenes", "episodes")
"""Sizes that may differ between the runs of a folder: scenes are paired by number."""


def with_engine(config: ExperimentConfig) -> ExperimentConfig:
    """The config with a physics engine: its own, else that of the results on file, else the default."""
    if config.engine is not None:
        return config
    on_file = (config.out / SIZES).exists()
    return replace(config, engine=engine_in(read_sizes(config.out)) if on_file else DEFAULT_ENGINE)


def engine_in(sizes: Mapping[str, Any]) -> EngineName:
    """The physics engine of a file of sizes; one from before the engine could be chosen says none."""
    return cast(
        "EngineName", choice(str(sizes.get("engine", FORMER_DEFAULTS["engine"])), ENGINE_NAMES, "physics engine")
    )


def check_sizes(folder: Path, config: ExperimentConfig, remember: bool = True) -> None:
    """Remember sizes, seed and physics engine of a results folder, or refuse to mix others in.

    Raises:
        UserError: the folder holds results of other sizes, another seed or another engine.
    """
    path = folder / SIZES
    if not path.exists():
        if remember:
            write_json(
                path, {"sizes": to_plain(config.sizes), "seed": config.seed, "engine": config.engine or DEFAULT_ENGINE}
            )
        return
    names = other_sizes(read_sizes(folder), config)
    if names:
        raise UserError(
            f"{folder} holds results with {', '.join(names[:3])}; give the same preset, sizes, seed and "
            "engine, or another --out"
        )


def read_sizes(folder: Path) -> dict[str, Any]:
    """Sizes and seed of a results folder.

    Raises:
        UserError: the file is missing or damaged.
    """
    return read_object(folder / SIZES, sizes=dict, seed=int)


def other_sizes(before: Mapping[str, Any], config: ExperimentConfig) -> list[str]:
    """Sizes, seed and engine of earlier results that differ from a config's, but for how much was tested, as text."""
    sizes = _flat(to_plain(Sizes())) | _flat(before.get("sizes", {}))  # a size added later had its default
    names = [
        f"sizes {name} = {sizes.get(name)}"
        for name, value in _flat(to_plain(config.sizes)).items()
        if name not in TEST_SIZES and sizes.get(name) != value
    ]
    seed, engine = before.get("seed"), engine_in(before)
    names += [f"seed = {seed}"] if seed != config.seed else []
    return names + ([f"engine = {engine}"] if config.engine not in (None, engine) else [])


def _flat(values: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """Nested options by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{start}{name}.") if isinstance(value, dict) else {start + name: value}
    return found
