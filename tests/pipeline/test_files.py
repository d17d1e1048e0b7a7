"""A file is whole or not there."""

import errno

import pytest

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, read_json, write_json


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("killed")
    assert read_json(path) == {"a": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["value.json"]


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "value.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}"])
def test_half_a_json_file_is_named(tmp_path, content):
    (tmp_path / "value.json").write_bytes(content)
    with pytest.raises(UserError, match=r"value\.json is no JSON"):
        read_json(tmp_path / "value.json")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded", "/tmp/part"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_told_of_the_file_that_was_to_be_written(tmp_path, error):
    with pytest.raises(OSError, match="No space") as caught, atomic_path(tmp_path / "model.safetensors") as temporary:
        temporary.write_text("half")
        raise error
    assert caught.value.filename == str(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())
