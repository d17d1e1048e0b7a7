"""No episode on both sides, the same sides every time."""

import pytest
from dataset_scenes import SMALL, fill

from grasping_student.datasets.splits import Split, split_by_episode
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.99])
def test_every_episode_is_on_exactly_one_side(filled, share):
    split = split_by_episode(filled, share, seed=3)
    assert sorted(split.train + split.held_out) == list(range(6))
    assert split.train and split.held_out
    assert split == split_by_episode(filled, share, seed=3)
    scenes = [{attempt.id for attempt in filled.attempts(episodes=side)} for side in (split.train, split.held_out)]
    assert scenes[0] | scenes[1] == set(range(30)) and not scenes[0] & scenes[1]


def test_the_seed_decides(filled):
    assert len({split_by_episode(filled, 0.5, seed).held_out for seed in range(10)}) > 3


def test_episodes_that_come_later_move_few_of_the_old_ones(tmp_path):
    with DatasetWriter(tmp_path / "a", SMALL, batch=50) as writer:
        fill(writer, 100, per_episode=1)
        writer.flush()
        before = split_by_episode(Dataset(tmp_path / "a"), 0.2, 0)
        fill(writer, 10, per_episode=1, first=100)
    after = split_by_episode(Dataset(tmp_path / "a"), 0.2, 0)
    assert len(set(before.held_out) - set(after.held_out)) <= 10


def test_a_split_comes_back_from_its_file(filled, tmp_path):
    split = split_by_episode(filled, 0.2, 0)
    split.save(tmp_path / "split.json")
    assert Split.load(tmp_path / "split.json") == split


def test_what_cannot_be_split_is_refused(filled, tmp_path):
    for share in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(UserError, match="between 0 and 1"):
            split_by_episode(filled, share, 0)
    with DatasetWriter(tmp_path / "one", SMALL) as writer:
        fill(writer, 3)
    with pytest.raises(UserError, match="at least 2"):
        split_by_episode(Dataset(tmp_path / "one"), 0.2, 0)
    split_by_episode(filled, 0.2, 0).save(tmp_path / "split.json")
    values = read_json(tmp_path / "split.json")
    write_json(tmp_path / "split.json", {**values, "train": [*values["train"], values["held_out"][0]]})
    with pytest.raises(UserError, match="both sides"):
        Split.load(tmp_path / "split.json")
    write_json(tmp_path / "split.json", [])
    with pytest.raises(UserError, match="no stored split"):
        Split.load(tmp_path / "split.json")
