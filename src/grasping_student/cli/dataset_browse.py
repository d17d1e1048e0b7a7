"""``grasping-student dataset browse DIR``: a dataset in the browser."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from grasping_student.cli.stage import stage_main
from grasping_student.pipeline.errors import UserError
from grasping_student.web.browse_config import PRESETS, BrowseConfig


def main(argv: Sequence[str]) -> None:
    """Parse and run."""
    stage_main("dataset browse", PRESETS, _run, argv)


def _run(config: BrowseConfig) -> None:
    if importlib.util.find_spec("nicegui") is None:
        raise UserError("the browse page needs the extra 'web': in a clone, pip install -e '.[web]'")
    from grasping_student.web.browse_setup import run

    run(config)
