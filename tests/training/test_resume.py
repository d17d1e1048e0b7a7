"""A training killed in the middle and resumed ends with the very weights of one that was not."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from resuming import LOOP, small_teacher, stop_at_step, weights_of
from safetensors.numpy import load_file
from synthetic import SMALL

from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.training import losses
from grasping_student.training.losses import pair_loss
from grasping_student.training.teacher import run


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return small_teacher(tmp_path_factory.mktemp("resume"))


def start_and_kill(config, out):
    """Run the command in a process of its own and kill it once it has passed two rounds."""
    options = [
        "--dataset",
        str(config.dataset),
        "--out",
        str(out),
        "--seed",
        "3",
        "--network.widths",
        "4",
        "8",
        "--loop.steps",
        "60",
        "--loop.batch",
        "2",
        "--loop.record-every",
        "4",
        "--loop.threads",
        "1",
        "--loop.precision",
        "fp32",
    ]
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
        patch.setattr(losses, "pair_loss", stops_at_the_sixth)
        with pytest.raises(KeyboardInterrupt):
            run(replace(config, out=out, loop=replace(LOOP, steps=9)))
    assert (out / "resume.ckpt").exists()
    resumed = run(replace(config, out=out, loop=replace(LOOP, steps=9), resume=True))
    assert (resumed / "model.safetensors").exists()


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


def test_a_network_is_compiled_only_where_that_is_asked_for_and_a_refusal_is_told(config, tmp_path, monkeypatch):
    class NoCompiler(Exception):
        __module__ = "torch._inductor.exc"

    def refuse(network):
        def call(*given):
            raise NoCompiler("no C++ compiler\nand more")

        network._compiled_call_impl = call

    monkeypatch.setattr(torch.nn.Module, "compile", refuse)
    short = replace(LOOP, steps=1)
    run(replace(config, out=tmp_path / "plain", loop=short))
    with pytest.raises(UserError, match=r"--loop\.compile: the network cannot be compiled here \(no C\+\+ compiler\)"):
        run(replace(config, out=tmp_path / "compiled", loop=replace(short, compile=True)))


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
