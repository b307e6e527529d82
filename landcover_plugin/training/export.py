"""From a trained network to a model folder: the graph that does all the work, checked.

The graph takes raw imagery. Scaling is folded into the first convolutions, batch normalisation into
all of them; what does not look far runs on the inner part of the chip. All that is exact, because the
halo covers the reach of the network: what zeros stand beyond a chip's edge never reaches its tile.
"""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..core.errors import ModelError
from ..core.model import OUTPUTS, Band, ModelSpec, PixelSize
from .default_legend import LEGEND
from .model_folder import write_model_folder
from .network import NetworkShape, SegmentationNetwork, folded, own_reach_px, reach_px
from .pretrained import OFFSET, SCALE

TILE = 512
HALO = 64
OPSET = 17
TOLERANCE = 1e-4
BANDS = (
    Band("red", "red", 0.65),
    Band("green", "green", 0.56),
    Band("blue", "blue", 0.46),
    Band("near infrared", "nir", 0.84),
)


def halo_of(shape: NetworkShape) -> int:
    """Pixels around a tile in a chip: the reach of the network, rounded up to 16 and at least 64."""
    return max(HALO, _up(reach_px(shape)))


def _up(pixels: int) -> int:
    return -(-pixels // 16) * 16


class DeployedNetwork(nn.Module):
    """Raw uint8 chips in; classes, 8-bit and float32 probabilities of the tile out.

    Args:
        network: trained.
        ids: legend id of each channel.
        halo: pixels around the tile, a multiple of 16.
    """

    def __init__(self, network: SegmentationNetwork, ids: Sequence[int], halo: int) -> None:
        super().__init__()
        self.network = folded(network)
        self.stem = _stem_on_imagery(self.network.stem[0], network.shape.bands)
        self.halo, self.spare = halo, 0
        if halo < reach_px(network.shape):
            raise ModelError(f"A halo of {halo} pixels does not cover the network's reach of "
                             f"{reach_px(network.shape)}; export it with a larger one.")  # fmt: skip
        if network.shape.pretrained:
            self.pretrained_stem = _pretrained_stem_on_imagery(self.network.pretrained.stem[0])
            self.spare = halo - _up(own_reach_px(network.shape))
        self.first_id = ids[0]
        self.register_buffer("ids", torch.tensor(list(ids), dtype=torch.uint8))
        self.consecutive = list(ids) == list(range(ids[0], ids[0] + len(ids)))

    def logits(self, chips: Tensor) -> Tensor:
        """(N, class, tile, tile) before the softmax."""
        net = self.network
        at2 = net.stage2(functional.relu(self.stem(_cropped(chips, self.spare).float())))
        at4 = net.stage4(net.down4(at2))
        at8 = net.stage8(net.down8(at4))
        if net.shape.pretrained:
            seen = net.pretrained.seen(functional.relu6(self.pretrained_stem(chips.float())))
            at4, at8 = net.joined(at4, at8, *(_cropped(x, self.spare // s) for x, s in zip(seen, (4, 8, 16))))
        at4 = net.merge4(at4 + _doubled(net.coarse4(at8)))
        at2 = net.merge2(at2 + _doubled(net.coarse2(at4)))
        return functional.pixel_shuffle(_cropped(net.head(at2), (self.halo - self.spare) // 2), 2)

    def forward(self, chips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Legend ids, 8-bit probabilities (0 to 254) and probabilities."""
        logits = self.logits(chips)
        best = logits.argmax(1)
        classes = (best + self.first_id).to(torch.uint8) if self.consecutive else self.ids[best]
        shares = _softmax(logits)
        return classes, (shares * 254 + 0.5).to(torch.uint8), shares


def _stem_on_imagery(stem: nn.Conv2d, bands: int) -> nn.Conv2d:
    """The 3 × 3 convolution on 2 × 2 cells as a 6 × 6 one on the imagery, with the scaling inside."""
    width = stem.out_channels
    weight = stem.weight.detach().reshape(width, bands, 2, 2, 3, 3).permute(0, 1, 4, 2, 5, 3)
    weight = weight.reshape(width, bands, 6, 6) / 55.0
    wide = nn.Conv2d(bands, width, 6, stride=2, padding=2)
    wide.weight.data.copy_(weight)
    wide.bias.data.copy_(stem.bias.detach() - 110.0 * weight.sum((1, 2, 3)))
    return wide


def _pretrained_stem_on_imagery(stem: nn.Conv2d) -> nn.Conv2d:
    """The pretrained encoder's first convolution with the scaling inside."""
    wide = copy.deepcopy(stem)
    wide.weight.data *= SCALE
    wide.bias = nn.Parameter(stem.bias.detach() - OFFSET * wide.weight.data.sum((1, 2, 3)))
    return wide


def _softmax(logits: Tensor) -> Tensor:
    # ONNX Runtime's own Softmax over channels takes ten times as long as these steps
    powers = torch.exp(logits - logits.amax(1, keepdim=True))
    return powers / powers.sum(1, keepdim=True)


def _cropped(x: Tensor, edge: int) -> Tensor:
    return x[:, :, edge:-edge, edge:-edge] if edge else x


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def export_graph(network: SegmentationNetwork, path: Path, halo: int, tile: int = TILE) -> float:
    """Write the ONNX file and compare it with PyTorch on noise and on even ground.

    Returns:
        The largest difference in probability.

    Raises:
        ModelError: the file gives something else than the network.
    """
    deployed = DeployedNetwork(network, [c.id for c in LEGEND], halo).eval()
    side = tile + 2 * halo
    sample = torch.zeros((1, network.shape.bands, side, side), dtype=torch.uint8)
    axes = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            deployed, (sample,), str(path), opset_version=OPSET, dynamo=False,
            input_names=["chips"], output_names=list(OUTPUTS),
            dynamic_axes={"chips": axes, "classes": {0: "batch", 1: "tile_height", 2: "tile_width"},
                          "probabilities8": {0: "batch", 2: "tile_height", 3: "tile_width"},
                          "probabilities": {0: "batch", 2: "tile_height", 3: "tile_width"}},
        )  # fmt: skip
    worst = largest_difference(network, path, halo)
    if worst > TOLERANCE:
        raise ModelError(f"{path} differs from the trained network by {worst:.1e} in probability; "
                         "report this with the versions of torch and onnxruntime.")  # fmt: skip
    return worst


def largest_difference(network: SegmentationNetwork, path: Path, halo: int) -> float:
    """The largest difference in probability between the graph and the network, over test chips."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for chips in _test_chips(network.shape.bands, 128 + 2 * halo):
        found = session.run(["probabilities"], {"chips": chips})[0]
        with torch.no_grad():
            wanted = torch.softmax(network.cpu().eval()(torch.from_numpy(chips).float()), 1)
        wanted = _cropped(wanted, halo)
        worst = max(worst, float(np.abs(found - wanted.numpy()).max()))
    return worst


def _test_chips(bands: int, side: int) -> list[npt.NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (1, bands, side, side), dtype=np.uint8)
    even = np.full((2, bands, side, side), 90, np.uint8)
    even[1, :, : side // 2] = 200
    return [noise, even]


def segmentation_spec(
    name: str,
    title: str,
    description: str,
    network: SegmentationNetwork,
    figures: dict[str, object],
    provenance: dict[str, object],
) -> ModelSpec:
    """The spec of a default segmentation model; its checksum comes when the folder is written."""
    return ModelSpec(
        name=name,
        title=title,
        description=description,
        licence="CC-BY-4.0",
        citation="",
        task="segmentation",
        file="1/model.onnx",
        sha256="0" * 64,
        bands=BANDS[: network.shape.bands],
        dtype="uint8",
        fill="reflect",
        pixel_size_m=PixelSize(0.6, 0.4, 1.5),
        tile=TILE,
        halo=halo_of(network.shape),
        stride=network.shape.stride,
        outputs=OUTPUTS,
        legend=LEGEND,
        figures=figures,
        provenance=provenance,
    )


def export_model(network: SegmentationNetwork, spec: ModelSpec, folder: Path) -> ModelSpec:
    """Write a whole model folder: graph, ``model.json`` and ``config.pbtxt``.

    Returns:
        The spec as it was written, with the checksum of its file.
    """
    path = folder / spec.file
    path.parent.mkdir(parents=True, exist_ok=True)
    difference = export_graph(network, path, spec.halo, spec.tile)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    provenance = {**spec.provenance, "largest difference from PyTorch": float(f"{difference:.2g}")}
    written = replace(spec, sha256=digest, provenance=provenance, folder=folder)
    write_model_folder(written, folder)
    return written
