"""Every kind of damage is named, and mending keeps every whole attempt."""

import shutil
import sqlite3

import numpy as np
import pytest
from dataset_scenes import SMALL, fill, scene

from grasping_student.cli.main import main
from grasping_student.datasets.folder import DELETED, MANIFEST, segment_paths
from grasping_student.datasets.integrity import check_dataset
from grasping_student.datasets.repair import repair_dataset
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.splits import split_by_episode
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json


def _contents(path):
    dataset = Dataset(path)
    return {attempt.id: (attempt, dataset.heightmap(attempt.id).rgb.tobytes()) for attempt in dataset.attempts()}


def _flip(path, position):
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)
        file.seek(position)
        file.write(bytes([byte[0] ^ 0x20]))


def _damage(path):
    return [str(finding) for finding in check_dataset(path).findings if finding.kind == "damage"]


@pytest.fixture
def large(tmp_path):
    """60 attempts with pictures large enough to span pages, two segments."""
    workspace = Workspace(extent=0.3, pixels=60, margin=0.02)
    with DatasetWriter(tmp_path / "large", workspace, segment_bytes=500_000, batch=6) as writer:
        for number in range(60):
            writer.append(
                scene(number, workspace),
                Attempt(
                    episode=number // 6,
                    index=number % 6,
                    environment="x",
                    source="human",
                    grasp=PlanarGrasp(30, number, 0.1),
                    outcome=Outcome.SUCCESS,
                ),
            )
    return tmp_path / "large"


def test_a_sound_dataset_has_no_findings(filled):
    inspection = check_dataset(filled.path)
    assert inspection.findings == [] and inspection.attempts == 30
    before = {path.name: path.read_bytes() for path in filled.path.iterdir() if path.name != "writer.lock"}
    assert repair_dataset(filled.path)[1].actions == []
    after = {path.name: path.read_bytes() for path in filled.path.iterdir() if path.name != "writer.lock"}
    assert {name: after[name] for name in before if not name.endswith(("-shm", "-wal"))} == {
        name: before[name] for name in before if not name.endswith(("-shm", "-wal"))
    }


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_byte_anywhere_is_named_and_costs_what_it_hit_at_most(large, seed):
    random = np.random.default_rng(seed)
    whole = _contents(large)
    victim = segment_paths(large)[0]
    assert victim.name in read_json(large / MANIFEST)["sealed"]
    _flip(victim, int(random.integers(16_384, victim.stat().st_size)))
    assert any(victim.name in line for line in _damage(large))
    repair_dataset(large)
    assert not _damage(large)
    left = _contents(large)
    assert left.items() <= whole.items()
    # a flip in an interior page may hide one leaf's rows; a flip in a picture costs that attempt
    assert len(left) >= len(whole) - 25
    assert any((large / "damaged").iterdir()) and not (large / "repairing").exists()
    with DatasetWriter(large) as writer:
        assert writer.next_id == 60


def test_a_flipped_byte_in_a_picture_is_named_when_it_is_read(large):
    victim = segment_paths(large)[0]
    connection = sqlite3.connect(victim)
    blob = connection.execute("SELECT rgb FROM picture WHERE id = 7").fetchone()[0]
    connection.close()
    _flip(victim, victim.read_bytes().index(blob[2000:2016]) + 3)
    dataset = Dataset(large)
    with pytest.raises(UserError, match=r"segment-0000.sqlite: picture of attempt 7 is damaged"):
        dataset.heightmap(7)
    assert dataset.heightmap(8) is not None
    _, repair = repair_dataset(large)
    assert repair.lost == [7]
    assert sorted(_contents(large)) == [number for number in range(60) if number != 7]


@pytest.mark.parametrize("number", [0, -1])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
def test_a_truncated_segment_keeps_its_whole_attempts(large, number, share):
    whole = _contents(large)
    victim = segment_paths(large)[number]
    begin = sum(entry["attempts"] for entry in read_json(large / MANIFEST)["sealed"].values())
    for leftover in (victim.with_name(victim.name + "-wal"), victim.with_name(victim.name + "-shm")):
        leftover.unlink(missing_ok=True)
    size = victim.stat().st_size
    with victim.open("r+b") as file:
        file.truncate(int(size * share))
    with pytest.raises(UserError, match=victim.name):
        _contents(large)
    inside = [attempt_id for attempt_id in whole if (attempt_id < begin) == (number == 0)]
    _, repair = repair_dataset(large)
    assert not _damage(large)
    left = _contents(large)
    assert left.items() <= whole.items()
    saved = [attempt_id for attempt_id in inside if attempt_id in left]
    assert repair.kept == len(saved)
    assert len(left) - len(saved) == len(whole) - len(inside), "the other segments lose nothing"
    # a row ends in a page that SQLite wrote later than the row's pictures: with the tail some rows before it go
    assert len(saved) >= (share - 0.4) * len(inside)


def test_a_lost_or_damaged_manifest_is_rebuilt(filled):
    version, sealed = filled.version, read_json(filled.path / MANIFEST)["sealed"]
    for text in (None, "{", '{"kind": "x"}', "[]", '{"kind": "grasping-student dataset", "schema_version": 1}'):
        if text is None:
            (filled.path / MANIFEST).unlink()
        else:
            (filled.path / MANIFEST).write_text(text)
        with pytest.raises(UserError, match="--repair"):
            Dataset(filled.path)
        assert _damage(filled.path)
        repair_dataset(filled.path)
        assert read_json(filled.path / MANIFEST)["sealed"] == sealed
        assert Dataset(filled.path).version == version


def test_a_dataset_of_another_version_is_left_alone(filled):
    values = read_json(filled.path / MANIFEST)
    write_json(filled.path / MANIFEST, {**values, "schema_version": 2})
    for act in (check_dataset, repair_dataset, Dataset, DatasetWriter):
        with pytest.raises(UserError, match="schema version 2; this program reads version 1"):
            act(filled.path)
    assert read_json(filled.path / MANIFEST)["schema_version"] == 2


def test_missing_and_foreign_segments_are_named(filled, tmp_path):
    first, second = segment_paths(filled.path)[:2]
    with DatasetWriter(tmp_path / "other", Workspace(0.2, 12, 0.01), segment_bytes=1) as writer:
        for number in range(3):
            writer.append(scene(number, writer.workspace), Attempt(episode=0, index=number, environment="x"))
    shutil.copyfile(segment_paths(tmp_path / "other")[0], second)
    with pytest.raises(UserError, match=second.name):
        Dataset(filled.path).attempts()
    assert any("was written for" in line for line in _damage(filled.path))
    whole = check_dataset(filled.path).attempts
    first.unlink()
    assert any("is missing" in line and first.name in line for line in _damage(filled.path))
    repair_dataset(filled.path)
    assert not _damage(filled.path)
    assert 0 < len(Dataset(filled.path)) < whole


def test_a_changed_value_is_found_by_its_digest(filled):
    victim = segment_paths(filled.path)[-1]
    connection = sqlite3.connect(victim)
    connection.execute("UPDATE attempt SET angle = 1.25 WHERE id = (SELECT max(id) FROM attempt)")
    connection.commit()
    connection.close()
    assert any("attempt 29 differs from its digest" in line for line in _damage(filled.path))
    repair_dataset(filled.path)
    assert Dataset(filled.path).ids().tolist() == list(range(29))


def test_duplicate_scenes_and_leaks_through_a_split_are_found(tmp_path):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL) as writer:
        fill(writer, 20, per_episode=2)
        dataset = Dataset(path)
        split = split_by_episode(dataset, 0.3, 0)
        split.save(tmp_path / "split.json")
        assert check_dataset(path, tmp_path / "split.json").findings == []
        twin = int(dataset.attempts(episodes=split.train[:1])[0].id)
        writer.append(scene(twin), Attempt(episode=split.held_out[0], index=9, environment="x"))
    findings = [str(finding) for finding in check_dataset(path, tmp_path / "split.json").findings]
    assert any("same scene" in line for line in findings)
    assert any("on both sides" in line for line in findings)
    assert not check_dataset(path).damaged


def test_a_split_of_another_dataset_is_found(filled, tmp_path):
    values = {"train": [0, 1, 77], "held_out": [2], "seed": 0, "dataset_version": "x"}
    write_json(tmp_path / "split.json", values)
    findings = [str(finding) for finding in check_dataset(filled.path, tmp_path / "split.json").findings]
    assert any("[77]" in line for line in findings)
    assert any("another version" in line for line in findings)


def test_units_that_cannot_be_metres_are_warned_of(tmp_path):
    with DatasetWriter(tmp_path / "data", SMALL) as writer:
        tall = np.full(SMALL.shape, 3.0, np.float32)
        writer.append(Heightmap(tall, scene(0).rgb, SMALL), Attempt(episode=0, index=0, environment="x"))
        nothing = np.full(SMALL.shape, np.nan, np.float32)
        writer.append(Heightmap(nothing, scene(0).rgb, SMALL), Attempt(episode=0, index=1, environment="x"))
        writer.append(scene(1), Attempt(episode=0, index=2, environment="x", z=20.0))
    findings = [finding.what for finding in check_dataset(tmp_path / "data").findings]
    assert [("metres" in what, "measured" in what) for what in findings] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_a_damaged_list_of_deletions_is_set_aside(filled):
    for text in ("[1, ", '{"a": 1}', "[1.5]"):
        (filled.path / DELETED).write_text(text)
        assert any(DELETED in line for line in _damage(filled.path))
        repair_dataset(filled.path)
        assert len(Dataset(filled.path)) == 30
    write_json(filled.path / DELETED, [3, 99])
    assert [finding.kind for finding in check_dataset(filled.path).findings] == ["warning"]


def test_an_attempt_after_a_repair_is_seen_though_a_lost_one_was_deleted(tmp_path):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL) as writer:
        fill(writer, 10)
        writer.delete(9)  # what undo does to the last label
    connection = sqlite3.connect(segment_paths(path)[-1])
    connection.execute("DELETE FROM attempt WHERE id = 9")
    connection.execute("UPDATE attempt SET angle = 1.25 WHERE id = 8")
    connection.commit()
    connection.close()
    assert repair_dataset(path)[1].lost == [8, 9]
    with DatasetWriter(path) as writer:
        saved = fill(writer, 3, first=20)
    assert saved == [10, 11, 12] and Dataset(path).ids().tolist() == [*range(8), 10, 11, 12]
    assert not _damage(path)


def test_repair_waits_for_no_writer_and_makes_nothing(filled, tmp_path):
    with DatasetWriter(filled.path), pytest.raises(UserError, match="being written"):
        repair_dataset(filled.path)
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UserError, match=r"does not exist|holds no dataset"):
            repair_dataset(path)
    assert not (tmp_path / "nowhere").exists() and not (tmp_path / "writer.lock").exists()


def test_the_commands(filled, tmp_path, capsys):
    assert main(["dataset", "check", str(filled.path)]) == 0
    assert "30 attempts are whole, 0 warnings" in capsys.readouterr().out
    assert main(["dataset", "info", str(filled.path), "--out", str(tmp_path / "info")]) == 0
    printed = capsys.readouterr().out
    assert "10 of 20 succeeded, 50.0%" in printed
    values = read_json(tmp_path / "info" / "info.json")
    assert values["entries"] == 30 and values["scenes"] == 10 and values["episodes"] == 6
    assert values["by_policy"]["scripted 1"] == values["by_source"]["script"] == values["labelled"]
    assert sum(values["angles"]["success"]) == 10 and values["outcomes"] == {"success": 10, "missed": 10}
    assert (tmp_path / "info" / "histograms.png").read_bytes().startswith(b"\x89PNG")
    _flip(segment_paths(filled.path)[0], 40_000)
    assert main(["dataset", "check", str(filled.path)]) == 2
    out, err = capsys.readouterr()
    assert "segment-0000.sqlite" in out and "--repair" in err
    assert main(["dataset", "check", str(filled.path), "--repair"]) == 0
    assert main(["dataset", "info", str(tmp_path / "nowhere")]) == 2
    with DatasetWriter(tmp_path / "empty", SMALL):
        assert main(["dataset", "info", str(tmp_path / "empty")]) == 0
