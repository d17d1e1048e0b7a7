"""Killed writers, full disks, second writers, readers beside a writer."""

import multiprocessing
import os
import resource
import signal
import struct
import sys
import time

import numpy as np
import pytest
from dataset_scenes import SMALL, fill, scene

from grasping_student.datasets.folder import segment_paths
from grasping_student.datasets.integrity import check_dataset
from grasping_student.datasets.pictures import quantise_height
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.pipeline.errors import UserError

FORK = multiprocessing.get_context("fork")


def _append_for_ever(path, acknowledged):
    """Append scene k as attempt k and tell each id through the pipe once it is acknowledged."""
    with DatasetWriter(path, SMALL, segment_bytes=20_000) as writer:
        while True:
            (attempt_id,) = fill(writer, 1, first=writer.next_id)
            os.write(acknowledged, struct.pack("<q", attempt_id))


def _read_ids(descriptor, at_least):
    """Ids told so far, waiting for ``at_least`` of them."""
    found = b""
    while len(found) < 8 * at_least:
        found += os.read(descriptor, 8 * at_least - len(found))
    os.set_blocking(descriptor, False)
    try:
        while part := os.read(descriptor, 1 << 16):
            found += part
    except BlockingIOError:
        pass  # nothing more was written
    os.set_blocking(descriptor, True)
    return [each[0] for each in struct.iter_unpack("<q", found)]


def test_fifty_killed_writers_lose_no_acknowledged_attempt(tmp_path):
    path, random, acknowledged = tmp_path / "data", np.random.default_rng(0), -1
    DatasetWriter(path, SMALL).close()
    for trial in range(50):
        reading, writing = os.pipe()
        writer = FORK.Process(target=_append_for_ever, args=(path, writing))
        writer.start()
        # every fifth dies while it opens the dataset, the others some way into their appends
        told = _read_ids(reading, at_least=0 if trial % 5 == 0 else int(random.integers(1, 6)))
        time.sleep(random.uniform(0.0, 0.02))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert writer.exitcode == -signal.SIGKILL
        told += _read_ids(reading, at_least=0)
        os.close(reading)
        os.close(writing)
        acknowledged = max([acknowledged, *told])
        dataset = Dataset(path)
        ids = dataset.ids().tolist()
        # one more than acknowledged may be there: killed after the commit, before the word
        assert ids == list(range(len(ids))) and acknowledged < len(ids)
        for attempt_id in told:
            np.testing.assert_array_equal(dataset.heightmap(attempt_id).rgb, scene(attempt_id).rgb)
        dataset.close()
    assert acknowledged >= 40
    assert len(segment_paths(path)) > 2, "the trials should cross the end of a segment"
    DatasetWriter(path).close()
    inspection = check_dataset(path)
    assert not inspection.findings and inspection.attempts > acknowledged


def _fill_the_disk(path, result, batch):
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    writer = DatasetWriter(path, SMALL, batch=batch)
    count = 0
    try:
        while True:
            fill(writer, 1, first=writer.next_id)
            count += 1
    except UserError as error:
        result.send((count, str(error)))
    finally:
        writer.close()


@pytest.mark.parametrize("batch", [1, 7])
def test_a_full_disk_is_named_and_what_was_there_stays(tmp_path, batch):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL) as writer:
        fill(writer, 10)
    receive, send = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_fill_the_disk, args=(path, send, batch))
    child.start()
    count, message = receive.recv()
    child.join()
    assert "disk is full or failed" in message
    stored = 10 + count // batch * batch
    assert len(Dataset(path)) == stored
    np.testing.assert_array_equal(Dataset(path).heightmap(9).rgb, scene(9).rgb)
    with DatasetWriter(path) as writer:
        assert fill(writer, 1, first=99) == [stored]
    assert not check_dataset(path).damaged


def test_no_new_segment_fits_on_the_disk(tmp_path, monkeypatch):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL, segment_bytes=1) as writer:
        fill(writer, 2)
        monkeypatch.setattr("grasping_student.datasets.segments.flush_folder", _no_space)
        with pytest.raises(UserError, match="No space left"):
            fill(writer, 1, first=2)
        monkeypatch.undo()
    assert len(Dataset(path)) == 2
    with DatasetWriter(path, segment_bytes=1) as writer:
        assert fill(writer, 2, first=2) == [2, 3]
    assert not check_dataset(path).damaged


def _no_space(folder):
    raise OSError(28, "No space left on device")


def test_a_second_writer_is_refused_with_the_name_of_the_first(tmp_path):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL) as writer:
        for second in (lambda: DatasetWriter(path), lambda: DatasetWriter(path, SMALL)):
            with pytest.raises(UserError, match=f"being written by process {os.getpid()} on .* since "):
                second()
        fill(writer, 1)
    with DatasetWriter(path) as writer:
        assert fill(writer, 1, first=1) == [1]


@pytest.mark.parametrize("given", [["--token", "very-secret-word"], ["--token=very-secret-word", "--port", "0"]])
def test_no_secret_of_the_command_line_is_left_in_the_folder(tmp_path, monkeypatch, given):
    monkeypatch.setattr(sys, "argv", ["grasping-student", "label", *given])
    with DatasetWriter(tmp_path / "data", SMALL):
        note = (tmp_path / "data" / "writer.lock").read_text()
    assert "grasping-student label --token" in note and "secret" not in note


def test_a_writer_refused_elsewhere_leaves_the_first_alone(tmp_path):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL) as writer:
        with FORK.Pool(1) as pool:
            assert "being written by" in pool.apply(_try_to_write, (path,))
        assert fill(writer, 3) == [0, 1, 2]


def _try_to_write(path):
    try:
        DatasetWriter(path)
    except UserError as error:
        return str(error)
    return "opened"


def test_readers_beside_a_writer_see_whole_attempts_only(tmp_path):
    path = tmp_path / "data"
    DatasetWriter(path, SMALL).close()
    reading, writing = os.pipe()
    writer = FORK.Process(target=_append_for_ever, args=(path, writing))
    writer.start()
    dataset, seen = Dataset(path), 0
    try:
        end = time.monotonic() + 1.5
        while time.monotonic() < end and len(segment_paths(path)) < 4:
            attempts = dataset.attempts()
            assert [attempt.id for attempt in attempts] == list(range(len(attempts)))
            assert len(attempts) >= seen
            seen = len(attempts)
            for attempt in attempts[-3:]:
                expected = scene(attempt.id)
                kept = dataset.heightmap(attempt.id)
                np.testing.assert_array_equal(kept.rgb, expected.rgb)
                np.testing.assert_array_equal(quantise_height(kept.height), quantise_height(expected.height))
    finally:
        writer.kill()
        writer.join()
        os.close(reading)
        os.close(writing)
    assert seen > 10


def test_reading_goes_on_through_the_end_of_a_segment(tmp_path):
    path = tmp_path / "data"
    with DatasetWriter(path, SMALL, segment_bytes=1) as writer:
        dataset = Dataset(path)
        for number in range(6):
            fill(writer, 1, first=number)
            assert dataset.ids().tolist() == list(range(number + 1))
            for earlier in range(number + 1):
                np.testing.assert_array_equal(dataset.heightmap(earlier).rgb, scene(earlier).rgb)
    assert len(segment_paths(path)) == 6


def test_a_dataset_in_a_folder_that_cannot_be_written_can_be_read(filled, monkeypatch):
    version = filled.version
    filled.close()
    before = sorted(path.name for path in filled.path.iterdir())
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    copy = Dataset(filled.path)
    assert copy.version == version
    assert sorted(path.name for path in filled.path.iterdir()) == before, "reading made no file"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        DatasetWriter(tmp_path / "file" / "data", SMALL)
