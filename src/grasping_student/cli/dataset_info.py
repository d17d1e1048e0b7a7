"""``dataset info``: what a dataset holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional


@dataclass(frozen=True)
class InfoOptions:
    """Counts, success rates by source and policy with their 95 % Wilson intervals, histograms of angles and heights."""

    dataset: Annotated[Path, Positional]
    """Folder of the dataset."""

    out: Path | None = None
    """Folder for info.json and histograms.png; without it nothing is written."""


def info(options: InfoOptions) -> None:
    """Print the summary, and write it if asked to.

    Raises:
        UserError: there is no dataset, or it is damaged.
    """
    from grasping_student.datasets.store import Dataset
    from grasping_student.datasets.summary import summarise

    summary = summarise(Dataset(options.dataset))
    values = _plain(summary)
    for line in _lines(values):
        print(line)
    if options.out is not None:
        from grasping_student.datasets.summary import plot_histograms
        from grasping_student.pipeline.files import write_json

        write_json(options.out / "info.json", values)
        plot_histograms(summary, options.out / "histograms.png")
        print(f"wrote {options.out / 'info.json'} and {options.out / 'histograms.png'}")


def _plain(summary: Any) -> dict[str, Any]:
    from grasping_student.pipeline.configuration import to_plain

    return {
        "version": summary.version,
        "workspace": to_plain(summary.workspace),
        "entries": summary.entries,
        "scenes": summary.scenes,
        "episodes": summary.episodes,
        "labelled": _rate(summary.labelled),
        "by_source": {name: _rate(rate) for name, rate in summary.by_source.items()},
        "by_policy": {name: _rate(rate) for name, rate in summary.by_policy.items()},
        "outcomes": summary.outcomes,
        "environments": summary.environments,
        "unmeasured_share": summary.unmeasured_share,
        "angles": {"success": summary.angles_success.tolist(), "failure": summary.angles_failure.tolist()},
        "heights": {"edges_m": summary.height_edges.tolist(), "pixels": summary.height_pixels.tolist()},
    }


def _rate(rate: Any) -> dict[str, Any]:
    from grasping_student.evaluation.statistics import wilson_interval

    low, high = wilson_interval(rate.successes, rate.attempts)
    return {"attempts": rate.attempts, "successes": rate.successes, "success_rate": rate.rate, "wilson_95": [low, high]}


def _lines(values: dict[str, Any]) -> list[str]:
    workspace = values["workspace"]
    lines = [
        f"version      {values['version'][:16]}",
        f"workspace    {workspace['extent']} m, {workspace['pixels']} pixels, margin {workspace['margin']} m",
        f"entries      {values['entries']} in {values['episodes']} episodes, {values['scenes']} of them scenes only",
        f"labelled     {_words(values['labelled'])}",
    ]
    for title, key in (("source", "by_source"), ("policy", "by_policy")):
        lines += [f"  {title} {name}: {_words(rate)}" for name, rate in values[key].items()]
    lines += [f"  outcome {name}: {count}" for name, count in sorted(values["outcomes"].items())]
    lines += [f"  environment {name}: {count}" for name, count in sorted(values["environments"].items())]
    return lines


def _words(rate: dict[str, Any]) -> str:
    if not rate["attempts"]:
        return "0 attempts"
    low, high = rate["wilson_95"]
    share = f"{rate['success_rate']:.1%} [{low:.1%}, {high:.1%}]"
    return f"{rate['successes']} of {rate['attempts']} succeeded, {share}"
