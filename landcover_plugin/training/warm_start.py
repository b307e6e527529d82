"""A shipped model as a network that can learn on: its weights, read back from the ONNX file.

The exported graph has batch normalisation folded into the convolutions. Here it is put back: each
normalisation gets the mean and spread that its convolution has on given imagery, and a gain and an
offset that undo it, so that the network says what the graph says and learns as a fresh one would.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..core.errors import ModelError
from ..core.model import ModelSpec
from .network import NetworkShape, SegmentationNetwork
from .pretrained import OFFSET, SCALE

_PREFIX = "network."
_WITH_BIAS = ("coarse4", "coarse2", "head", "from4", "from16", "join8", "joined8")


def network_of(spec: ModelSpec, images: npt.NDArray[np.uint8]) -> SegmentationNetwork:
    """The network behind a model that this program trained.

    Args:
        spec: of a float32 segmentation model.
        images: ``(N, band, H, W)`` imagery that normalisation is set by, H and W multiples of 16.

    Raises:
        ModelError: the model was not trained by this program, or is its 8-bit form.
    """
    weights = _weights(spec)
    try:
        network = SegmentationNetwork(_shape(weights))
        for name, sequence in _normalised(network):
            _set_identity(sequence, weights, name)
        for name, part in network.named_modules():
            if name in _WITH_BIAS:
                part.weight.data.copy_(weights[f"{_PREFIX}{name}.weight"])
                part.bias.data.copy_(weights[f"{_PREFIX}{name}.bias"])
    except (KeyError, RuntimeError, StopIteration) as e:
        raise ModelError(f"Model '{spec.name}' was not trained by this program, or is an 8-bit form; start from "
                         "a float32 model such as naip-landcover.") from e  # fmt: skip
    _normalise_by(network, images)
    return network.eval()


def _weights(spec: ModelSpec) -> dict[str, Tensor]:
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(spec.path)).graph
    weights = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    for node in graph.node:  # of weights that are the same only one is written
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    return weights


def _shape(weights: dict[str, Tensor]) -> NetworkShape:
    stem, at4, at8 = (
        weights[n] for n in ("stem.weight", f"{_PREFIX}down4.0.weight", f"{_PREFIX}down8.0.weight")
    )
    blocks = [
        len({n.split(".")[2] for n in weights if n.startswith(f"{_PREFIX}stage{stride}.")})
        for stride in (2, 4, 8)
    ]
    return NetworkShape(
        stem.shape[1], len(weights[f"{_PREFIX}head.bias"]) // 4, (len(stem), len(at4), len(at8)),
        (blocks[0], blocks[1], blocks[2]), "pretrained_stem.weight" in weights,
    )  # fmt: skip


def _normalised(network: SegmentationNetwork) -> Iterator[tuple[str, nn.Sequential]]:
    """Every convolution with its normalisation, by name."""
    for name, part in network.named_modules():
        if isinstance(part, nn.Sequential) and len(part) > 1 and isinstance(part[1], nn.BatchNorm2d):
            yield name, part


def _set_identity(sequence: nn.Sequential, weights: dict[str, Tensor], name: str) -> None:
    convolution, norm = sequence[0], sequence[1]
    if name == "stem":
        weight, bias = _stem_on_cells(weights["stem.weight"], weights["stem.bias"])
    elif name == "pretrained.stem":
        weight, bias = weights["pretrained_stem.weight"], weights["pretrained_stem.bias"]
        weight, bias = weight / SCALE, bias + OFFSET * weight.sum((1, 2, 3))
    else:
        weight, bias = weights[f"{_PREFIX}{name}.0.weight"], weights[f"{_PREFIX}{name}.0.bias"]
    more = weight.shape[2] - convolution.kernel_size[0]  # zeros, see PaddedConvolution
    convolution.weight.data.copy_(weight[:, :, more:, more:])
    _undo(norm, torch.zeros_like(bias), torch.ones_like(bias), bias)


def _stem_on_cells(wide: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The 6 × 6 convolution on imagery as the 3 × 3 one on scaled 2 × 2 cells; see :mod:`.export`."""
    width, bands = wide.shape[:2]
    cells = (55.0 * wide).reshape(width, bands, 3, 2, 3, 2).permute(0, 1, 3, 5, 2, 4)
    return cells.reshape(width, 4 * bands, 3, 3), bias + 110.0 * wide.sum((1, 2, 3))


def _undo(norm: nn.BatchNorm2d, mean: Tensor, spread: Tensor, bias: Tensor) -> None:
    """Let a normalisation with this mean and variance only add a bias."""
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(spread)
    norm.weight.data.copy_((spread + norm.eps).sqrt())
    norm.bias.data.copy_(bias + mean)


@torch.no_grad()
def _normalise_by(network: SegmentationNetwork, images: npt.NDArray[np.uint8]) -> None:
    found: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def look(norm: nn.Module, given: tuple[Any, ...]) -> None:
        values = given[0].double()
        found[norm] = values.mean((0, 2, 3)).float(), values.var((0, 2, 3), correction=0).float()

    norms = [sequence[1] for _, sequence in _normalised(network)]
    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    network.eval()(torch.from_numpy(images).float())
    for hook, norm in zip(hooks, norms):
        hook.remove()
        _undo(norm, *found[norm], norm.bias.data.clone())
