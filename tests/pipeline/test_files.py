"""A file is whole or not there."""

from pathlib import Path

import pytest

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, prepare_output, read_json, write_json
from grasping_student.pipeline.manifest import StageClock


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
    (out / "manifest.json").write_text('{"stage": "collect"}')
    (out / "deep").mkdir()
    (out / "deep" / "result.json").write_text("{}")
    with pytest.raises(UserError, match=r"--resume .*--overwrite"):
        prepare_output(out, resume=False)
    with pytest.raises(UserError, match=r"exists; add --overwrite"):  # of a command that cannot resume
        prepare_output(out)
    prepare_output(out, resume=True)
    assert (out / "deep" / "result.json").exists()
    prepare_output(out, overwrite=True)
    assert not list(out.iterdir())
    with pytest.raises(UserError, match="exclude each other"):
        prepare_output(out, resume=True, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        prepare_output(tmp_path / "file")


@pytest.mark.parametrize("out", ["", ".", "..", "/", "~", "~/..", "../work", "link"])
def test_the_current_and_the_home_folder_are_never_deleted(tmp_path, monkeypatch, out):
    (tmp_path / "work").mkdir()
    (tmp_path / "user" / "home").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "work", tmp_path / "user", tmp_path / "user" / "home"):
        (folder / "manifest.json").write_text('{"stage": "collect"}')  # looks like an output
    (tmp_path / "work" / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "user" / "home"))
    for name in ("shutil.rmtree", "grasping_student.pipeline.files._empty"):
        monkeypatch.setattr(name, lambda folder: pytest.fail(f"deletes {folder}"), raising=False)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=r"--out .* is or holds the (current|home) folder, .*; name another --out"):
        prepare_output(Path(out).expanduser(), overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before


FOREIGN = {
    "photo.jpg": "mine",
    "manifest.json": '{"name": "a web page"}',
    "run.json": "[]",
    "metrics.json": "{half",
    "model.safetensors": "someone's",
    "config.json": '{"architectures": []}',
    ".notes.123.tmp.txt": "",
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_a_folder_of_something_else_is_never_deleted(tmp_path, name, overwrite):
    out = tmp_path / "photos"
    out.mkdir()
    (out / name).write_text(FOREIGN[name])
    with pytest.raises(UserError, match=r"holds nothing that this program wrote.*; remove it yourself or name another"):
        prepare_output(out, overwrite=overwrite)
    assert (out / name).read_text() == FOREIGN[name]


OURS = {
    "started.json": "{}",
    "collect.json": '{"per_episode": 3}',
    "run.json": '{"versions": {}}',
    "demo.json": '{"labels": 3}',
    "dataset.json": '{"sealed": {}}',
    ".collect.json.123.tmp.json": "{half",
    "data/.attempts-00000-of-00002.parquet.123.tmp.parquet": "half",
}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_half_made_output_is_replaced(tmp_path, name):
    (tmp_path / "run" / name).parent.mkdir(parents=True)
    (tmp_path / "run" / name).write_text(OURS[name])
    prepare_output(tmp_path / "run", overwrite=True)
    assert not list((tmp_path / "run").iterdir())


def test_a_link_as_output_stays_and_what_it_points_to_is_emptied(tmp_path):
    (tmp_path / "disk" / "run" / "parts").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "precious").write_text("mine")
    (tmp_path / "disk" / "run" / "started.json").write_text("{}")
    (tmp_path / "disk" / "run" / "parts" / "kept").symlink_to(tmp_path / "kept")
    (tmp_path / "disk" / "run" / "kept").symlink_to(tmp_path / "kept")
    (tmp_path / "run").symlink_to(tmp_path / "disk" / "run")
    prepare_output(tmp_path / "run", overwrite=True)
    assert (tmp_path / "run").is_symlink() and not list((tmp_path / "disk" / "run").iterdir())
    assert (tmp_path / "kept" / "precious").read_text() == "mine"


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
