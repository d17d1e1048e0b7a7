"""Checkpoints from strangers: names, shapes, kinds of numbers and sizes are looked at before memory is taken."""

import json
import os
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError

SMALL = ModelConfig(NetworkConfig(widths=(4, 8)), Workspace(0.1, 24, 0.01))


@pytest.fixture
def checkpoint(tmp_path):
    GraspModel.new(SMALL, seed=0).save(tmp_path / "c")
    return tmp_path / "c"


def refused(checkpoint, match=None):
    with pytest.raises(UserError, match=match) as told:
        GraspModel.load(checkpoint)
    assert len(str(told.value)) < 2000


@pytest.mark.parametrize("kind", [torch.int32, torch.int64, torch.bool, torch.uint8, torch.float64, torch.bfloat16])
def test_weights_of_another_kind_are_refused(checkpoint, kind):
    tensors = load_file(checkpoint / "model.safetensors")
    save_file({name: tensor.to(kind) for name, tensor in tensors.items()}, checkpoint / "model.safetensors")
    refused(checkpoint, "another shape or type")


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("network", {"name": "fpn-timm-efficientnet-l2"}),
        ("network", {"name": "unet-mit_b5"}),
        ("network", {"widths": [1024] * 8}),
        ("network", {"widths": [10**9]}),
        ("network", {"widths": [4] * 1000}),
        ("network", {"widths": ["4"]}),
        ("network", {"widths": []}),
        ("network", {"name": "fpn-../../x"}),
        ("network", {"name": ["compact"]}),
        ("network", None),
        ("workspace", {"pixels": 30_000}),
        ("workspace", {"extent": "0.45"}),
        ("workspace", {"pixels": True}),
        ("normalisation", {"std": 0}),
        ("normalisation", {"mean": 1e400}),
        ("normalisation", []),
    ],
)
def test_a_config_that_asks_for_something_else_is_refused_before_memory_is_taken(checkpoint, part, values):
    import resource

    stored = json.loads((checkpoint / "config.json").read_text())
    stored[part] = {**stored[part], **values} if isinstance(values, dict) else values
    (checkpoint / "config.json").write_text(json.dumps(stored))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(checkpoint)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kilobytes


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_plain_file_is_refused(checkpoint, name, put):
    (checkpoint / name).unlink()
    put(checkpoint / name)
    refused(checkpoint)


def test_a_head_that_claims_more_than_the_file_is_refused(checkpoint):
    entry = {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}
    head = json.dumps({"x": entry}).encode()
    (checkpoint / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(64))
    refused(checkpoint, "cut off")


def test_any_changed_byte_of_a_checkpoint_ends_in_a_sentence_or_in_a_model(checkpoint):
    """A second of random damage; ``FUZZ_SECONDS`` asks for more."""
    import time

    random, begun = np.random.default_rng(0), time.monotonic()
    files = {checkpoint / name: (checkpoint / name).read_bytes() for name in ("config.json", "model.safetensors")}
    while time.monotonic() - begun < float(os.environ.get("FUZZ_SECONDS", "1")):
        for path, data in files.items():
            path.write_bytes(data)
        path = list(files)[int(random.integers(2))]
        damaged = bytearray(files[path])
        for _ in range(int(random.integers(1, 9))):
            damaged[int(random.integers(min(len(damaged), 3000)))] = int(random.integers(256))
        path.write_bytes(damaged[: int(random.integers(len(damaged)))] if random.random() < 0.3 else damaged)
        try:
            GraspModel.load(checkpoint)
        except UserError as error:
            assert len(str(error)) < 2000
