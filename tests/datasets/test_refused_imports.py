"""Imports that are refused or stopped as a whole leave nothing behind."""

import numpy as np
import pytest
from foreign_data import GOOD, random_rgb, write_authors, write_frames

from grasping_student.cli.main import main
from grasping_student.datasets.importers import authors
from grasping_student.datasets.store import Dataset
from grasping_student.pipeline.errors import UserError


@pytest.mark.parametrize("layout", ["authors", "cornell", "jacquard", "pushing-grasping", "frames"])
def test_folders_without_data_are_refused_and_leave_nothing(tmp_path, layout, capsys):
    (tmp_path / "nothing").mkdir()
    for folder in ("nothing", "nowhere"):
        assert main(["dataset", "import", layout, str(tmp_path / folder), "--out", str(tmp_path / "ours")]) == 2
        assert folder in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nothing"]


def test_an_import_of_which_nothing_is_left_leaves_nothing(tmp_path, capsys):
    write_authors(tmp_path / "theirs", "a", np.zeros((20, 20), np.float32), random_rgb(20), {**GOOD, "successful": 3})
    assert main(["dataset", "import", "authors", str(tmp_path / "theirs"), "--out", str(tmp_path / "ours")]) == 2
    assert "true or false" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["theirs"]


def test_heights_that_are_no_metres_above_a_table_are_refused(tmp_path, capsys):
    for number, height in enumerate((-1.0, 30.0)):
        write_authors(tmp_path / f"{number}", "a", np.full((20, 20), height, np.float32), random_rgb(20), GOOD)
        assert main(["dataset", "import", "authors", str(tmp_path / f"{number}"), "--out", str(tmp_path / "ours")]) == 2
        assert "metres above the table" in capsys.readouterr().err


def test_an_import_that_is_stopped_leaves_nothing_and_touches_no_other_dataset(tmp_path, monkeypatch):
    write_authors(tmp_path / "theirs", "a", np.zeros((20, 20), np.float32), random_rgb(20), GOOD)
    config = authors.AuthorsImport(tmp_path / "theirs", tmp_path / "ours")
    monkeypatch.setattr(authors, "read_description", lambda values: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        authors.run(config)
    monkeypatch.undo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["theirs"]
    authors.run(config)
    before = Dataset(tmp_path / "ours").version
    with pytest.raises(UserError, match="exists"):
        authors.run(config)
    assert Dataset(tmp_path / "ours").version == before


@pytest.mark.parametrize(
    ("layout", "options", "reason"),
    [
        ("frames", ["--pixels", "1"], "2 to 4096 pixels"),
        ("frames", ["--extent", "450"], "millimetres"),
        ("frames", ["--workers", "0"], "at least 1"),
        ("frames", ["--margin", "0.3"], "half the extent"),
        ("pushing-grasping", ["--rotations", "0"], "rotations is 0"),
        ("jacquard", ["--max-grasps", "0"], "at least 1"),
    ],
)
def test_impossible_options_are_refused(tmp_path, layout, options, reason, capsys):
    write_frames(tmp_path / "f", 1)
    try:
        code = main(["dataset", "import", layout, str(tmp_path / "f"), "--out", str(tmp_path / "ours"), *options])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert reason in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "ours").exists()
