"""What lies in a training's folder: what may be gone on with, what is refused, and that nothing of it is lost."""

import errno
import shutil
import tempfile
from dataclasses import replace

import pytest
from resuming import LOOP, small_teacher, weights_of
from synthetic import SMALL, write_dataset

from grasping_student.models.configuration import ModelConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.training import affordance, pretraining
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.losses import PairStep
from grasping_student.training.pretraining_configuration import PretrainingConfig
from grasping_student.training.teacher import run


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return small_teacher(tmp_path_factory.mktemp("resume"))


def test_resuming_what_is_finished_changes_nothing(short):
    before, stamp = weights_of(short.out), (short.out / "model.safetensors").stat().st_mtime_ns
    assert weights_of(run(replace(short, resume=True))) == before
    assert (short.out / "model.safetensors").stat().st_mtime_ns == stamp


def test_a_training_that_diverges_stops_and_writes_no_model(config, tmp_path, monkeypatch):
    def diverging(self, network, batch):
        values = step(self, network, batch)
        calls.append(values)
        return values | {"loss": values["loss"] * float("nan")} if len(calls) == 3 else values

    calls, step = [], PairStep.__call__
    monkeypatch.setattr(PairStep, "__call__", diverging)
    with pytest.raises(UserError, match=r"the loss of step 3 is nan; .*smaller --loop.optimiser.learning-rate"):
        run(replace(config, out=tmp_path / "out"))
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_resuming_with_another_config_is_refused(config, tmp_path):
    out = tmp_path / "other"
    out.mkdir()
    (out / "started.json").write_text('{"seed": 99}')  # as the first versions wrote it
    with pytest.raises(UserError, match=r"begun with other values of .*seed \(99, now 3\)"):
        run(replace(config, out=out, resume=True))


@pytest.fixture(scope="module")
def short(config):
    """A training of three steps, finished."""
    short = replace(config, out=config.dataset.parent / "short", loop=replace(LOOP, steps=3))
    run(short)
    return short


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 4}, r"seed \(3, now 4\)"),
        ({"labels": 4}, r"labels \(0, now 4\)"),
        ({"loop": replace(LOOP, steps=4)}, r"loop\.steps \(3, now 4\)"),
        ({"seed": 4, "loop": replace(LOOP, steps=4)}, r"seed \(3, now 4\), loop\.steps \(3, now 4\)"),
    ],
)
def test_resuming_what_is_finished_with_another_config_is_refused(short, change, words):
    with pytest.raises(UserError, match=rf"--resume: .*short was .* {words}; give the same, name another --out, or"):
        run(replace(short, resume=True, **change))


def test_resuming_what_is_finished_with_what_changes_nothing_is_not_refused(short):
    manifest = short.out / "manifest.json"
    stored, loop = read_json(manifest), replace(short.loop, show_progress=False, loader_workers=1)
    del stored["config"]["augmentation"]["blocks"]  # as before there was such an option
    write_json(manifest, stored)
    assert run(replace(short, resume=True, loop=loop)) == short.out
    with pytest.raises(UserError, match=r"augmentation\.blocks \(0, now 2\)"):
        run(replace(short, resume=True, augmentation=replace(short.augmentation, blocks=2)))


def test_what_another_command_made_is_not_gone_on_with(short, tmp_path):
    scenes = PretrainingConfig(dataset=short.dataset, out=short.out, resume=True, network=short.network)
    with pytest.raises(UserError, match=r"holds the output of 'train teacher', not of 'train pretraining'"):
        pretraining.run(scenes)
    GraspModel.new(ModelConfig(short.network, SMALL), 0).save(tmp_path / "foreign")
    before = weights_of(tmp_path / "foreign")
    with pytest.raises(UserError, match=r"nothing that 'train teacher' can go on with"):
        run(replace(short, out=tmp_path / "foreign", resume=True))
    assert weights_of(tmp_path / "foreign") == before


def training_of(kind, short, out):
    """A short training of a kind, and the function that runs it."""
    common = {"out": out, "network": short.network, "loop": replace(LOOP, steps=3, record_every=2)}
    if kind == "teacher":
        return run, replace(short, **common)
    if kind == "averaged":
        return run, replace(short, out=out, loop=replace(LOOP, steps=3, record_every=2, ema=0.5))
    if kind == "pretraining":
        return pretraining.run, PretrainingConfig(dataset=short.dataset, **common)
    data = out.parent / "mixed"
    return affordance.run, AffordanceConfig(
        datasets=(data if data.exists() else write_dataset(data, 8, seed=1, failures=4),), **common
    )


@pytest.mark.parametrize("kind", ["teacher", "averaged", "pretraining", "affordance"])
def test_a_model_that_could_not_be_saved_is_not_lost(short, kind, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError("No space left on device")

    def killed(*arguments, **facts):
        raise KeyboardInterrupt

    train, whole = training_of(kind, short, tmp_path / "whole")
    train(whole)
    config = replace(whole, out=tmp_path / "out", resume=True)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(GraspModel, "save", full)
        train(config)
    assert (config.out / "resume.ckpt").exists()
    stamp = (config.out / "resume.ckpt").stat().st_mtime_ns
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(StageRun, "finish", killed)
        train(config)
    assert (config.out / "resume.ckpt").stat().st_mtime_ns == stamp  # no step was done again
    assert (config.out / "started.json").exists()
    assert not (config.out / "manifest.json").exists()
    train(config)
    assert weights_of(config.out) == weights_of(whole.out)
    names = {path.name for path in config.out.iterdir()}
    assert names == {path.name for path in whole.out.iterdir()}
    assert "manifest.json" in names
    assert not names & {"resume.ckpt", "started.json"}


def test_a_training_needs_no_room_in_the_temporary_folder(short, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/part")

    for name in ("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile"):
        monkeypatch.setattr(tempfile, name, full)
    assert weights_of(run(replace(short, out=tmp_path / "out"))) == weights_of(short.out)


def test_changed_data_are_not_gone_on_with(short, tmp_path, monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    data, initial = tmp_path / "labels", tmp_path / "initial"
    write_dataset(data, 4, seed=0)
    model = ModelConfig(short.network, SMALL)
    GraspModel.new(model, 0).save(initial)
    config = replace(short, dataset=data, initial=initial, out=tmp_path / "out", resume=True)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(GraspModel, "save", killed)
        run(config)
    GraspModel.new(model, 1).save(initial)
    with pytest.raises(UserError, match=rf"other values of the content of {initial} \("):
        run(config)
    GraspModel.new(model, 0).save(initial)
    shutil.rmtree(data)
    write_dataset(data, 5, seed=0)
    with pytest.raises(UserError, match=rf"other values of the content of {data} \("):
        run(config)
    started = read_json(config.out / "started.json")
    write_json(config.out / "started.json", started["config"])  # an older version did not look at the data
    assert (run(config) / "manifest.json").exists()


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("teacher", "dataset"),
        ("teacher", "initial"),
        ("pretraining", "dataset"),
        ("affordance", "datasets"),
        ("affordance", "initial"),
    ],
)
def test_a_training_never_overwrites_what_it_reads(short, kind, option, tmp_path):
    out = tmp_path / "out"
    train, config = training_of(kind, short, out)
    kept = out / "kept"
    if option == "initial":
        GraspModel.new(ModelConfig(short.network, SMALL), 0).save(kept)
    else:
        write_dataset(kept, 8, seed=1, failures=4)
    with pytest.raises(UserError, match=r"--out .* holds .*kept, which is read and must not be replaced"):
        train(replace(config, overwrite=True, **{option: (kept,) if option == "datasets" else kept}))
    assert kept.exists()
