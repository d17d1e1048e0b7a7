"""From finished stages to a run's file: what was measured, and everything that its numbers follow from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grasping_student
from grasping_student.episodes.event_log import outcome_name
from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.files import read_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.study import auxiliary_measures as special
from grasping_student.study import planning
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.designs import DESIGNS, REGIMES
from grasping_student.study.one_shot_log import OneShotLog, outcome_string
from grasping_student.study.planning import Row
from grasping_student.study.records import MEASURES, read_run, run_path, write_run
from grasping_student.study.stage_graph import Recipes
from grasping_student.study.stages import DONE, Stage, made_by
from grasping_student.study.versions import code_version


def write_measured(config: ExperimentConfig, recipes: Recipes, row: Row, shots: bool) -> None:
    """Write a row's run; what the file holds already and this invocation was not asked for stays."""
    cell, stages = row.cell, row.stages()
    code = _code(row)
    values: dict[str, Any] = {
        "experiment": config.name,
        "regime": cell.regime,
        "setting": cell.setting,
        "arm": row.arm,
        "draw": cell.draw,
        "labels": recipes.labels(cell),
        "label_families": to_plain(REGIMES[cell.regime]),
        "model": row.model,
        "asked": {
            "sizes": to_plain(config.sizes),
            "seed": config.seed,
            "scenes": planning.scenes_of(config, DESIGNS[config.name]),
            "proxy": config.proxy,
        },
        "code": code,
        "stages": {stage.name: _about(stage) for stage in stages},
        "commit": code_commit(),
        "package_version": grasping_student.__version__,
        "machine": machine_name(),
    }
    if shots:
        log = OneShotLog(config.cache, recipes.world(cell.regime), recipes.test_seed(cell.draw))
        code["one_shot"] = log.made_by or code_version("one_shot")
        values["one_shot"] = _one_shot(log, row, config.one_shot_scenes)
    for measure, stage in row.extra.items():
        values[measure] = special.read_measure(measure, stage, row)
    mixed = [stage.name for stage in stages if made_by(stage) != code_version(stage.kind)]
    if mixed:
        values["made_by_other_code"] = sorted(mixed)
    path = run_path(config.out / config.name, cell.regime, cell.setting, row.arm, cell.draw)
    before = read_run(path).values if path.exists() else {}
    write_run(path, with_earlier(before, values))


def with_earlier(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """A run's values with those measures of the file before it that it lacks or has of fewer scenes.

    Only where the same code measured the same model; else the new values stand alone.
    """
    shared = set(before.get("code", {})) & set(after["code"])
    model = [each.get("one_shot", {}).get("version") for each in (before, after)]
    if not before or any(before["code"][kind] != after["code"][kind] for kind in shared) or model[0] != model[1]:
        return after
    found = dict(after)
    for measure in MEASURES:
        if measure in before and _size(before[measure]) > _size(after.get(measure)):
            found[measure] = before[measure]
    found["code"] = before["code"] | after["code"]
    found["stages"] = before["stages"] | after["stages"]
    found["asked"] = after["asked"] | {
        "scenes": max(before["asked"]["scenes"], after["asked"]["scenes"]),
        "proxy": before["asked"]["proxy"] or after["asked"]["proxy"],
    }
    return found


def _size(measure: dict[str, Any] | None) -> int:
    """How much a measure holds: scenes or episodes, else 1; 0 if it was not taken."""
    if measure is None:
        return 0
    return max(1, len(measure.get("outcomes", "")), len(measure.get("all_picks", {}).get("attempts", ())))


def kinds(rows: Sequence[Row], shots: bool) -> list[str]:
    """Kinds of stages behind rows."""
    found = {stage.kind for row in rows for stage in row.stages()} | ({"one_shot"} if shots else set())
    return sorted(found)


def _code(row: Row) -> dict[str, str]:
    """Kind -> version of the code that made the row's stages; another version than today's is named if there is one."""
    found: dict[str, str] = {}
    for stage in row.stages():
        version = made_by(stage)
        if stage.kind not in found or version != code_version(stage.kind):
            found[stage.kind] = version
    return dict(sorted(found.items()))


def _one_shot(log: OneShotLog, row: Row, count: int) -> dict[str, Any]:
    attempts, scenes = log.attempts()[row.model], range(count)
    outcomes = [outcome_name(attempts[scene]) for scene in scenes]
    return {
        "family": log.world.family,
        "seed": log.seed,
        "version": attempts[0].policy_version,
        "outcomes": outcome_string(attempts, scenes),
        "failures": {name: outcomes.count(name) for name in sorted(set(outcomes) - {"success"})},
    }


def _about(stage: Stage) -> dict[str, Any]:
    row = read_json(stage.out / DONE)
    return {"config": row["config"], "code": row["code"], "inputs": row["inputs"], "seconds": row["seconds"]}
