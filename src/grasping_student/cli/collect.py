"""``grasping-student collect``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.cli.stage import say, stage_main
from grasping_student.collection.configuration import COLLECT_PRESETS, CollectConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options and collect."""
    stage_main("collect", COLLECT_PRESETS, _run, argv)


def _run(config: CollectConfig) -> Path:
    from grasping_student.collection.collect import run
    from grasping_student.episodes.policy_spec import make_policy
    from grasping_student.pipeline.files import read_json

    out = run(config, make_policy)
    facts = read_json(out / "manifest.json")
    outcomes = ", ".join(f"{count} {name}" for name, count in facts["outcomes"].items()) or "unlabelled"
    say(f"{facts['attempts']} {config.kind} from {facts['episodes']} episodes in {out}: {outcomes}")
    return out
