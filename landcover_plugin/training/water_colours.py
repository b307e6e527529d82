"""Water of other colours: harbours, canals and ponds that the chips do not show.

The water of the chips is blue, black or grey. Without near infrared a network that saw no other takes a
dark green harbour for a meadow.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .chips import SOFT_STEP

WATER = 0
"""Channel of the class."""
_LEAST_SHARE = 0.03
_SURE = 0.75
Floats = npt.NDArray[np.float32]


def sure_water(share: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where shares of water, 0 to 254, leave little doubt."""
    found: npt.NDArray[np.bool_] = share >= _SURE * 254
    return found


def chips_with_water(soft: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Positions of chips of which some part is surely water.

    Args:
        soft: ``(N, class, 128, 128)`` shares, 0 to 254.
    """
    found: npt.NDArray[np.int64] = np.flatnonzero(sure_water(soft[:, WATER]).mean((1, 2)) >= _LEAST_SHARE)
    return found


def recoloured(
    image: npt.NDArray[np.uint8], share: npt.NDArray[np.uint8], seed: int
) -> npt.NDArray[np.uint8]:
    """A chip whose water has another colour, with its own waves and edges.

    Args:
        image: ``(band, 256, 256)``, red, green, blue first; further bands stay as they are.
        share: ``(128, 128)`` share of water, 0 to 254.
        seed: chooses the colour.

    Returns:
        The same shape.
    """
    rng = np.random.default_rng(seed)
    weight = np.clip((share.astype(np.float32) / 254 - 0.4) / 0.4, 0, 1)
    weight = weight.repeat(SOFT_STEP, 0).repeat(SOFT_STEP, 1)
    colours = image[:3].astype(np.float32)
    mean = (colours * weight).sum((1, 2)) / max(float(weight.sum()), 1.0)
    waves = rng.uniform(0.5, 1.2) * (colours - mean[:, None, None])
    changed = image.copy()
    other = _colour(rng)[:, None, None] + waves
    changed[:3] = np.rint(np.clip(weight * other + (1 - weight) * colours, 0, 255))
    return changed


def _colour(rng: np.random.Generator) -> Floats:
    """Dark green, green with algae, brown, or pale."""
    kind = rng.integers(4)
    if kind == 0:
        green = rng.uniform(20, 75)
        found = (green * rng.uniform(0.4, 0.85), green, green * rng.uniform(0.55, 0.95))
    elif kind == 1:
        green = rng.uniform(50, 105)
        found = (green * rng.uniform(0.55, 0.9), green, green * rng.uniform(0.45, 0.8))
    elif kind == 2:
        red = rng.uniform(60, 150)
        found = (red, red * rng.uniform(0.85, 1.0), red * rng.uniform(0.55, 0.85))
    else:
        blue = rng.uniform(90, 180)
        found = (blue * rng.uniform(0.75, 1.0), blue * rng.uniform(0.9, 1.02), blue)
    return np.array(found, np.float32)
