"""The device on which networks run: one choice for the whole program, which the processes that it starts inherit."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast, get_args

from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError, require_extra

DeviceName = Literal["auto", "cpu", "cuda"]
"""``auto`` takes a GPU where there is one."""

DEVICES: tuple[str, ...] = get_args(DeviceName)

VARIABLE = "GRASPING_STUDENT_DEVICE"
"""Environment variable that holds the choice."""

_DRIVER = Path("/dev/nvidiactl")
"""Where Linux has a driver of GPUs; without it torch need not be asked, which takes seconds."""


def choose_device(name: str) -> None:
    """Let networks of this process, and of those that it starts, run on a device.

    Raises:
        UserError: no such device, or no GPU here.
    """
    choice(name, DEVICES, "--device")
    if name == "cuda":
        require_extra("train", "torch")
        if not _torch_finds_one():
            raise UserError("--device cuda: torch finds no GPU on this machine; leave --device out, or give cpu")
    os.environ[VARIABLE] = name


def chosen_device() -> DeviceName:
    """The choice that holds; ``auto`` where there was none.

    Raises:
        UserError: the variable names no device.
    """
    return cast(DeviceName, choice(os.environ.get(VARIABLE) or "auto", DEVICES, f"device in {VARIABLE}"))


def uses_gpu() -> bool:
    """Whether networks in torch run on a GPU here; torch is imported only where there may be one."""
    name = chosen_device()
    if name == "cpu" or (name == "auto" and not _DRIVER.exists()):
        return False
    return find_spec("torch") is not None and _torch_finds_one()


def _torch_finds_one() -> bool:
    import torch

    return torch.cuda.is_available()
