"""The ``dataset`` commands but ``info``: browse, choose, import, export, merge, filter, split and check."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional

from grasping_student.cli import options
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError, require_extra

if TYPE_CHECKING:
    from grasping_student.collection.frame_choice_configuration import FrameChoiceConfig
    from grasping_student.web.browse_config import BrowseConfig

DatasetFolder = Annotated[Path, Positional]


def choose(config: FrameChoiceConfig) -> None:
    """Choose frames to label, and print where they are.

    Raises:
        UserError: fewer frames than asked for, a model that cannot tell, or ``out`` exists.
    """
    from grasping_student.collection.frame_choice import run
    from grasping_student.serving.loading import PRETRAINED

    shipped = {Path("general"): PRETRAINED} if not Path("general").exists() else {}
    out = run(replace(config, models=tuple(shipped.get(each, each) for each in config.models)))
    options.notify(f"{config.count} frames in {out}; label them: grasping-student label --env recorded {out}")


def browse(config: BrowseConfig) -> None:
    """Serve a page of a dataset's attempts."""
    require_extra("web", "nicegui")
    from grasping_student.web.browse_setup import run

    run(config)


LAYOUTS = {
    "authors": ("authors", "AuthorsImport", "img_DATE.png, depth_DATE.npy, desc_DATE.json of the paper's authors"),
    "cornell": ("cornell", "CornellImport", "pcdNNNNr.png, pcdNNNNd.tiff, pcdNNNNcpos.txt, pcdNNNNcneg.txt"),
    "ivalab": ("ivalab", "IvalabImport", "rgb_NNNN.jpg, depth_NNNN.png, rgb_NNNN_annotations.txt of IVALab"),
    "jacquard": ("jacquard", "JacquardImport", "NAME_grasps.txt, NAME_RGB.png, NAME_perfect_depth.tiff"),
    "pushing-grasping": ("pushing_grasping", "PushingGraspingImport", "a session of visual-pushing-grasping"),
    "frames": ("frames", "FramesImport", "RGB-D frames of one fixed camera, as unlabelled scenes"),
    "parquet": ("parquet", "ParquetImport", "what 'dataset export' wrote"),
}
"""Name -> (module in datasets.importers, its config, one line of help)."""


def import_layout(argv: Sequence[str]) -> None:
    """Import foreign data, and print what was taken over and what was left out.

    Raises:
        UserError: unknown layout, no layout, or whatever the importer finds wrong.
    """
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: grasping-student dataset import LAYOUT FOLDER --out DATASET [options]\n\nlayouts:")
        print("\n".join(f"  {name:<18}{line}" for name, (_, _, line) in LAYOUTS.items()))
        print("\ngrasping-student dataset import LAYOUT --help shows the options of one layout.")
        if not argv:
            raise UserError("dataset import needs a layout and a folder")
        return
    layout, rest = choice(argv[0], LAYOUTS, "layout"), list(argv[1:])
    if rest and not rest[0].startswith("-"):
        rest = ["--folder", *rest]
    module_name, config_name, _ = LAYOUTS[layout]
    module = importlib.import_module(f"grasping_student.datasets.importers.{module_name}")
    config = options.parse(f"dataset import {layout}", getattr(module, config_name), rest)
    if config is not None:
        print("\n".join(module.run(config).lines()))


@dataclass(frozen=True)
class ExportOptions:
    """Write a dataset as Parquet, which datasets.load_dataset("parquet", ...) and ray.data.read_parquet read."""

    dataset: DatasetFolder
    """Folder of the dataset."""

    out: Path
    """Folder of the export."""

    rows_per_shard: int = 2000
    """Attempts a file."""

    overwrite: bool = False
    """Replace an older export."""


def export(config: ExportOptions) -> None:
    """Export a dataset.

    Raises:
        UserError: it is missing, empty or damaged, or ``out`` exists.
    """
    from grasping_student.datasets.parquet import export_parquet

    shards = export_parquet(config.dataset, config.out, config.rows_per_shard, config.overwrite)
    print(f"wrote {len(shards)} shards and README.md to {config.out}")


@dataclass(frozen=True)
class MergeOptions:
    """Join datasets of one workspace; ids and episodes are numbered on from each to the next."""

    datasets: Annotated[tuple[Path, ...], Positional]
    """Folders of the datasets, in order."""

    out: Path
    """New dataset."""


def merge(config: MergeOptions) -> None:
    """Merge datasets.

    Raises:
        UserError: fewer than two, different workspaces, or ``out`` exists.
    """
    from grasping_student.datasets.selection import merge_datasets

    print(f"wrote {merge_datasets(config.datasets, config.out)} attempts to {config.out}")


@dataclass(frozen=True)
class FilterOptions:
    """Keep the attempts that meet every condition given; they keep their ids and episodes."""

    dataset: DatasetFolder
    """Folder of the dataset."""

    out: Path
    """New dataset."""

    source: Literal["human", "policy", "script"] | None = None
    """Who chose the grasp."""

    success: Literal["yes", "no"] | None = None
    """Whether the grasp succeeded."""

    labelled: Literal["yes", "no"] | None = None
    """Whether there is a grasp with an outcome."""

    outcome: Literal["success", "missed", "dropped", "collision", "out_of_reach", "fault"] | None = None
    """How the grasp ended."""

    policy: str | None = None
    """Name of the policy."""

    environment: str | None = None
    """Name of the environment."""

    episodes: tuple[int, ...] | None = None
    """Numbers of episodes."""

    split: Path | None = None
    """A stored split, for the episodes of one of its sides."""

    side: Literal["train", "held_out"] | None = None
    """Side of the split, for --split alone; without it the side to train on."""

    count: int | None = None
    """Keep a random subset of so many."""

    seed: int = 0
    """Decides the subset."""

    def __post_init__(self) -> None:
        if self.side is not None and self.split is None:
            raise ValueError(
                f"--side {self.side} was given without --split; add --split FILE, the stored split it is of"
            )
        if self.split is not None and self.episodes is not None:
            raise ValueError("--split and --episodes exclude each other: choose one")


def filter_attempts(config: FilterOptions) -> None:
    """Filter a dataset.

    Raises:
        UserError: nothing meets the conditions, or ``out`` exists.
    """
    from grasping_student.datasets.selection import Selection, filter_dataset
    from grasping_student.datasets.splits import Split

    episodes = config.episodes
    if config.split is not None:
        split = Split.load(config.split)
        episodes = split.held_out if config.side == "held_out" else split.train
    selection = Selection(
        config.source,
        None if config.success is None else config.success == "yes",
        None if config.labelled is None else config.labelled == "yes",
        config.outcome,
        config.policy,
        config.environment,
        episodes,
        config.count,
        config.seed,
    )
    print(f"wrote {filter_dataset(config.dataset, selection, config.out)} attempts to {config.out}")


@dataclass(frozen=True)
class SplitOptions:
    """Deal the episodes of a dataset to two sides; no scene of one episode is on both."""

    dataset: DatasetFolder
    """Folder of the dataset."""

    out: Path
    """Folder for split.json; another split in it is never replaced."""

    held_out: float = 0.2
    """Share of the episodes to hold out."""

    seed: int = 0
    """Decides which."""

    copy: bool = False
    """Also write both sides as datasets, train and held_out."""


def split(config: SplitOptions) -> None:
    """Split a dataset.

    Raises:
        UserError: too few episodes, an impossible share, or ``out`` holds another split.
    """
    from grasping_student.datasets.selection import write_split

    sides = write_split(config.dataset, config.held_out, config.seed, config.out, config.copy)
    counts = f"{len(sides.train)} episodes to train on, {len(sides.held_out)} held out"
    print(f"{counts}; wrote {config.out / 'split.json'}")


@dataclass(frozen=True)
class CheckOptions:
    """Verify hashes, rows, pictures, units, duplicate scenes and, with --split, that no scene lies on both sides."""

    dataset: DatasetFolder
    """Folder of the dataset."""

    repair: bool = False
    """Mend what can be mended; every whole attempt is kept, damaged files are set aside in its folder 'damaged'."""

    split: Path | None = None
    """A stored split to check as well."""


def check(config: CheckOptions) -> None:
    """Print every finding and what was mended.

    Raises:
        UserError: there is no dataset, or something is broken and stays so.
    """
    from grasping_student.datasets.integrity import check_dataset
    from grasping_student.datasets.repair import repair_dataset

    if config.repair:
        before, repair = repair_dataset(config.dataset)
        print("".join(f"found {finding}\n" for finding in before.findings), end="")
        print("".join(f"mended: {action}\n" for action in repair.actions), end="")
        if repair.lost:
            shown = ", ".join(map(str, repair.lost[:10])) + (", ..." if len(repair.lost) > 10 else "")
            print(f"lost: {len(repair.lost)} attempts that were no longer whole: {shown}")
    inspection = check_dataset(config.dataset, config.split)
    for finding in inspection.findings:
        print(finding)
    if inspection.damaged:
        advice = "it cannot be mended" if config.repair else "add --repair to mend what can be mended"
        raise UserError(f"dataset {config.dataset} is damaged, {inspection.attempts} attempts are whole; {advice}")
    print(f"{inspection.attempts} attempts are whole, {len(inspection.findings)} warnings")
