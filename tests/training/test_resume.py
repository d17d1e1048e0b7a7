"""A training killed in the middle and resumed ends with the very weights of one that was not."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer
from safetensors.numpy import load_file
from synthetic import SMALL, write_dataset

from grasping_student.errors import UserError
from grasping_student.files import read_json, write_json
from grasping_student.manifest import StageClock
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.training import affordance, pretraining, steps
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.augmentation import standard_augmentation
from grasping_student.training.configuration import TeacherConfig
from grasping_student.training.loop_configuration import LoopConfig
from grasping_student.training.losses import pair_loss
from grasping_student.training.pretraining_configuration import PretrainingConfig
from grasping_student.training.teacher import run

LOOP = LoopConfig(steps=60, batch=2, record_every=4, threads=1, precision="fp32")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume")
    return TeacherConfig(
        dataset=write_dataset(folder / "labels", 5, seed=0), out=folder / "whole", seed=3,
        network=NetworkConfig(widths=(4, 8)), augmentation=standard_augmentation(), loop=LOOP,
    )  # fmt: skip


def weights_of(out):
    return {name: array.tobytes() for name, array in load_file(out / "model.safetensors").items()}


def start_and_kill(config, out):
    """Run the command in a process of its own and kill it once it has passed two rounds."""
    options = ["--dataset", str(config.dataset), "--out", str(out), "--seed", "3", "--network.widths", "4", "8",
               "--loop.steps", "60", "--loop.batch", "2", "--loop.record-every", "4", "--loop.threads", "1",
               "--loop.precision", "fp32"]  # fmt: skip
    command = [sys.executable, "-m", "grasping_student.cli.main", "train", "teacher", "--preset", "light-augmented"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None:
        metrics = out / "metrics.json"
        if metrics.exists() and len(read_json(metrics)["learning_curve"]) >= 2:
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.005)
    error = process.communicate()[1].decode()
    assert process.returncode == -signal.SIGKILL, f"ended by itself before it could be killed: {error}"


def test_killed_and_resumed_gives_the_same_weights_bit_for_bit(config, tmp_path):
    whole = run(config)
    out = tmp_path / "killed"
    start_and_kill(config, out)
    assert not (out / "model.safetensors").exists()
    resumed = run(replace(config, out=out, resume=True))
    assert weights_of(resumed) == weights_of(whole)
    recorded = [row["step"] for row in read_json(resumed / "metrics.json")["learning_curve"]]
    assert recorded == list(range(4, 61, 4))
    assert not (resumed / "resume.ckpt").exists()


def test_ctrl_c_keeps_the_resume_point_and_is_passed_on(config, tmp_path, monkeypatch):
    calls = []

    def stops_at_the_sixth(*arguments):
        calls.append(arguments)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return pair_loss(*arguments)

    out = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        patch.setattr(steps, "pair_loss", stops_at_the_sixth)
        with pytest.raises(KeyboardInterrupt):
            run(replace(config, out=out, loop=replace(LOOP, steps=9)))
    assert (out / "resume.ckpt").exists()
    resumed = run(replace(config, out=out, loop=replace(LOOP, steps=9), resume=True))
    assert (resumed / "model.safetensors").exists()


def stop_at_step(step, config, monkeypatch):
    """Interrupt a training while it writes the resume point of a step; that of the step before stays."""

    def stops(trainer, path):
        save(trainer, path)
        if trainer.global_step == step:
            raise KeyboardInterrupt

    save = Trainer.save_checkpoint
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save_checkpoint", stops)
        with pytest.raises(KeyboardInterrupt):
            run(config)


def test_averaged_weights_are_the_literal_average_of_every_step_and_resume_bit_for_bit(config, tmp_path, monkeypatch):
    loop = replace(LOOP, steps=8, ema=0.5, record_every=1, keep_rounds=True)
    averaged = run(replace(config, out=tmp_path / "averaged", loop=loop))
    plain = run(replace(config, out=tmp_path / "plain", loop=replace(loop, ema=0.0)))
    start = GraspModel.new(ModelConfig(config.network, SMALL), config.seed).network.state_dict()
    expected = {name: value.double().numpy() for name, value in start.items()}
    for step in range(1, 9):
        decay = min(0.5, (1 + step) / (10 + step))
        weights = load_file(plain / "rounds" / f"step-{step:07d}.safetensors")
        expected = {name: decay * value + (1 - decay) * weights[name] for name, value in expected.items()}
        kept = load_file(averaged / "rounds" / f"step-{step:07d}.safetensors")
        for name, value in kept.items():
            if value.dtype == np.float32:
                np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-6)
    assert weights_of(averaged) != weights_of(plain)

    stopped = replace(config, out=tmp_path / "stopped", loop=loop)
    stop_at_step(5, stopped, monkeypatch)
    assert weights_of(run(replace(stopped, resume=True))) == weights_of(averaged)


def test_the_progress_bar_goes_to_a_terminal_on_standard_error_alone(config, tmp_path, capsys, monkeypatch):
    short = replace(config, loop=replace(LOOP, steps=4))
    piped = run(replace(short, out=tmp_path / "piped"))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown = run(replace(short, out=tmp_path / "shown"))
    printed = capsys.readouterr()
    assert printed.out == "" and "4/4" in printed.err
    assert weights_of(shown) == weights_of(piped)


def test_dropout_goes_on_where_it_stopped(config, tmp_path, monkeypatch):
    loop = replace(LOOP, steps=4, record_every=1)
    paper_like = replace(config, network=NetworkConfig(name="fpn-resnet18"), loop=loop)
    whole = run(replace(paper_like, out=tmp_path / "whole"))
    stopped = replace(paper_like, out=tmp_path / "stopped")
    stop_at_step(3, stopped, monkeypatch)
    assert (stopped.out / "resume.ckpt").exists()
    assert weights_of(run(replace(stopped, resume=True))) == weights_of(whole)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_named(config, tmp_path):
    with pytest.raises(UserError, match=r"accelerator gpu.*auto"):
        run(replace(config, out=tmp_path / "gpu", loop=replace(LOOP, accelerator="gpu")))


def test_resuming_what_is_finished_changes_nothing(config):
    before = weights_of(run(replace(config, overwrite=True)))
    stamp = (config.out / "model.safetensors").stat().st_mtime_ns
    assert weights_of(run(replace(config, resume=True))) == before
    assert (config.out / "model.safetensors").stat().st_mtime_ns == stamp


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
    [({"seed": 4}, r"seed \(3, now 4\)"), ({"labels": 4}, r"labels \(0, now 4\)"),
     ({"loop": replace(LOOP, steps=4)}, r"loop\.steps \(3, now 4\)"),
     ({"seed": 4, "loop": replace(LOOP, steps=4)}, r"seed \(3, now 4\), loop\.steps \(3, now 4\)")],
)  # fmt: skip
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
        patch.setattr(StageClock, "write", killed)
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
    [("teacher", "dataset"), ("teacher", "initial"), ("pretraining", "dataset"), ("affordance", "datasets")],
)  # fmt: skip
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


def test_a_damaged_resume_point_is_named(config, tmp_path):
    out = tmp_path / "damaged"
    out.mkdir()
    (out / "resume.ckpt").write_bytes(b"half a file")
    with pytest.raises(UserError, match=r"resume\.ckpt cannot be read"):
        run(replace(config, out=out, resume=True))


def test_another_seed_gives_other_weights_and_the_same_seed_the_same(config, tmp_path):
    short = replace(config, loop=replace(LOOP, steps=3))
    one, two = run(replace(short, out=tmp_path / "1")), run(replace(short, out=tmp_path / "2"))
    other = run(replace(short, out=tmp_path / "3", seed=4))
    assert weights_of(one) == weights_of(two)
    assert weights_of(one) != weights_of(other)
