"""The results page from any part of the grid: it is written, rebuilds to the same bytes, concludes nothing of few."""

import numpy as np
import pytest
from tests.fakes.runs import EVERYTHING, write_runs

from grasping_student.cli.main import main
from grasping_student.pipeline.errors import UserError
from grasping_student.study import figures, page, rates


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Intervals are rough: they are not tested here."""
    monkeypatch.setattr(rates, "RESAMPLES", 100)
    rates._estimate_of.cache_clear()
    yield
    rates._estimate_of.cache_clear()


@pytest.fixture
def no_figures(monkeypatch):
    """Figures are made and not saved."""
    monkeypatch.setattr(figures, "save_figure", lambda figure, path: None)


@pytest.mark.parametrize(("seed", "share"), [(0, 0.02), (1, 0.08)])
def test_any_part_of_the_grid_makes_a_page(tmp_path, seed, share, no_figures):
    random = np.random.default_rng(seed)
    write_runs(tmp_path, keep=lambda *_: random.random() < share, scenes=10)
    text = page.write_page(tmp_path, tmp_path / "page.md").read_text()
    tables = [line for line in text.split("\n") if line.startswith("|")]
    assert any("†" in line for line in tables)
    assert not any(word in line for line in tables for word in ("nan", "None"))
    width = 0
    for line in text.split("\n"):
        width = 0 if not line.startswith("|") else width or line.count("|")
        assert not width or line.count("|") == width, "a row has other cells than its head"
    assert text.count("<details") == text.count("</details>")


@pytest.mark.parametrize("name", EVERYTHING)
def test_one_run_of_any_experiment_makes_a_page_that_concludes_nothing(tmp_path, name, no_figures):
    left = [1]
    write_runs(tmp_path, (name,), keep=lambda *_: bool(left) and bool(left.pop()), scenes=5)
    text = page.write_page(tmp_path, tmp_path / "page.md").read_text()
    assert "**better" not in text
    assert "**worse" not in text


def test_rebuilding_changes_no_byte_of_page_or_figures(tmp_path):
    levels = ("5 %", "64", "antipodal", "all")
    write_runs(tmp_path, keep=lambda name, domain, level, *rest: level in levels, replicates=1, scenes=10)

    def built():
        page.write_page(tmp_path, tmp_path / "page.md")
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    first = built()
    assert {path.name for path in first} >= {"figure.png", "summary.png", "proxy-validity.png", "page.md"}
    assert built() == first


def test_without_results_the_command_says_how_to_make_some(tmp_path, capsys):
    with pytest.raises(UserError, match="holds no results"):
        page.write_page(tmp_path, tmp_path / "page.md")
    assert main(["experiment", "report", "--out", str(tmp_path), "--page", str(tmp_path / "p.md")]) == 2
    (tmp_path / "label-fraction" / "runs").mkdir(parents=True)
    with pytest.raises(UserError, match="older release"):
        page.write_page(tmp_path, tmp_path / "page.md")
