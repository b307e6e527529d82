"""Other sensors, seasons and compressions, made from the imagery that there is.

All amounts were chosen between two failures seen in trials: varied too little, the model loses the
imagery of another date; varied too much, it learns too slowly to be good anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Radiometry:
    """How far crops are moved away from the imagery they were cut from.

    Args:
        band_gain: ± change of each band by itself.
        common_gain: ± change of all bands together (natural logarithm).
        offset: ± imagery values added to all bands.
        gamma: ± exponent (natural logarithm).
        infrared_gain: ± further change of the near infrared (natural logarithm).
        style: share of crops that take the band means and spreads of another crop.
        style_most: largest strength of that, 0 to 1.
        extreme: share of crops made very dark, very bright, very flat or hazy.
        saturation: share of crops whose colours are made greyer or stronger.
        cast: ± imagery values added to each band by itself.
        dormant: share of crops whose vegetation is browned as in the cold or dry season.
        blur: share of crops that are softened.
        noise: share of crops with noise.
        jpeg: share of crops that are compressed and restored.
        without_infrared: share of crops whose near infrared is missing (0).
    """

    band_gain: float = 0.08
    common_gain: float = 0.2
    offset: float = 10.0
    gamma: float = 0.2
    infrared_gain: float = 0.15
    style: float = 0.4
    style_most: float = 0.6
    extreme: float = 0.06
    dormant: float = 0.08
    blur: float = 0.2
    noise: float = 0.2
    jpeg: float = 0.1
    without_infrared: float = 0.0
    saturation: float = 0.15
    cast: float = 0.0


NONE = Radiometry(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def varied(images: Tensor, radiometry: Radiometry, seed: tuple[int, ...]) -> Tensor:
    """The crops as another sensor, season or file might show them.

    Args:
        images: ``(N, band, H, W)`` float32, 0 to 255; red, green, blue first, near infrared fourth.
        radiometry: how far to go.
        seed: the same seed gives the same change.

    Returns:
        The same shape, rounded to whole imagery values as uint8 imagery has them.
    """
    rng = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    chosen = _Chosen(rng, len(images))
    x = images
    x = _dormant(x, radiometry, chosen) if radiometry.dormant else x
    x = _saturated(x, radiometry, chosen) if radiometry.saturation else x
    x = _restyled(x, radiometry, chosen) if radiometry.style else x
    x = _toned(x, radiometry, chosen)
    x = _blurred(x, radiometry, chosen) if radiometry.blur else x
    x = _noisy(x, radiometry, chosen) if radiometry.noise else x
    x = _compressed(x.clamp(0, 255), radiometry, chosen) if radiometry.jpeg else x
    x = x.clamp(0, 255).round()
    if radiometry.without_infrared and x.shape[1] > 3:
        gone = chosen.some(radiometry.without_infrared)
        x[:, 3] = torch.where(gone[:, None, None], torch.zeros(()), x[:, 3])
    return x


class _Chosen:
    """Random choices for each crop of a batch."""

    def __init__(self, rng: torch.Generator, count: int) -> None:
        self.rng, self.count = rng, count

    def some(self, share: float) -> Tensor:
        return torch.rand(self.count, generator=self.rng) < share

    def between(self, low: float, high: float, columns: int = 1) -> Tensor:
        return low + (high - low) * torch.rand((self.count, columns, 1, 1), generator=self.rng)


def _toned(x: Tensor, radiometry: Radiometry, chosen: _Chosen) -> Tensor:
    """Exposure: gain, offset and gamma, and a few crops that are very dark, bright, flat or hazy."""
    bands = x.shape[1]
    gamma = chosen.between(-radiometry.gamma, radiometry.gamma).exp()
    common = chosen.between(-radiometry.common_gain, radiometry.common_gain)
    wild = chosen.some(radiometry.extreme)[:, None, None, None]
    common = torch.where(wild, chosen.between(-0.9, 0.6), common)
    gain = common.exp() * (1 + chosen.between(-radiometry.band_gain, radiometry.band_gain, bands))
    if bands > 3:
        infrared = chosen.between(-radiometry.infrared_gain, radiometry.infrared_gain).exp()
        gain = torch.cat([gain[:, :3], gain[:, 3:] * infrared], 1)
    flat = torch.where(wild, chosen.between(0.35, 1.1), torch.ones(()))
    offset = chosen.between(-radiometry.offset, radiometry.offset)
    # haze lifts what it flattens
    offset = torch.where(wild & (flat < 0.8), chosen.between(-10, 60), offset)
    x = 255 * (x.clamp(0, 255) / 255 + 1e-4).pow(gamma)
    if radiometry.cast:
        offset = offset + chosen.between(-radiometry.cast, radiometry.cast, bands)
    return (x - 110) * flat * gain + 110 * gain + offset


def _restyled(x: Tensor, radiometry: Radiometry, chosen: _Chosen) -> Tensor:
    """Band means and spreads moved towards those of another crop of the batch."""
    mean, spread = x.mean((2, 3), keepdim=True), x.std((2, 3), keepdim=True) + 4
    other = torch.randperm(len(x), generator=chosen.rng)
    strength = chosen.between(0, radiometry.style_most)
    strength = strength * chosen.some(radiometry.style)[:, None, None, None]
    new_mean = mean + strength * (mean[other] - mean)
    # a flat crop stretched to a busy one's contrast would be noise, so the change of spread is bounded
    ratio = (spread[other] / spread).clamp(0.6, 1.6)
    return (x - mean) * ratio.pow(strength) + new_mean


def _dormant(x: Tensor, radiometry: Radiometry, chosen: _Chosen) -> Tensor:
    """Vegetation browned: red up, green and near infrared down, by how green a pixel is."""
    picked = chosen.some(radiometry.dormant).nonzero()[:, 0]
    if not len(picked):
        return x
    part = x[picked]
    red, green, blue = part[:, 0:1], part[:, 1:2], part[:, 2:3]
    if x.shape[1] > 3:
        infrared = part[:, 3:4]
        greenness = (infrared - red) / (infrared + red + 1)
    else:
        greenness = 4 * (2 * green - red - blue) / (red + green + blue + 1)
    vegetation = (3 * greenness).clamp(0, 1) * chosen.between(0.3, 1.0)[picked]
    tint = chosen.between(0.15, 0.55)[picked]
    changed = [red * (1 + vegetation * tint), green * (1 - 0.08 * vegetation), blue * (1 + 0.1 * vegetation)]
    if x.shape[1] > 3:
        changed.append(part[:, 3:4] * (1 - vegetation * chosen.between(0.1, 0.4)[picked]))
    return _replaced(x, picked, torch.cat(changed, 1))


def _saturated(x: Tensor, radiometry: Radiometry, chosen: _Chosen) -> Tensor:
    """Visible bands towards their mean, as in haze and old film, or away from it."""
    picked = chosen.some(radiometry.saturation).nonzero()[:, 0]
    colour = x[picked, :3]
    grey = colour.mean(1, keepdim=True)
    changed = grey + chosen.between(0.15, 1.4)[picked] * (colour - grey)
    return _replaced(x, picked, torch.cat([changed, x[picked, 3:]], 1))


def _blurred(x: Tensor, radiometry: Radiometry, chosen: _Chosen) -> Tensor:
    picked = chosen.some(radiometry.blur).nonzero()[:, 0]
    part = x[picked]
    soft = functional.avg_pool2d(functional.pad(part, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    # beyond 0 the softened crop is mixed in, below 0 the crop is sharpened
    strength = chosen.between(-0.7, 1.0)[picked]
    return _replaced(x, picked, part + strength * (soft - part))


def _noisy(x: Tensor, radiometry: Radiometry, chosen: _Chosen) -> Tensor:
    picked = chosen.some(radiometry.noise).nonzero()[:, 0]
    part = x[picked]
    spread = chosen.between(0, 6)[picked]
    return _replaced(x, picked, part + spread * torch.randn(part.shape, generator=chosen.rng))


def _replaced(x: Tensor, picked: Tensor, part: Tensor) -> Tensor:
    result = x.clone()
    result[picked] = part
    return result


def _compressed(x: Tensor, radiometry: Radiometry, chosen: _Chosen) -> Tensor:
    """What JPEG leaves of 8 × 8 pixel blocks: coarse steps for fine detail, coarser for colour."""
    picked = chosen.some(radiometry.jpeg).nonzero()[:, 0]
    if not len(picked) or x.shape[2] % 8 or x.shape[3] % 8:
        return x
    dct = _dct_matrix()
    part = x[picked]
    grey = part[:, :3].mean(1, keepdim=True)
    planes = torch.cat([grey, part - grey], 1)
    n, c, h, w = planes.shape
    blocks = planes.reshape(n, c, h // 8, 8, w // 8, 8).transpose(3, 4)
    spectrum = dct @ blocks @ dct.T
    step = torch.arange(8).float()
    steps = 3 + 2.2 * (step[:, None] + step[None, :])
    scale = chosen.between(0.6, 4.0)[picked][..., None, None]
    colour = torch.tensor([1.0] + [1.8] * (c - 1)).reshape(1, c, 1, 1, 1, 1)
    steps = steps * scale * colour
    blocks = dct.T @ ((spectrum / steps).round() * steps) @ dct
    planes = blocks.transpose(3, 4).reshape(n, c, h, w)
    return _replaced(x, picked, planes[:, 1:] + planes[:, :1])


def _dct_matrix() -> Tensor:
    k, i = torch.arange(8).float()[:, None], torch.arange(8).float()[None, :]
    matrix = torch.cos(math.pi * (2 * i + 1) * k / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix
