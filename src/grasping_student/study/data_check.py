"""The datasets of the experiments by themselves, and whether they are the ones that the results were made with."""

from __future__ import annotations

import sys
from pathlib import Path

from grasping_student.datasets.store import Dataset
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.designs import REGIMES
from grasping_student.study.figures import LABELS, link
from grasping_student.study.outdated import settle_stale
from grasping_student.study.planning import check_asked
from grasping_student.study.scene_pictures import plot_labels
from grasping_student.study.stage_graph import Recipes
from grasping_student.study.stages import Stage, run_stage, with_inputs

VERSIONS = "datasets.json"


def make_datasets(config: ExperimentConfig) -> str:
    """Make what is missing, and compare every content hash with the one on file; returns a table in text.

    These are both parts of what the affordance networks learn from, attempts of a person's stand-in and of a robot with
    an early teacher (which is trained for it), and the scenes of the students and of the proxy.

    Raises:
        UserError: a dataset differs from the one that the results were made with, or those were made with other sizes
            or another seed.
    """
    recipes = Recipes(config)
    wanted: dict[str, Stage] = {}
    regimes = tuple(choice(name, REGIMES, "regime") for name in config.regimes) or tuple(REGIMES)
    for name in regimes:
        regime = REGIMES[name]
        wanted |= {f"labels {regime.labels}": recipes.pool(regime.labels), f"scenes {name}": recipes.scenes(name)}
        wanted[f"held out {regime.target}"] = recipes.held_out(regime.target)
        wanted[f"labels {regime.target}"] = recipes.pool(regime.target)
        wanted[f"robot {regime.target}"] = recipes.robot(regime.target)
    check_asked(config.out, config)
    settle_stale(config, list(wanted.values()), [])
    for stage in with_inputs(wanted.values()):
        run_stage(stage)
    path = config.out / VERSIONS
    known = read_json(path) if path.exists() else {}
    lines, different = [], []
    for name, stage in wanted.items():
        dataset = Dataset(stage.out)
        key, version = stage.name, dataset.version
        said = "as on file" if key in known else "new"
        if known.setdefault(key, version) != version:
            different.append(name)
            said = f"not {known[key][:16]}"
        lines.append(f"{name:<28}{len(dataset):>7}  {version[:16]}  {said:<12}{stage.out}")
    if different:
        print("\n".join(lines), file=sys.stderr)
        raise UserError(
            f"{', '.join(different)}: not the data behind {path}; another version of the code or of a library, or "
            "another kind of processor, can collect other scenes. The results on file stay valid for theirs; choose "
            "another --out for yours"
        )
    write_json(path, known)
    for family in dict.fromkeys(REGIMES[name].labels for name in regimes):
        plot_labels(recipes.pool(family).out, config.out / f"{LABELS}-{family}")
    return "\n".join(lines)


def section(results: Path, page: Path) -> str:
    """What the results page says of the data, nothing where it was never drawn."""
    pictures = sorted(results.glob(f"{LABELS}-*.png"))
    if not pictures:
        return ""
    lines = [
        "## The labelled grasps",
        "",
        "`grasping-student experiment datasets` collects them and compares their hashes with those of the data behind "
        f"these results, `{link(results / VERSIONS, page)}`.",
        "",
    ]
    for picture in pictures:
        family = picture.stem.removeprefix(f"{LABELS}-")
        caption = f"First labelled successes in {family} scenes: heights, and colours below (the paper's figure 1)"
        lines += [f"![{caption}]({link(picture, page)})", "", f"*{caption}.*", ""]
    return "\n".join(lines)
