"""What the tests of resuming share: a small training, its weights, and a way to stop it at a step."""

import pytest
from pytorch_lightning import Trainer
from safetensors.numpy import load_file
from synthetic import write_dataset

from grasping_student.models.configuration import NetworkConfig
from grasping_student.training.augmentation import standard_augmentation
from grasping_student.training.configuration import TeacherConfig
from grasping_student.training.loop_configuration import LoopConfig
from grasping_student.training.teacher import run

LOOP = LoopConfig(steps=60, batch=2, record_every=4, threads=1, precision="fp32")


def small_teacher(folder):
    """A teacher of five labels in a folder, to be trained into its ``whole``."""
    return TeacherConfig(
        dataset=write_dataset(folder / "labels", 5, seed=0),
        out=folder / "whole",
        seed=3,
        network=NetworkConfig(widths=(4, 8)),
        augmentation=standard_augmentation(),
        loop=LOOP,
    )


def weights_of(out):
    return {name: array.tobytes() for name, array in load_file(out / "model.safetensors").items()}


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
