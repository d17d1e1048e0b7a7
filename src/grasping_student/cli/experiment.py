"""``grasping-student experiment NAME``: a table or figure of the paper, measured; ``report`` and ``rerun``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from grasping_student.cli.options import parse
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError
from grasping_student.study.bin_designs import BIN_DESIGNS
from grasping_student.study.configuration import (
    EXPERIMENT_PRESETS,
    ExperimentConfig,
    bins,
    current_name,
    with_current_names,
)
from grasping_student.study.designs import DESIGNS

OTHERS = ("all", "report", "rerun", "datasets")


def main(argv: Sequence[str]) -> None:
    """Take the experiment's name off, parse the options, run.

    Raises:
        UserError: no name or an unknown one.
    """
    words = list(argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        raise UserError(f"experiment needs a name first: {', '.join(DESIGNS)}, or one of {', '.join(OTHERS)}")
    if words[0] in ("-h", "--help"):
        print("usage: grasping-student experiment NAME [options]\n")
        print("\n".join(f"  {name:<18}{design.title}" for name, design in DESIGNS.items()))
        print(
            f"  {'all':<18}these, one after the other; with --dry-run how long they would take\n"
            f"  {'datasets':<18}the light data alone; its hashes are checked against results/datasets.json\n"
            f"  {'report':<18}docs/results.md and all figures from the results folder\n"
            f"  {'rerun':<18}--run NAME: one run once more; are its numbers the same?\n\n"
            "grasping-student experiment NAME --help shows the options."
        )
        return
    name = choice(current_name(words.pop(0)), (*DESIGNS, *OTHERS), "experiment")
    makers = EXPERIMENT_PRESETS | ({"light": bins} if name in BIN_DESIGNS else {})  # results of a folder share sizes
    presets = {preset: _named(make, name) for preset, make in makers.items()}
    config = parse(f"experiment {name}", presets, words)
    if config is not None:
        _run(config)


def _named(make: Callable[[], ExperimentConfig], name: str) -> Callable[[], ExperimentConfig]:
    return lambda: replace(make(), name=name)


def _run(config: ExperimentConfig) -> None:
    config = with_current_names(config)
    if config.dry_run and config.name in OTHERS and config.name != "all":
        raise UserError(f"'experiment {config.name}' has no --dry-run; the experiments and 'all' have")
    if config.name == "report":
        from grasping_student.study.bin_page import write_bin_page
        from grasping_student.study.page import write_page

        in_bins = any((config.out / name).is_dir() for name in BIN_DESIGNS)
        print((write_bin_page if in_bins else write_page)(config.out, config.page))
    elif config.name == "rerun":
        from grasping_student.study.rerun import rerun

        print(rerun(config))
    elif config.name == "datasets":
        from grasping_student.study.data_check import make_datasets

        print(make_datasets(config))
    elif config.name == "all":
        from grasping_student.study.running import run_all

        run_all(config)
    else:
        from grasping_student.study.running import run

        run(config)
