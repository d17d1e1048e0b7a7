"""Joined, filtered, thinned out and split datasets hold what they should, unchanged."""

import numpy as np
import pytest
from dataset_scenes import SMALL, fill, scene

from grasping_student.cli.main import main
from grasping_student.datasets.integrity import check_dataset
from grasping_student.datasets.selection import Selection, filter_dataset, merge_datasets
from grasping_student.datasets.splits import Split
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json


def test_filtered_attempts_keep_ids_values_and_pixels(filled, tmp_path):
    assert filter_dataset(filled.path, Selection(success=True), tmp_path / "good") == 10
    good = Dataset(tmp_path / "good")
    assert good.attempts() == filled.attempts(success=True)
    for attempt in good.attempts():
        np.testing.assert_array_equal(good.heightmap(attempt.id).height, filled.heightmap(attempt.id).height)
    assert read_json(tmp_path / "good" / "origin.json")["from"][0]["version"] == filled.version
    assert not check_dataset(tmp_path / "good").findings


def test_everything_filtered_is_the_same_dataset(filled, tmp_path):
    filter_dataset(filled.path, Selection(), tmp_path / "all")
    assert Dataset(tmp_path / "all").version == filled.version


def test_a_random_subset_is_drawn_by_its_seed(filled):
    drawn = [Selection(labelled=True, count=7, seed=seed).ids(filled).tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(ids) == 7 and ids == sorted(set(ids)) for ids in drawn)
    assert set(drawn[0]) <= set(filled.ids(labelled=True).tolist())


def test_merged_datasets_follow_each_other(filled, tmp_path):
    with DatasetWriter(tmp_path / "other", SMALL) as writer:
        fill(writer, 7, first=100)
        writer.delete(2)
    assert merge_datasets([filled.path, tmp_path / "other", filled.path], tmp_path / "all") == 66
    merged, other = Dataset(tmp_path / "all"), Dataset(tmp_path / "other")
    attempts = merged.attempts()
    assert [attempt.id for attempt in attempts] == list(range(66))
    assert [attempt.episode for attempt in attempts[:30]] == [attempt.episode for attempt in filled.attempts()]
    assert [attempt.episode - 6 for attempt in attempts[30:36]] == [attempt.episode for attempt in other.attempts()]
    assert min(attempt.episode for attempt in attempts[36:]) > max(attempt.episode for attempt in attempts[:36])
    np.testing.assert_array_equal(merged.heightmap(30).rgb, scene(100).rgb)
    origins = read_json(tmp_path / "all" / "origin.json")["from"]
    assert [origin["first_id"] for origin in origins] == [0, 30, 36]
    assert any("same scene" in str(finding) for finding in check_dataset(tmp_path / "all").findings)


def test_what_cannot_be_joined_or_chosen_is_refused(filled, tmp_path):
    with DatasetWriter(tmp_path / "wide", Workspace(0.2, 12, 0.01)):
        pass
    with pytest.raises(UserError, match="one workspace"):
        merge_datasets([filled.path, tmp_path / "wide"], tmp_path / "all")
    with pytest.raises(UserError, match="at least two"):
        merge_datasets([filled.path], tmp_path / "all")
    with pytest.raises(UserError, match="meets the conditions"):
        filter_dataset(filled.path, Selection(policy="nobody"), tmp_path / "all")
    with pytest.raises(UserError, match="meet the conditions"):
        filter_dataset(filled.path, Selection(count=31), tmp_path / "all")
    with pytest.raises(UserError, match="exists"):
        filter_dataset(filled.path, Selection(), filled.path)
    assert not (tmp_path / "all").exists()


def test_the_commands(filled, tmp_path, capsys):
    path = str(filled.path)

    def run(*words):
        return main(["dataset", *map(str, words)])

    assert run("split", path, "--out", tmp_path / "split", "--held-out", 0.5, "--seed", 3, "--copy") == 0
    split = Split.load(tmp_path / "split" / "split.json")
    for side, episodes in (("train", split.train), ("held_out", split.held_out)):
        assert Dataset(tmp_path / "split" / side).attempts() == filled.attempts(episodes=episodes)
    assert run("check", path, "--split", tmp_path / "split" / "split.json") == 0
    assert (
        run(
            "filter",
            path,
            "--out",
            tmp_path / "side",
            "--split",
            tmp_path / "split" / "split.json",
            "--side",
            "held_out",
            "--success",
            "no",
            "--source",
            "script",
            "--policy",
            "scripted",
        )
        == 0
    )
    assert Dataset(tmp_path / "side").attempts() == filled.attempts(success=False, episodes=split.held_out)
    assert run("merge", tmp_path / "split" / "train", tmp_path / "split" / "held_out", "--out", tmp_path / "all") == 0
    assert len(Dataset(tmp_path / "all")) == 30
    assert run("filter", path, "--out", tmp_path / "few", "--count", 4, "--episodes", 1, 2) == 0
    assert len(Dataset(tmp_path / "few")) == 4
    assert run("filter", path, "--out", tmp_path / "no", "--episodes", 1, "--split", tmp_path / "x") == 2
    assert run("split", path, "--out", tmp_path / "no", "--held-out", 2) == 2
    assert run("merge", path, "--out", tmp_path / "no") == 2
    assert "at least two" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_another_split_is_not_replaced(filled, tmp_path, capsys):
    def split(*words):
        return main(["dataset", "split", str(filled.path), "--out", str(tmp_path / "split"), *words])

    file = tmp_path / "split" / "split.json"
    assert split() == 0
    before = file.read_bytes()
    assert split() == 0 and file.read_bytes() == before
    for words in (("--seed", "1"), ("--held-out", "0.5"), ("--seed", "1", "--copy")):
        assert split(*words) == 2
        assert "holds another split" in (told := capsys.readouterr().err) and "another --out" in told
        assert file.read_bytes() == before and len(list(file.parent.iterdir())) == 1
    file.write_text("{")
    assert split() == 2
    assert "is no split" in capsys.readouterr().err and file.read_text() == "{"


@pytest.mark.parametrize("side", ["train", "held_out"])
def test_a_side_without_a_split_is_refused(filled, tmp_path, capsys, side):
    assert main(["dataset", "filter", str(filled.path), "--out", str(tmp_path / "out"), "--side", side]) == 2
    assert "--split FILE" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
