"""Chromium and scenes of boxes for the tests of pages in a real browser."""

import pytest
from tests.web import browser as real


@pytest.fixture(scope="module")
def browser():
    if reason := real.missing():
        pytest.skip(reason)
    with real.chromium() as chromium:
        yield chromium


@pytest.fixture
def boxes(tmp_path):
    with real.Server(real.SERVE_BOXES, tmp_path / "d", 0) as server:
        yield server
