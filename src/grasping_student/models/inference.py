"""A trained network made fast for scoring: batch normalisation folded, numbers in the format the processor likes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from grasping_student.pipeline.device import DeviceName, chosen_device

Precision = Literal["auto", "fp32", "bf16"]
"""Number format of a network's arithmetic; ``auto`` is bf16 where the processor has it natively."""

Accelerator = Literal["auto", "cpu", "gpu"]
"""``auto`` takes what ``--device`` says, or else a GPU where there is one."""


def device_of(accelerator: Accelerator = "auto") -> Literal["cpu", "cuda"]:
    """Where a network runs."""
    return "cuda" if resolve_accelerator(accelerator) != "cpu" and torch.cuda.is_available() else "cpu"


def resolve_accelerator(accelerator: Accelerator = "auto") -> Accelerator:
    """``auto`` replaced by what was chosen for the whole program, if something was."""
    chosen: dict[DeviceName, Accelerator] = {"auto": "auto", "cpu": "cpu", "cuda": "gpu"}
    return chosen[chosen_device()] if accelerator == "auto" else accelerator


def has_native_bf16(accelerator: Accelerator = "auto") -> bool:
    """Whether this processor or GPU multiplies bfloat16 matrices itself rather than emulating it."""
    if device_of(accelerator) == "cuda":
        supported = torch.cuda.is_bf16_supported
        # older versions of torch do not emulate it, and have no such parameter
        native = {"including_emulation": False} if "including_emulation" in signature(supported).parameters else {}
        return supported(**native)
    checks = (getattr(torch.cpu, "_is_avx512_bf16_supported", None), getattr(torch.cpu, "_is_amx_tile_supported", None))
    return any(check is not None and check() for check in checks)


def resolve_precision(precision: Precision, accelerator: Accelerator = "auto") -> Literal["fp32", "bf16"]:
    """``auto`` replaced by what suits the processor or GPU that is used."""
    if precision == "auto":
        return "bf16" if has_native_bf16(accelerator) else "fp32"
    return precision


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """So many threads of torch inside, as many as before outside; 0 changes nothing.

    Sums are added in another order on another number of threads, so their last digits differ.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Scorer:
    """Calls a frozen copy of a network, on a GPU where there is one; the original is left as it is."""

    def __init__(self, network: nn.Module, precision: Precision) -> None:
        self._bf16 = resolve_precision(precision) == "bf16"
        self._device = device_of()
        self._network = frozen(network).to(self._device)
        if self._bf16:
            self._network = self._network.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, pictures: Tensor) -> Tensor:
        """Scores of normalised pictures ``(batch, side, side)``, float32 ``(batch, angles, side, side)``."""
        with torch.autocast(self._device, dtype=torch.bfloat16, enabled=self._bf16):
            return self._network(pictures[:, None].to(self._device)).float().cpu()


def frozen(network: nn.Module) -> nn.Module:
    """A copy that is not trained any further, made fast."""
    return fold_batch_norm(copy.deepcopy(network).eval()).requires_grad_(False)


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Every batch normalisation that follows a convolution in an ``nn.Sequential`` folded into it, in place."""
    for module in network.modules():
        if not isinstance(module, nn.Sequential):
            continue
        for index in range(len(module) - 1):
            before, norm = module[index], module[index + 1]
            if isinstance(before, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[index] = fuse_conv_bn_eval(before, norm)
                module[index + 1] = nn.Identity()
    return network
