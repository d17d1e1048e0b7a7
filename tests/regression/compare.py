"""Differences between two records that ``record.py`` made at two commits.

Compares the demo (outcomes, grasps, scores, rates, weights), the grasps of ``predict``, the outcomes of the robot cell
and the rates of the experiments, whichever release's format each record has. Weights are compared by the SHA-256 of
each tensor. A difference that a change wanted is named with ``--expect`` and its beginning; any other ends with exit
code 1.

Run: python tests/regression/compare.py BEFORE AFTER [--expect predict-phoxi ...]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from safetensors import safe_open

from grasping_student.study.conditions import OLD_NAMES

FORMER = {
    **OLD_NAMES,
    "try": "attempt",
    "teacher_ruled": "teacher_constrained",
    "difference_to_ruled": "difference_to_constrained",
    "rule": "constraint",
    "beside": "reference",
}
"""Names in records of the release before -> their names now."""

VOLATILE = {"timing_s", "commit", "machine", "package_version", "seconds", "version", "entropy_bits_seconds"}
"""Keys whose values are others in every run."""

OF_AN_ATTEMPT = {"event", "model", "episode", "index", "row", "col", "angle", "score", "outcome", "reason"}
"""Fields of an event that both releases write; the later one adds who chose, and where."""

Values = dict[str, Any]


def main() -> int:
    """List the differences; the exit code says whether one is unexplained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--expect", nargs="*", default=[], help="beginnings of differences that are wanted")
    options = parser.parse_args()
    steps = sorted(
        {path.name for folder in (options.before, options.after) for path in folder.iterdir() if path.is_dir()}
    )
    unexplained = compared = 0
    for step in steps:
        if step == "frames":
            continue
        one, other = (dict(values_of(step, folder / step)) for folder in (options.before, options.after))
        if not one or not other:
            print(f"{step}: not in both records")
            unexplained += not any(step.startswith(each) for each in options.expect)
            continue
        compared += len(one)
        for line in differences(step, one, other):
            wanted = any(line.startswith(each) for each in options.expect)
            unexplained += not wanted
            print(f"{'wanted' if wanted else 'DIFFERS'}  {line}")
    print(f"{compared} values compared, {unexplained} unexplained differences")
    return 1 if unexplained else 0


def differences(step: str, one: Values, other: Values) -> Iterator[str]:
    """A line for each value that one record has otherwise, or not."""
    for name in sorted(one.keys() | other.keys()):
        a, b = one.get(name), other.get(name)
        if a != b and not (isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, rel_tol=1e-12)):
            yield f"{step}/{name}: {_short(a)} -> {_short(b)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) < 90 else f"{text[:80]}... ({len(text)} characters)"


def values_of(step: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """Everything of a step's record that must not change, by name."""
    if not (folder / "exit.json").exists():
        return
    yield "exit", json.loads((folder / "exit.json").read_text())["exit"]
    output = folder / "output"
    if step.startswith("predict"):
        path = output / "grasp.json"
        if path.exists():
            grasp = json.loads(path.read_text())
            yield from _flat({key: grasp[key] for key in ("grasp", "runners_up") if key in grasp})
    elif step.startswith("robot-cell"):
        yield from _flat({"outcomes": json.loads((folder / "result.json").read_text())["outcomes"]})
    elif step.startswith("demo"):
        yield from _demo(output)
    elif step.startswith("experiments"):
        yield from _experiments(output)


def _demo(output: Path) -> Iterator[tuple[str, Any]]:
    yield from _flat(json.loads((output / "report.json").read_text()), "report/")
    for path in sorted(output.glob("*/attempts.jsonl")):
        for number, line in enumerate(path.read_text().splitlines()):
            event = {key: value for key, value in _renamed(json.loads(line)).items() if key in OF_AN_ATTEMPT}
            yield f"{path.parent.name}/attempts/{number}", json.dumps(event, sort_keys=True)
    yield from _weights(output)


def _weights(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("model.safetensors")):
        with safe_open(path, "np") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                yield (
                    f"{path.parent.relative_to(folder)}/{name}",
                    hashlib.sha256(tensors.get_tensor(name).tobytes()).hexdigest(),
                )


def _experiments(output: Path) -> Iterator[tuple[str, Any]]:
    for folder in sorted((output / "results").iterdir()):
        experiment = FORMER.get(folder.name, folder.name)
        rows = _parquet_runs(folder) if (folder / "runs.parquet").exists() else _json_runs(folder)
        for key, measures in rows:
            for measure, values in measures.items():
                yield f"{experiment}/{'/'.join(map(str, key))}/{measure}", values


def _json_runs(folder: Path) -> Iterator[tuple[tuple[Any, ...], Values]]:
    """Runs as the release before kept them, a file each."""
    for path in sorted((folder / "runs").rglob("*.json")):
        run = json.loads(path.read_text())
        key = (
            run["regime"],
            FORMER.get(run["setting"], run["setting"]),
            FORMER.get(run["arm"], run["arm"]),
            run["draw"],
        )
        found: Values = {}
        for measure in ("one_shot", "proxy"):
            if measure in run:
                found[measure] = run[measure]["outcomes"]
        if "proxy" in run:
            found["proxy/round"] = run["proxy"]["rounds"]
        if "entropy" in run:
            found["entropy"] = run["entropy"]["bits"]
        for part in ("all_picks", "excluding_repeats", "without_stop_failures"):
            if "picking" in run:
                counts = run["picking"][part]
                found[f"picking/{part}"] = list(zip(counts["successes"], counts["attempts"], strict=True))
        for kind, own in run.get("precision", {}).get("kinds", {}).items():
            found[f"precision/{FORMER.get(kind, kind)}"] = own["outcomes"]
        if "affordance" in run:
            found["affordance"] = run["affordance"]["balanced_accuracy"]
        yield key, found


def _parquet_runs(folder: Path) -> Iterator[tuple[tuple[Any, ...], Values]]:
    runs = pq.read_table(folder / "runs.parquet").to_pandas()
    for key, rows in runs.groupby(["domain", "level", "condition", "replicate"]):
        found: Values = {}
        for (measure, part), own in rows.sort_values("index").groupby(["measure", "part"]):
            counts = list(
                zip(own["successes"].fillna(-1).astype(int), own["attempts"].fillna(-1).astype(int), strict=True)
            )
            text = "".join(str(s) if n else "-" for s, n in counts)
            if (measure, part) in (("one_shot", ""), ("proxy", "")):
                found[measure] = text
            elif measure == "precision":
                found[f"precision/{part}"] = text
            elif part in ("all_picks", "excluding_repeats", "without_stop_failures"):
                found[f"picking/{part}"] = [(int(s), int(n)) for s, n in counts]
            elif (measure, part) in (("entropy", ""), ("proxy", "round")):
                found[f"{measure}/{part}".rstrip("/")] = own["value"].tolist()
            elif (measure, part) == ("affordance", "balanced_accuracy"):
                value = float(own["value"].iloc[0])
                found["affordance"] = None if math.isnan(value) else value
        yield (*key[:3], int(key[3])), found


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keys and short texts by their names of today."""
    return {FORMER.get(key, key): _name(value) for key, value in values.items()}


def _name(value: Any) -> Any:
    return FORMER.get(value, value) if isinstance(value, str) else value


def _flat(values: Any, start: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values by their path, without those that are others in every run."""
    if isinstance(values, dict):
        for key, value in values.items():
            if key not in VOLATILE:
                yield from _flat(value, f"{start}{FORMER.get(key, key)}/")
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from _flat(value, f"{start}{number}/")
    else:
        yield start.rstrip("/"), _name(values)


if __name__ == "__main__":
    raise SystemExit(main())
