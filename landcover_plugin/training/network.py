"""The segmentation network: lean, fully convolutional, with a reach that is known.

It learns its own features at strides 2, 4 and 8 and, where its shape says so, listens to an encoder
that has learned from photographs (:mod:`.pretrained`).

Everything the network does is local: no term sees the whole window, and batch normalisation becomes
part of the convolutions when the network is exported. Resolution is halved by 2 × 2 convolutions
whose cells do not overlap, so that cells of a tile that starts at a multiple of the stride are
the same cells in every tile, and the reach is a plain sum (see :func:`reach_px`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .pretrained import (
    WIDTHS,
    PaddedConvolution,
    PretrainedEncoder,
    encoder_reach_px,
    load_photographs_weights,
)

DECODER_REACH_PX = 2 + 4 + 4 + 8
"""Two convolutions, at strides 2 and 4, and two enlargements."""
_STEMS = ("stem.0.weight", "pretrained.stem.0.weight")


@dataclass(frozen=True)
class NetworkShape:
    """How wide and deep a network is.

    Args:
        bands: channels of a chip.
        classes: channels of the answer.
        widths: channels at strides 2, 4 and 8.
        blocks: residual blocks (two 3 × 3 convolutions each) at strides 2, 4 and 8.
        pretrained: whether it has an encoder that has learned from photographs.
    """

    bands: int
    classes: int
    widths: tuple[int, int, int] = (32, 64, 96)
    blocks: tuple[int, int, int] = (0, 1, 2)
    pretrained: bool = False

    @property
    def stride(self) -> int:
        """What sides of chips and tiles must be multiples of."""
        return 16 if self.pretrained else 8

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return asdict(self)


def shape_from(stored: dict[str, Any]) -> NetworkShape:
    """The shape that :meth:`NetworkShape.as_dict` gave."""
    return NetworkShape(
        int(stored["bands"]), int(stored["classes"]), tuple(stored["widths"]), tuple(stored["blocks"]),
        bool(stored.get("pretrained", False)),
    )  # fmt: skip


def reach_px(shape: NetworkShape) -> int:
    """How far an answer sees beyond a tile that starts and ends at multiples of the stride.

    A 3 × 3 convolution at stride s reaches s pixels further; bilinear enlargement from stride 2s
    to s takes one neighbouring cell of 2s pixels. The 2 × 2 reductions reach nothing.
    """
    return max(own_reach_px(shape), encoder_reach_px() + 16 + DECODER_REACH_PX if shape.pretrained else 0)


def own_reach_px(shape: NetworkShape) -> int:
    """The same without the pretrained encoder."""
    at2, at4, at8 = shape.blocks
    return 2 * (1 + 2 * at2) + 4 * (2 * at4) + 8 * (2 * at8) + DECODER_REACH_PX


class SegmentationNetwork(nn.Module):
    """Logits for every pixel of a chip.

    ``forward`` takes ``(N, band, H, W)`` float32, raw imagery values 0 to 255, H and W multiples
    of the shape's stride, and gives ``(N, class, H, W)`` logits.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        w2, w4, w8 = shape.widths
        self.stem = _convolution(4 * shape.bands, w2, 3)
        self.stage2 = _blocks(w2, shape.blocks[0])
        self.down4 = _reduction(w2, w4)
        self.stage4 = _blocks(w4, shape.blocks[1])
        self.down8 = _reduction(w4, w8)
        self.stage8 = _blocks(w8, shape.blocks[2])
        self.coarse4 = nn.Conv2d(w8, w4, 1)
        self.merge4 = _convolution(w4, w4, 3)
        self.coarse2 = nn.Conv2d(w4, w2, 1)
        self.merge2 = _convolution(w2, w2, 3)
        self.head = nn.Conv2d(w2, 4 * shape.classes, 1)
        if shape.pretrained:
            self.pretrained = PretrainedEncoder(shape.bands)
            p4, p8, p16 = WIDTHS
            self.from4 = nn.Conv2d(p4, w4, 1)
            self.from16 = nn.Conv2d(p16, w8, 1)
            self.join8 = nn.Conv2d(w8 + p8, w8, 1)
            self.joined8 = nn.Conv2d(w8, w8, 1)
            for listens in (self.from4, self.joined8):
                nn.init.zeros_(listens.weight)
                nn.init.zeros_(listens.bias)

    def features(self, chips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the encoders see at strides 2, 4 and 8."""
        cells = functional.pixel_unshuffle((chips - 110.0) * (1 / 55.0), 2)
        at2 = self.stage2(self.stem(cells))
        at4 = self.stage4(self.down4(at2))
        at8 = self.stage8(self.down8(at4))
        return (
            (at2, *self.joined(at4, at8, *self.photographs(chips)))
            if self.shape.pretrained
            else (at2, at4, at8)
        )

    def photographs(self, chips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the encoder that has learned from photographs sees at strides 4, 8 and 16."""
        # processors take longer for its convolutions channel by channel in bfloat16
        with torch.autocast(chips.device.type, enabled=False):
            return self.pretrained(chips)

    def joined(self, at4: Tensor, at8: Tensor, p4: Tensor, p8: Tensor, p16: Tensor) -> tuple[Tensor, Tensor]:
        """What both encoders see at strides 4 and 8."""
        both = functional.relu(self.join8(torch.cat([at8, p8], 1)) + _enlarged(self.from16(p16)))
        return at4 + self.from4(p4), at8 + self.joined8(both)

    def forward(self, chips: Tensor) -> Tensor:
        """Logits of every pixel."""
        return self.decoded(*self.features(chips))

    def decoded(self, at2: Tensor, at4: Tensor, at8: Tensor) -> Tensor:
        """Logits from what the encoder saw."""
        at4 = self.merge4(at4 + _enlarged(self.coarse4(at8)))
        at2 = self.merge2(at2 + _enlarged(self.coarse2(at4)))
        return functional.pixel_shuffle(self.head(at2), 2)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width, 3)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


def _convolution(given: int, width: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, width, side, padding=side // 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )


def _reduction(given: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(given, width, 2, stride=2, bias=False), nn.BatchNorm2d(width), nn.ReLU())


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Residual(width) for _ in range(count)))


def _enlarged(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def folded(network: SegmentationNetwork) -> SegmentationNetwork:
    """A copy for inference with every batch normalisation folded into its convolution."""
    copy = SegmentationNetwork(network.shape)
    copy.load_state_dict(network.state_dict())
    copy.eval()
    for module in copy.modules():
        if isinstance(module, nn.Sequential):
            _fold_sequence(module)
    return copy


def _fold_sequence(sequence: nn.Sequential) -> None:
    for i in range(len(sequence) - 1):
        convolution, norm = sequence[i], sequence[i + 1]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            fused = torch.nn.utils.fusion.fuse_conv_bn_eval(convolution, norm)
            sequence[i] = fused.evenly_padded() if isinstance(fused, PaddedConvolution) else fused
            sequence[i + 1] = nn.Identity()


def parameter_count(network: nn.Module) -> int:
    """How many numbers training may change."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def begun(shape: NetworkShape, given: SegmentationNetwork | None, seed: int) -> SegmentationNetwork:
    """The network that a run begins with.

    It has the weights of ``given`` where both have them; blocks and bands beyond the shape's are left out. An encoder
    that ``given`` lacks has seen photographs and is not listened to yet: at first nothing else is said than before.

    Args:
        shape: of the network that is to learn.
        given: a trained network; None to begin with chance, and photographs.
        seed: of what is left to chance.

    Raises:
        ModelError: the package with the weights that have seen photographs is not installed.
    """
    torch.manual_seed(seed)
    network = SegmentationNetwork(shape)
    if shape.pretrained:
        load_photographs_weights(network.pretrained)
    weights = network.state_dict()
    for name, value in {} if given is None else given.state_dict().items():
        if name in weights:
            weights[name] = value[:, : weights[name].shape[1]] if name in _STEMS else value
    network.load_state_dict(weights)
    return network.eval()


def mean_weights(before: Mapping[str, Tensor], after: Mapping[str, Tensor], kept: float) -> dict[str, Tensor]:
    """Weights between those of two networks of one shape, ``kept`` being the share of the first."""
    return {
        name: torch.lerp(before[name].to(values.device), values, 1 - kept)
        if values.is_floating_point()
        else values
        for name, values in after.items()
    }
