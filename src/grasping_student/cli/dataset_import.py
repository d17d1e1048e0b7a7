"""``dataset import LAYOUT FOLDER --out DATASET``: foreign data as a new dataset."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from grasping_student.cli.dataset_options import parse_options
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError

LAYOUTS = {
    "authors": ("authors", "AuthorsImport", "img_DATE.png, depth_DATE.npy, desc_DATE.json of the paper's authors"),
    "cornell": ("cornell", "CornellImport", "pcdNNNNr.png, pcdNNNNd.tiff, pcdNNNNcpos.txt, pcdNNNNcneg.txt"),
    "jacquard": ("jacquard", "JacquardImport", "NAME_grasps.txt, NAME_RGB.png, NAME_perfect_depth.tiff"),
    "pushing-grasping": ("pushing_grasping", "PushingGraspingImport", "a session of visual-pushing-grasping"),
    "frames": ("frames", "FramesImport", "RGB-D frames of one fixed camera, as unlabelled scenes"),
    "parquet": ("parquet", "ParquetImport", "what 'dataset export' wrote"),
}
"""Name -> (module in datasets.importers, its config, one line of help)."""


def usage() -> str:
    """The overview that ``dataset import --help`` prints."""
    lines = [f"  {name:<18}{line}" for name, (_, _, line) in LAYOUTS.items()]
    return "\n".join(
        [
            "usage: grasping-student dataset import LAYOUT FOLDER --out DATASET [options]",
            "",
            "layouts:",
            *lines,
            "",
            "grasping-student dataset import LAYOUT --help shows the options of one layout.",
        ]
    )


def main(argv: Sequence[str]) -> None:
    """Import, and print what was taken over and what was left out.

    Raises:
        UserError: unknown layout, no layout, or whatever the importer finds wrong.
    """
    if not argv or argv[0] in ("-h", "--help"):
        print(usage())
        if not argv:
            raise UserError("dataset import needs a layout and a folder")
        return
    layout, rest = choice(argv[0], LAYOUTS, "layout"), list(argv[1:])
    if rest and not rest[0].startswith("-"):
        rest = ["--folder", *rest]
    module_name, config_name, _ = LAYOUTS[layout]
    module = importlib.import_module(f"grasping_student.datasets.importers.{module_name}")
    report = module.run(parse_options(f"dataset import {layout} FOLDER", getattr(module, config_name), rest))
    for line in report.lines():
        print(line)
