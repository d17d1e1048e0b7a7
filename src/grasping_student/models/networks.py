"""Networks by name: one height picture in, score pictures of the same size out, one for each angle that is scored."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasping_student.models.configuration import NetworkConfig
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError


def build_network(config: NetworkConfig) -> nn.Module:
    """A network from ``(batch, 1, side, side)`` to ``(batch, angles, side, side)``; stride and angles are the config's.

    Raises:
        UserError: unknown encoder, or ImageNet weights that cannot be had.
    """
    if config.trunk == "compact":
        return Compact(config.widths, config.angles.count)
    return _segmentation_network(config)


def build_skeleton(config: NetworkConfig) -> nn.Module:
    """The network without memory for its weights, where its parts allow that: names, shapes and types are all there.

    Raises:
        UserError: unknown encoder.
    """
    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"):
                return build_network(config)
        except UserError:  # the six encoders of the mit family, none larger than 0.4 GB, cannot do without
            return build_network(config)


class Compact(nn.Module):
    """A small U-Net behind pixel-unshuffle(2): nearly all work happens at half resolution and below.

    Input ``(batch, 1, side, side)``, output ``(batch, angles, side, side)``; side a multiple of ``2 ** len(widths)``.
    """

    def __init__(self, widths: tuple[int, ...], angles: int = 1) -> None:
        super().__init__()
        self.down = nn.ModuleList(_block(before, width) for before, width in zip((4, *widths), widths, strict=False))
        self.up = nn.ModuleList(
            _block(below + width, width) for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], 4 * angles, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pixel_unshuffle(x, 2)
        skipped: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            skipped.append(x)
        skipped.pop()
        for block in self.up:
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, skipped.pop()], dim=1))
        return functional.pixel_shuffle(_in_float32(self.head, x), 2)


def _block(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (before, after):
        layers += [nn.Conv2d(width, after, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)


def _in_float32(head: nn.Module, x: Tensor) -> Tensor:
    """Scores in full precision, whatever runs before: rounded to bfloat16, neighbouring pixels would tie."""
    with torch.autocast(x.device.type, enabled=False):
        return head(x.float())


class SegmentationNetwork(nn.Module):
    """An encoder-decoder of segmentation-models-pytorch with its head in full precision."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return _in_float32(self.head, self.decoder(self.encoder(x)))


def _segmentation_network(config: NetworkConfig) -> nn.Module:
    import segmentation_models_pytorch as smp

    decoder, _, encoder = config.trunk.partition("-")
    choice(encoder, smp.encoders.get_encoder_names(), "encoder")
    kind = {"fpn": smp.FPN, "unet": smp.Unet}[decoder]
    weights = None if config.encoder_weights == "none" else config.encoder_weights
    try:
        model = kind(encoder_name=encoder, encoder_weights=weights, in_channels=1, classes=config.angles.count)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise UserError(
            f"network {config.name} with encoder weights '{config.encoder_weights}' cannot be made "
            f"({type(error).__name__}: {error}); without a connection to the weights' host choose "
            "--network.encoder-weights none"
        ) from error
    return SegmentationNetwork(model.encoder, model.decoder, model.segmentation_head)
