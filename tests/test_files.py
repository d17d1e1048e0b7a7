"""A file is whole or not there."""

from pathlib import Path

import pytest

from grasping_student.errors import UserError
from grasping_student.files import atomic_path, prepare_output, read_json, write_json
from grasping_student.manifest import StageClock


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


def test_an_output_folder_with_content_is_refused_resumed_or_replaced(tmp_path):
    out = tmp_path / "run"
    prepare_output(out)
    prepare_output(out)  # empty: nothing to lose
    (out / "result.json").write_text("{}")
    with pytest.raises(UserError, match=r"--resume .*--overwrite"):
        prepare_output(out, resume=False)
    with pytest.raises(UserError, match=r"exists; add --overwrite"):  # of a command that cannot resume
        prepare_output(out)
    prepare_output(out, resume=True)
    assert (out / "result.json").exists()
    prepare_output(out, overwrite=True)
    assert not list(out.iterdir())
    with pytest.raises(UserError, match="exclude each other"):
        prepare_output(out, resume=True, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        prepare_output(tmp_path / "file")


@pytest.mark.parametrize("inside", [".", "touched.yaml", "deep/labels"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_output_folder_is_never_made_of_what_is_read(tmp_path, monkeypatch, inside, overwrite):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "calibration"
    (out / "deep" / "labels").mkdir(parents=True)
    (out / "touched.yaml").write_text("measured by hand")
    (tmp_path / "link").symlink_to(out)
    for given in (out / inside, Path("link") / inside, Path("elsewhere/../calibration") / inside):
        with pytest.raises(UserError, match=r"--out .* holds .*; name another folder"):
            prepare_output(out, overwrite=overwrite, inputs=[None, given])
    assert (out / "touched.yaml").read_text() == "measured by hand"
    prepare_output(tmp_path / "calibration-2", overwrite=overwrite, inputs=[out / inside])


def test_a_manifest_says_what_ran_on_what(tmp_path):
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Config:
        seed: int = 7

    StageClock("stage", Config()).write(tmp_path, inputs={"dataset": "abc"}, note="x")
    manifest = read_json(tmp_path / "manifest.json")
    assert (manifest["stage"], manifest["seed"], manifest["config"]) == ("stage", 7, {"seed": 7})
    assert manifest["inputs"] == {"dataset": "abc"}
    assert manifest["note"] == "x"
    assert manifest["wall_time_s"] >= 0
