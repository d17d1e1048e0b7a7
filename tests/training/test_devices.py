"""Two devices train as one would on the mean of two batches' gradients."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from synthetic import SMALL, write_dataset

from grasping_student.datasets.store import Dataset
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.normalisation import Normalisation
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.training.augmentation import no_augmentation
from grasping_student.training.batches import Group, PairBatches
from grasping_student.training.configuration import TeacherConfig
from grasping_student.training.labels import read_labels, read_scenes
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig
from grasping_student.training.losses import PairStep
from grasping_student.training.module import cosine_rate
from grasping_student.training.teacher import run

LOOP = LoopConfig(
    steps=6, batch=2, record_every=2, precision="fp32", accelerator="cpu", devices=2, show_progress=False, threads=1
)
NETWORK = NetworkConfig(widths=(4, 8))


def test_two_processes_take_every_other_batch_and_average_their_gradients(tmp_path):
    data = write_dataset(tmp_path / "labels", 5, seed=0)
    out = run(TeacherConfig(dataset=data, out=tmp_path / "out", network=NETWORK, loop=LOOP))
    curve = read_json(out / "metrics.json")["learning_curve"]
    assert [row["step"] for row in curve] == [2, 3]
    assert not (out / "resume.ckpt").exists()

    dataset = Dataset(data)
    labels = read_labels(dataset, ("script",))
    group = Group(labels, read_scenes(dataset, labels.scene, Normalisation()), 2)
    model = GraspModel.new(ModelConfig(NETWORK, SMALL), 0)
    batches = PairBatches((group,), model.canvas, Normalisation(), no_augmentation(), 0, 6)
    network, step, config = model.network.train(), PairStep(SMALL.pixel_size), OptimiserConfig()
    adam = torch.optim.Adam(network.parameters(), weight_decay=config.weight_decay)
    for update in range(3):
        adam.param_groups[0]["lr"] = cosine_rate(config, update, 3, 2)
        gradients = []
        for number in (2 * update + 1, 2 * update):  # last the first device's, whose statistics are kept
            statistics = {name: value.clone() for name, value in network.named_buffers()}
            network.zero_grad()
            step(network, batches[number])["loss"].backward()
            gradients.append([each.grad.clone() for each in network.parameters()])
            if number % 2:
                for name, value in network.named_buffers():
                    value.copy_(statistics[name])
        for each, one, two in zip(network.parameters(), *gradients, strict=True):
            each.grad = (one + two) / 2
        adam.step()
    trained = load_file(out / "model.safetensors")
    for name, value in network.state_dict().items():
        np.testing.assert_allclose(trained[name], value.numpy(), rtol=1e-4, atol=1e-5, err_msg=name)


ONE_COMMAND_FOR_EACH = """
import os, sys
from pathlib import Path
from grasping_student.cli.main import main
from grasping_student.models.grasp_model import GraspModel

def saved(*arguments):
    with Path("saved").open("a") as file:
        print(os.environ.get("LOCAL_RANK"), file=file)
    save(*arguments)

save, GraspModel.save = GraspModel.save, saved
sys.exit(main(sys.argv[1:]))
"""


def test_of_two_processes_that_run_the_whole_command_only_the_first_saves(tmp_path):
    write_dataset(tmp_path / "labels", 5, seed=0)
    (tmp_path / "command.py").write_text(ONE_COMMAND_FOR_EACH)
    words = "command.py train teacher --dataset labels --out out --resume --network.widths 4 8 --loop.steps 4"
    options = "--loop.batch 2 --loop.devices 2 --loop.strategy ddp --loop.accelerator cpu --loop.threads 1"
    done = subprocess.run(
        [sys.executable, *words.split(), *options.split()], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "saved").read_text() == "0\n"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model.safetensors", "config.json", "metrics.json", "manifest.json", "tensorboard"}


@pytest.mark.parametrize("options", [{"strategy": "dpp"}, {"accelerator": "gpu", "devices": 64}])
def test_strategies_and_devices_that_do_not_exist_are_named(tmp_path, options):
    data = write_dataset(tmp_path / "labels", 2, seed=0)
    loop = LoopConfig(steps=1, batch=1, **options)
    with pytest.raises(UserError, match=r"--loop\.strategy.*'auto'"):
        run(TeacherConfig(dataset=data, out=tmp_path / "out", network=NETWORK, loop=loop))
