"""``grasping-student cell monitor``: the live page of a robot cell."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from grasping_student.cli.stage import parse_stage
from grasping_student.pipeline.errors import UserError
from grasping_student.web.monitor_config import PRESETS, WatchConfig


def run(config: WatchConfig) -> None:
    """Serve the page until Ctrl-C."""
    if importlib.util.find_spec("nicegui") is None:
        raise UserError("the live page needs the extra 'web': in a clone, pip install -e '.[web]'")
    from grasping_student.robots.cell.config import load_cell
    from grasping_student.web.monitor_page import build_watch_page
    from grasping_student.web.monitor_source import WatchSource
    from grasping_student.web.server import checked_binding, serve

    cell = load_cell(config.cell)
    binding = checked_binding(config.host, config.port, config.token)
    source = WatchSource(cell, config.run, config.seed)
    serve(binding, "Robot cell", lambda: build_watch_page(cell, source))


def main(argv: Sequence[str]) -> None:
    config = parse_stage("cell monitor", PRESETS, argv, default_preset="monitor")
    if config is not None:
        run(config)
