"""``--out``: what is refused, resumed or replaced, and that nobody's work is deleted."""

import subprocess
import sys
from pathlib import Path

import pytest

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.output_folder import prepare_output


def prepare(out, stage="collect", **options):
    """Prepare a folder and let it go again."""
    prepare_output(out, stage, **options).release()


def test_an_output_folder_with_content_is_refused_resumed_or_replaced(tmp_path):
    out = tmp_path / "run"
    prepare(out)
    prepare(out)  # empty: nothing to lose
    (out / "manifest.json").write_text('{"stage": "collect"}')
    (out / "deep").mkdir()
    (out / "deep" / "result.json").write_text("{}")
    with pytest.raises(UserError, match=r"--resume .*--overwrite"):
        prepare(out, resume=False)
    with pytest.raises(UserError, match=r"exists; add --overwrite"):  # of a command that cannot resume
        prepare(out)
    prepare(out, resume=True)
    assert (out / "deep" / "result.json").exists()
    prepare(out, overwrite=True)
    assert not list(out.iterdir())
    with pytest.raises(UserError, match="exclude each other"):
        prepare(out, resume=True, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        prepare(tmp_path / "file")


@pytest.mark.parametrize("out", ["", ".", "..", "/", "~", "~/..", "../work", "link"])
def test_the_current_and_the_home_folder_are_never_deleted(tmp_path, monkeypatch, out):
    (tmp_path / "work").mkdir()
    (tmp_path / "user" / "home").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "work", tmp_path / "user", tmp_path / "user" / "home"):
        (folder / "manifest.json").write_text('{"stage": "collect"}')  # looks like an output
    (tmp_path / "work" / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "user" / "home"))
    for name in ("shutil.rmtree", "grasping_student.pipeline.output_folder._empty"):
        monkeypatch.setattr(name, lambda folder: pytest.fail(f"deletes {folder}"), raising=False)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=r"--out .* is or holds the (current|home) folder, .*; name another --out"):
        prepare(Path(out).expanduser(), overwrite=True)
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
        prepare(out, overwrite=overwrite)
    assert (out / name).read_text() == FOREIGN[name]


OURS = [
    ("started.json", "{}", "demo"),  # the first versions did not write the stage
    ("started.json", '{"stage": "train teacher"}', "train teacher"),
    ("manifest.json", '{"stage": "predict"}', "predict"),
    ("collect.json", '{"per_episode": 3}', "collect"),
    ("run.json", '{"versions": {}}', "evaluate picking"),
    ("run.json", '{"versions": {}}', "evaluate one-shot"),
    ("demo.json", '{"labels": 3}', "demo"),
    (".collect.json.123.tmp.json", "{half", "collect"),
    (".model.onnx.123.tmp.onnx", "half", "export"),
    ("data/.attempts-00000-of-00002.parquet.123.tmp.parquet", "half", "dataset export"),
]


@pytest.mark.parametrize(("name", "text", "stage"), OURS)
def test_a_half_made_output_is_replaced_by_its_own_stage_alone(tmp_path, name, text, stage):
    out = tmp_path / "run"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text(text)
    if text != "{}":
        with pytest.raises(UserError, match=rf"holds the output of .*{stage}'.*remove it yourself or name another"):
            prepare(out, "cell fake", overwrite=True)
        assert (out / name).read_text() == text
    prepare(out, stage, overwrite=True)
    assert not list(out.iterdir())


@pytest.mark.parametrize("inside", ["", "deep/labels"])
def test_a_dataset_is_deleted_only_by_a_stage_that_knows_what_is_in_it(tmp_path, inside):
    out = tmp_path / "run"
    (out / inside).mkdir(parents=True)
    (out / "manifest.json").write_text('{"stage": "collect"}')
    (out / inside / "dataset.json").write_text('{"sealed": {}}')
    with pytest.raises(UserError, match=r"holds the dataset .*: this command did not make it; remove it yourself"):
        prepare(out, overwrite=True)
    with pytest.raises(UserError, match=r"holds the dataset .*: a person labelled it; remove it yourself"):
        prepare(out, overwrite=True, keep_dataset=lambda folder: "a person labelled it")
    assert (out / inside / "dataset.json").exists()
    prepare(out, overwrite=True, keep_dataset=lambda folder: None)
    assert not list(out.iterdir())


HOLDER = """
import sys
from pathlib import Path
from grasping_student.pipeline.folder_lock import FolderLock
from grasping_student.pipeline.output_folder import prepare_output
kind, folder = sys.argv[1], Path(sys.argv[2])
if kind == "stage":
    lock = prepare_output(folder, "collect", resume=True)
else:
    lock = FolderLock(folder / f"{kind}.lock", "it", shared=kind == ".page")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold():
    """Starts processes that hold a folder until they are killed, which is at the test's end at the latest."""
    started = []

    def start(kind, folder):
        command = [sys.executable, "-c", HOLDER, kind, str(folder)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("inside", ["", "labels"])
@pytest.mark.parametrize("kind", ["writer", "stage", ".page"])
def test_a_folder_that_another_process_writes_is_never_replaced(tmp_path, hold, kind, inside):
    out = tmp_path / "run"
    (out / inside).mkdir(parents=True)
    (out / "manifest.json").write_text('{"stage": "collect"}')
    holder = hold(kind, out / inside)
    with pytest.raises(UserError, match=rf"is (being written by|open in) process {holder.pid} .*; wait until"):
        prepare(out, overwrite=True)
    assert (out / "manifest.json").exists()
    holder.kill()
    holder.wait()
    prepare(out, overwrite=True)
    assert not list(out.iterdir())


@pytest.mark.parametrize("resume", [True, None])
def test_two_stages_at_once_in_one_folder_are_refused(tmp_path, hold, resume):
    holder = hold("stage", tmp_path / "run")
    with pytest.raises(UserError, match=rf"--out .*run is being written by process {holder.pid}"):
        prepare(tmp_path / "run", "train teacher", resume=resume)
    with prepare_output(tmp_path / "other", "collect"), pytest.raises(UserError, match="is being written by process"):
        prepare(tmp_path / "other")  # nor in one process


def test_a_link_as_output_stays_and_what_it_points_to_is_emptied(tmp_path):
    (tmp_path / "disk" / "run" / "parts").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "precious").write_text("mine")
    (tmp_path / "disk" / "run" / "started.json").write_text("{}")
    (tmp_path / "disk" / "run" / "parts" / "kept").symlink_to(tmp_path / "kept")
    (tmp_path / "disk" / "run" / "kept").symlink_to(tmp_path / "kept")
    (tmp_path / "run").symlink_to(tmp_path / "disk" / "run")
    prepare(tmp_path / "run", overwrite=True)
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
            prepare(out, overwrite=overwrite, inputs=[None, given])
    assert (out / "touched.yaml").read_text() == "measured by hand"
    prepare(tmp_path / "calibration-2", overwrite=overwrite, inputs=[out / inside])
