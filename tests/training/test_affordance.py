"""An affordance network of a teacher's own labels."""

import shutil
from dataclasses import replace

import pytest
import torch
from synthetic import write_dataset

from grasping_student.cli.main import main
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.training import affordance
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.batches import BalancedBatches
from grasping_student.training.labels import read_labels
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig


def test_it_learns_from_exactly_the_labels_that_a_teacher_would_draw(tmp_path, monkeypatch):
    data = write_dataset(tmp_path / "labels", 20, seed=0, failures=10)
    seen, batch_of = [], BalancedBatches.__getitem__

    def recorded(self, step):
        seen.extend(scene for group in self.groups for scene in group.labels.scene.tolist())
        return batch_of(self, step)

    monkeypatch.setattr(BalancedBatches, "__getitem__", recorded)
    config = AffordanceConfig(
        datasets=(data,),
        out=tmp_path / "judge",
        labels=7,
        label_seed=3,
        network=NetworkConfig(widths=(4, 8)),
        loop=LoopConfig(steps=1, batch=4),
    )
    out = affordance.run(config)
    assert set(seen) == set(read_labels(Dataset(data), config.sources, 7, seed=3).scene.tolist())
    assert read_json(out / "split.json")["datasets"][0]["held_out"] == []


def test_the_command_says_that_nothing_was_held_out(tmp_path, capsys):
    data = write_dataset(tmp_path / "labels", 6, seed=0, failures=3)
    words = [
        "train",
        "affordance",
        "--datasets",
        str(data),
        "--out",
        str(tmp_path / "out"),
        "--labels",
        "6",
        "--network.widths",
        "4",
        "8",
        "--loop.steps",
        "1",
    ]
    assert main(words) == 0
    assert "nothing was held out" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"labels": -1}, {"labels": 2, "datasets": ("a", "b")}])
def test_impossible_draws_are_refused(wrong):
    with pytest.raises(ValueError, match="labels"):
        AffordanceConfig(**wrong)


def test_it_starts_from_a_checkpoint_of_any_workspace_with_pixels_of_the_same_size(tmp_path):
    data = write_dataset(tmp_path / "labels", 6, seed=0, failures=3)
    network, wider = NetworkConfig(widths=(4, 8)), Workspace(extent=0.24, pixels=60, margin=0.02)
    first = GraspModel.new(ModelConfig(network, wider), seed=5)
    first.save(tmp_path / "first")
    still = OptimiserConfig(learning_rate=1e-12, final_learning_rate=0.0, weight_decay=0.0)
    config = AffordanceConfig(
        datasets=(data,),
        out=tmp_path / "out",
        labels=6,
        initial=tmp_path / "first",
        constraint=GraspConstraintConfig("antipodal"),
        network=network,
        loop=LoopConfig(steps=1, batch=4, optimiser=still),
    )
    model = GraspModel.load(affordance.run(config))
    for name, weight in model.network.named_parameters():
        torch.testing.assert_close(weight, first.network.state_dict()[name])
    assert model.config.constraint.name == "antipodal"
    GraspModel.new(ModelConfig(network, Workspace(extent=0.24, pixels=40, margin=0.02)), seed=5).save(
        tmp_path / "other"
    )
    with pytest.raises(UserError, match=r"6\.00 mm a pixel.*4\.00 mm a pixel"):
        affordance.run(replace(config, initial=tmp_path / "other", overwrite=True))


def test_a_dataset_given_twice_or_with_its_copy_is_refused(tmp_path, capsys):
    data = write_dataset(tmp_path / "labels", 6, seed=0, failures=3)
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    for other, said in ((data, "is given twice"), (copy, f"has the same content as {data}")):
        words = [
            "train",
            "affordance",
            "--datasets",
            str(data),
            str(other),
            "--out",
            str(tmp_path / "out"),
            "--network.widths",
            "4",
            "8",
            "--loop.steps",
            "1",
        ]
        assert main(words) == 2
        message = capsys.readouterr().err
        assert f"{other} {said}" in message and "count twice" in message and len(message.splitlines()) == 1
    assert not (tmp_path / "out").exists()
