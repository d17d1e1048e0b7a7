"""Datasets that more than one test reads."""

import pytest
from dataset_scenes import SMALL, fill

from grasping_student.datasets.store import Dataset, DatasetWriter


@pytest.fixture
def filled(tmp_path):
    """30 attempts in 6 episodes, several segments."""
    with DatasetWriter(tmp_path / "data", SMALL, segment_bytes=6_000, batch=5) as writer:
        fill(writer, 30)
    return Dataset(tmp_path / "data")
