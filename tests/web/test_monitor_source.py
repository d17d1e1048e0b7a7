"""What the live page reads, without a browser."""

import time
from dataclasses import replace

import numpy as np
import pytest

from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import light_workspace
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.telemetry import TelemetryFolder
from grasping_student.web.monitor_source import MonitorSource

WORKSPACE = light_workspace()


@pytest.fixture
def live(tmp_path):
    return TelemetryFolder(tmp_path)


def show(live, height):
    """Put a level scene into the live folder."""
    rgb = np.zeros((*WORKSPACE.shape, 3), np.uint8)
    live.scene(Heightmap(np.full(WORKSPACE.shape, height, np.float32), rgb, WORKSPACE), None)


def test_every_tab_and_every_reload_gets_the_scene_and_then_the_next(live):
    source = MonitorSource(replace(CellConfig(), telemetry=live.folder), None)
    assert source.scene() is None
    show(live, 0.01)
    first = source.scene()
    assert source.scene() is first, "a second tab, or the same after a reload"
    time.sleep(0.02)  # files of the same tick of the clock look the same
    show(live, 0.02)
    second = source.scene()
    assert second.number > first.number
    assert second.heightmap.height.max() == pytest.approx(0.02)
