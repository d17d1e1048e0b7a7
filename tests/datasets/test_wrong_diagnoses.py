"""Whole attempts outlast a wrong manifest, lost files are missed, and what the disk does is called no damage."""

import errno
import resource
import sqlite3

import pytest
from dataset_scenes import SMALL, fill, scene

from grasping_student.cli.main import main
from grasping_student.datasets import segment_schema, segments
from grasping_student.datasets.folder import MANIFEST, segment_paths
from grasping_student.datasets.integrity import check_dataset
from grasping_student.datasets.repair import repair_dataset
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json


def _say(path, **workspace):
    values = read_json(path / MANIFEST)
    write_json(path / MANIFEST, {**values, "workspace": {**values["workspace"], **workspace}})


def _collected(path, count, batch=1):
    """What a finished ``collect`` leaves."""
    with DatasetWriter(path, SMALL, batch=batch) as writer:
        fill(writer, count)
    values = {"stage": "collect", "attempts": count, "dataset_version": Dataset(path).version}
    write_json(path / "manifest.json", values)
    return path


def _remove(segment):
    for file in segment.parent.glob(f"{segment.name}*"):
        file.unlink()


@pytest.mark.parametrize("wrong", [{"pixels": 8}, {"extent": 0.2}])
def test_a_wrong_workspace_in_the_manifest_costs_no_attempt(filled, capsys, wrong):
    version, manifest = filled.version, read_json(filled.path / MANIFEST)
    _say(filled.path, **wrong)
    assert main(["dataset", "check", str(filled.path)]) == 2
    assert main(["dataset", "check", str(filled.path), "--repair"]) == 0
    out = capsys.readouterr().out
    assert "put the workspace in dataset.json right" in out and "30 attempts are whole, 0 warnings" in out
    assert "lost" not in out and "anew" not in out
    assert read_json(filled.path / MANIFEST) == manifest
    assert Dataset(filled.path).version == version
    assert (filled.path / "damaged" / f"{MANIFEST}.0").exists()


def test_a_wrong_workspace_and_a_damaged_attempt_cost_that_attempt(tmp_path):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL) as writer:
        fill(writer, 8)
    connection = sqlite3.connect(segment_paths(path)[0])
    connection.execute("UPDATE attempt SET angle = 1.25 WHERE id = 5")
    connection.commit()
    connection.close()
    _say(path, pixels=8)
    assert repair_dataset(path)[1].lost == [5]
    assert Dataset(path).ids().tolist() == [0, 1, 2, 3, 4, 6, 7]


@pytest.mark.parametrize("manifest", ["wrong", "lost"])
def test_segments_of_different_workspaces_without_a_manifest_that_decides_are_left_alone(filled, tmp_path, manifest):
    other = Workspace(0.2, 12, 0.01)
    with DatasetWriter(tmp_path / "other", other) as writer:
        writer.append(scene(1, other), Attempt(episode=0, index=0, environment="x"))
    segment_paths(tmp_path / "other")[0].replace(segment_paths(filled.path)[0])
    if manifest == "wrong":
        _say(filled.path, pixels=8)
    else:
        (filled.path / MANIFEST).unlink()
    before = {path.name: path.read_bytes() for path in filled.path.glob("*.*") if path.name != "writer.lock"}
    with pytest.raises(UserError, match=r"do not agree .*segment-0000.*nothing was changed"):
        repair_dataset(filled.path)
    assert all((filled.path / name).read_bytes() == data for name, data in before.items() if "-shm" not in name)
    assert not (filled.path / "damaged").exists()


def test_a_foreign_segment_is_set_aside_and_not_called_damaged(filled, tmp_path):
    other = Workspace(0.2, 12, 0.01)
    with DatasetWriter(tmp_path / "other", other) as writer:
        writer.append(scene(1, other), Attempt(episode=0, index=0, environment="x"))
    foreign = segment_paths(tmp_path / "other")[0].read_bytes()
    segment_paths(filled.path)[1].write_bytes(foreign)
    _, repair = repair_dataset(filled.path)
    assert any("was written for" in action and "damaged" in action for action in repair.actions)
    assert (filled.path / "damaged" / f"{segment_paths(filled.path)[1].name}.0").read_bytes() == foreign


def test_a_lost_only_segment_is_missed(tmp_path, capsys):
    path = _collected(tmp_path / "data", 8)
    _remove(segment_paths(path)[0])
    assert main(["dataset", "check", str(path)]) == 2
    assert "segment-0000.sqlite: is missing" in capsys.readouterr().out
    (path / "manifest.json").unlink()
    assert any("segment-0000" in finding.where for finding in check_dataset(path).findings)


def test_a_lost_last_segment_is_missed_without_a_count(filled):
    last = segment_paths(filled.path)[-1]
    assert last.name not in read_json(filled.path / MANIFEST)["sealed"]
    _remove(last)
    findings = check_dataset(filled.path).findings
    assert [finding.where for finding in findings] == [last.name] and "is missing" in findings[0].what


def test_attempts_lost_before_a_writer_came_again_are_missed_until_a_repair_tells_so(tmp_path, capsys):
    path = _collected(tmp_path / "data", 8)
    _remove(segment_paths(path)[0])
    with DatasetWriter(path) as writer:
        fill(writer, 3)
    assert main(["dataset", "check", str(path)]) == 2
    assert "5 attempts are missing" in capsys.readouterr().out
    assert main(["dataset", "check", str(path), "--repair"]) == 0
    said = capsys.readouterr().out
    assert "8 were collected, 3 are here" in said
    assert "noted that 5 attempts that were collected are no longer here" in said
    assert main(["dataset", "check", str(path)]) == 0
    _remove(segment_paths(path)[0])
    assert check_dataset(path).damaged


def test_deleted_further_and_repaired_attempts_are_not_missed(tmp_path):
    path = _collected(tmp_path / "data", 8)
    with DatasetWriter(path) as writer:
        writer.delete(3)
        fill(writer, 2, first=8)
    assert check_dataset(path).findings == []
    connection = sqlite3.connect(segment_paths(path)[0])
    connection.execute("UPDATE attempt SET angle = 1.25 WHERE id IN (1, 2, 4, 5)")
    connection.commit()
    connection.close()
    assert repair_dataset(path)[1].lost == [1, 2, 4, 5]
    assert not check_dataset(path).damaged


def _readonly(path):
    segments.open_for_reading(path, sealed=False).execute("DELETE FROM attempt")


def _full(path):
    connection = segments.open_for_writing(path)
    connection.execute("PRAGMA max_page_count = 1")
    connection.execute("INSERT INTO meta VALUES ('x', hex(zeroblob(1000000)))")


def _cannot_open(path):
    sqlite3.connect(path / "below").execute("SELECT 1")


@pytest.mark.parametrize(
    ("act", "words"),
    [(_readonly, "make them writable"), (_full, "disk is full; free some space"), (_cannot_open, "is there space")],
)
def test_what_the_disk_or_the_rights_do_is_called_no_damage(filled, act, words):
    path = segment_paths(filled.path)[-1]
    with pytest.raises(segment_schema.NotReachable, match=words) as caught, segment_schema.clear_errors(path):
        act(path)
    assert "--repair" not in str(caught.value) and "damaged" not in str(caught.value)


def test_a_full_disk_makes_check_and_repair_stop_and_change_nothing(tmp_path, capsys):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL) as writer:
        fill(writer, 8)
    before = {file.name: file.read_bytes() for file in path.iterdir() if file.name != "writer.lock"}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for repair in ([], ["--repair"]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # SQLite needs 32 KB beside the segment
        try:
            code = main(["dataset", "check", str(path), *repair])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        printed = capsys.readouterr()
        assert code == 2 and "space" in printed.err and "damage" not in printed.out + printed.err
        assert "--repair" not in printed.err
    assert not (path / "damaged").exists()
    assert all((path / name).read_bytes() == data for name, data in before.items())
    assert main(["dataset", "check", str(path)]) == 0


def test_a_disk_that_fills_up_during_a_repair_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL) as writer:
        fill(writer, 8)
    victim = segment_paths(path)[0]
    connection = sqlite3.connect(victim)
    connection.execute("UPDATE attempt SET angle = 1.25 WHERE id = 5")
    connection.commit()
    connection.close()
    before = victim.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(UserError, match="free some space"):
        patch.setattr("grasping_student.datasets.repair.shutil.copyfile", full)
        repair_dataset(path)
    assert victim.read_bytes() == before
    assert repair_dataset(path)[1].lost == [5] and len(Dataset(path)) == 7
