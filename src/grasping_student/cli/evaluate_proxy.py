"""``grasping-student evaluate proxy``: share of grasps that an affordance network takes for successes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say, stage_main
from grasping_student.errors import UserError
from grasping_student.evaluation.proxy_configuration import PROXY_PRESETS, ProxyConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options, evaluate and print the rates."""
    stage_main("evaluate proxy", PROXY_PRESETS, _run, argv)


def _run(config: ProxyConfig) -> None:
    from grasping_student.evaluation.proxy import METRICS, run
    from grasping_student.files import read_json
    from grasping_student.reports.sentences import interval, percent

    _check_affordance(config.affordance)
    _check_held_out(config)
    out = run(config)
    metrics = read_json(out / METRICS)
    print(f"{'model':<20}{'successes':>11}{'scenes':>8}{'proxy':>9}  95 % over scenes   moving average")
    for name, row in metrics["models"].items():
        print(
            f"{name:<20}{row['successes']:>11}{row['attempts']:>8}{percent(row['success_rate']):>9}  "
            f"{interval(row['bootstrap_95']):<18} {percent(row['average'])} of {len(row['rounds'])} rounds"
        )
    say(f"written to {out}")


def _check_affordance(folder: Path) -> None:
    """Refuse the checkpoint of another network, whose scores are no log-odds of success, as ``pseudo-label`` does.

    Raises:
        UserError: a checkpoint without the split that ``train affordance`` alone writes.
    """
    from grasping_student.datasets.splits import SPLIT
    from grasping_student.models.checkpoint import CONFIG

    if (folder / CONFIG).exists() and not (folder / SPLIT).exists():
        raise UserError(
            f"--affordance {folder} is no affordance network; 'grasping-student train affordance' makes one"
        )


def _check_held_out(config: ProxyConfig) -> None:
    """Refuse scenes that a network has learnt from, as far as the manifests beside the networks tell.

    Raises:
        UserError: the dataset's version is an input of a model or of the affordance network.
    """
    from grasping_student.datasets.store import Dataset
    from grasping_student.evaluation.configuration import parse_models

    folders = [config.affordance, *(Path(spec) for spec in parse_models(config.models).values())]
    version = Dataset(config.dataset).version
    learnt = [str(folder) for folder in folders if version in _inputs(folder)]
    if learnt:
        raise UserError(
            f"{', '.join(learnt)} learnt from the scenes of --dataset {config.dataset}, says manifest.json there: "
            "give a dataset that no model and no affordance network has seen"
        )


def _inputs(folder: Path) -> set[str]:
    """Content hashes of what a checkpoint was made from; none where no manifest tells."""
    from grasping_student.files import read_json

    manifest = folder / "manifest.json"
    return set(read_json(manifest).get("inputs", {}).values()) if manifest.is_file() else set()
