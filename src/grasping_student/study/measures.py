"""From finished stages to a run's rows: each attempt and each number that the stages measured, with its origin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import grasping_student
from grasping_student.episodes.event_log import outcome_name, read_events
from grasping_student.evaluation.picking_stage import ATTEMPTS, read_metrics
from grasping_student.evaluation.rates import picking_counts
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.files import read_json
from grasping_student.pipeline.manifest import code_commit, machine_name
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.one_shot_log import OneShotLog
from grasping_student.study.planning import PlannedRun
from grasping_student.study.precision import read_grasps
from grasping_student.study.relabelling import read_corrections
from grasping_student.study.run_store import KEY, SCHEMA
from grasping_student.study.stage_graph import StageGraph
from grasping_student.study.stages import Stage

RELABELLED = {"scripted": "scripted", "nearby": "nearby", "teacher_augmented": "best"}
"""Condition of the experiment ``relabelling`` -> kind of grasp in its log."""


def one_shot_log(config: ExperimentConfig, graph: StageGraph, run: PlannedRun) -> OneShotLog:
    """The log in which a run's one-shot attempts stand."""
    return OneShotLog(config.cache, graph.environment(run.trial.domain), graph.test_seed(run.trial.replicate))


def measured_rows(config: ExperimentConfig, graph: StageGraph, run: PlannedRun, one_shot: bool) -> pd.DataFrame:
    """All rows of a run, as ``run_store`` keeps them."""
    versions = {stage.kind: stage.version for stage in sorted(run.stages(), key=lambda each: each.outdated)}
    parts, version = [], None
    if one_shot:
        log = one_shot_log(config, graph, run)
        record = log.record()
        versions["one_shot"] = record["version"]
        attempts = log.attempts()[run.model]
        version = attempts[0].policy_version
        rows = one_shot_rows({scene: outcome_name(attempts[scene]) for scene in range(config.one_shot_scenes)})
        parts.append(rows.assign(measure="one_shot", stage=record["name"]))
    for measure, stage in run.measures.items():
        rows, found = _read(measure, stage, run.condition)
        version = version or found
        parts.append(rows.assign(measure=measure, stage=stage.name))
    rows = pd.concat(parts, ignore_index=True)
    about: dict[str, Any] = dict(zip(KEY, run.key, strict=True)) | {
        "experiment": config.name,
        "labels": graph.labels(run.trial),
        "model": run.model,
        "model_version": version,
        "versions": json.dumps(dict(sorted(versions.items()))),
        "commit": code_commit(),
        "machine": machine_name(),
        "package_version": grasping_student.__version__,
    }
    return rows.assign(**about).reindex(columns=SCHEMA.names)


def one_shot_rows(outcomes: Mapping[int, str]) -> pd.DataFrame:
    """A row for each scene, from its outcome: a fault is no attempt, a scene without a grasp is a failure."""
    rows = pd.DataFrame({"part": "", "index": list(outcomes), "outcome": list(outcomes.values())})
    rows["successes"] = (rows["outcome"] == "success").astype(int)
    rows["attempts"] = (rows["outcome"] != "fault").astype(int)
    return rows


def _read(measure: str, stage: Stage, condition: str) -> tuple[pd.DataFrame, str | None]:
    """Rows of a measure from its stage, and the hash of the model's weights where the stage says it."""
    if measure == "one_shot":
        return read_corrections(stage.out, RELABELLED[condition])
    if measure == "precision":
        return read_grasps(stage.out)
    if measure == "picking":
        return _picking(stage, condition)
    if measure == "affordance":
        values = read_json(stage.out / "held_out.json")
        return pd.DataFrame(_flat(values)), values.get("model")
    metrics = read_json(stage.out / "metrics.json")
    if measure == "entropy":
        return _numbers("", metrics["bits"]), metrics["model"]
    assert measure == "proxy", measure
    model = metrics["models"]["model"]
    hits = one_shot_rows({n: {"1": "success", "0": "failure"}.get(hit, "fault") for n, hit in enumerate(model["hits"])})
    return pd.concat([hits.drop(columns="outcome"), _numbers("round", model["rounds"])]), None


def _numbers(part: str, values: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"part": part, "index": range(len(values)), "value": values})


def _flat(values: Mapping[str, Any], start: str = "") -> Iterator[dict[str, Any]]:
    """Rows of nested numbers and lists of numbers, with dotted names as parts."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, start if name == "by_source" else f"{start}{name}.")
        elif isinstance(value, list) and name != "edges":
            yield from ({"part": start + name, "index": index, "value": each} for index, each in enumerate(value))
        elif not isinstance(value, str | list):
            yield {"part": start + name, "index": 0, "value": value}


def _picking(stage: Stage, condition: str) -> tuple[pd.DataFrame, str]:
    """Attempts and successes episode by episode under every named rate, and why episodes ended."""
    metrics = read_metrics(stage.out)
    model, episodes = metrics["models"][condition], stage.config.episodes
    workspace = Workspace(**metrics["workspace"])
    events = [event for event in read_events(stage.out / ATTEMPTS) if event.episode < episodes]
    counts = picking_counts(events, condition, episodes, workspace, stage.config.stop.failures_in_a_row)
    parts = [
        pd.DataFrame({"part": name, "index": range(episodes), "successes": c.successes, "attempts": c.attempts})
        for name, c in counts.items()
    ]
    for start, tally in (("end", model["episode_ends"]), ("failure", model["failures"])):
        parts += [_numbers(f"{start}:{name}", [float(count)]) for name, count in tally.items()]
    return pd.concat(parts), model["version"]


def stage_records(
    config: ExperimentConfig, graph: StageGraph, runs: list[PlannedRun], one_shot: bool
) -> list[dict[str, Any]]:
    """Lines of ``stages.jsonl`` for everything that runs were made from, each once."""
    stages = {stage.name: stage for run in runs for stage in run.stages()}
    lines = [_with_weights(stage.record(), stage.out) for stage in stages.values()]
    logs = {log.name: log for run in runs if one_shot for log in [one_shot_log(config, graph, run)]}
    return lines + [log.record() for log in logs.values()]


def _with_weights(line: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The line of an affordance network with the hash of its weights, which the proxy names its judge by."""
    held_out = folder / "held_out.json"
    return {**line, "model_version": read_json(held_out)["model"]} if held_out.exists() else line
