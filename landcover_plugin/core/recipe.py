"""How chips are made from one imagery: bands, scaling, NoData, mask, fill, tile and halo.

The recipe is the same in every door, so that all of them predict the same classes; its hash is
part of a job's fingerprint and of cache keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .bands import BandMapping, guess_bands, parse_bands
from .errors import ImageryError
from .grid import Window
from .imagery import ImagerySource, SourceBand
from .model import Fill, ModelSpec

_SAMPLES_A_SIDE = 8
_SAMPLE_PX = 64
_INTEGER_TOPS = (255, 1023, 2047, 4095, 10000, 16383, 32767, 65535)
_FLOAT_TOPS = (1.0, 255.0, 10000.0, 65535.0)


@dataclass(frozen=True)
class Recipe:
    """How a chip is made; equal recipes over equal imagery give equal chips.

    Args:
        bands: band numbers in the model's order.
        dtype: of the chip.
        scaling: imagery values that become 0 and 255, or None where values go in as they are.
        nodata: declared NoData value of each band, None where it has none. A pixel is missing
            where *all* its bands hold theirs, or any is NaN.
        alpha: number of the band that masks the others, or None.
        use_mask: whether the raster's own mask counts.
        fill: what a chip holds where there is no imagery.
        tile: side of the predicted square.
        halo: imagery around it.
        overviews: whether coarser levels are read from the source's overviews.
    """

    bands: tuple[int, ...]
    dtype: str
    scaling: tuple[float, float] | None
    nodata: tuple[float | None, ...]
    alpha: int | None
    use_mask: bool
    fill: Fill
    tile: int
    halo: int
    overviews: bool = False

    @property
    def hash(self) -> str:
        """Short hex digest of everything in the recipe."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def chip(self) -> int:
        """Side of a chip in pixels."""
        return self.tile + 2 * self.halo


@dataclass(frozen=True)
class RecipeChoice:
    """A recipe and, for people, what was guessed to make it."""

    recipe: Recipe
    mapping: BandMapping
    notes: tuple[str, ...]


def choose_recipe(
    source: ImagerySource,
    spec: ModelSpec,
    *,
    bands: str = "",
    scaling: tuple[float, float] | None = None,
    overviews: bool = False,
) -> RecipeChoice:
    """The recipe for an imagery and a model.

    Args:
        source: the imagery; 64 blocks of it are sampled where it is not 8 bit or has a band tagged
            alpha, none otherwise (a tile service would answer with 64 tiles of the world).
        spec: the model.
        bands: numbers such as ``1,2,3,4``; guessed where empty.
        scaling: imagery values that become 0 and 255; guessed for imagery that is not 8 bit.
        overviews: read coarser levels from the source's overviews.

    Raises:
        ImageryError: the imagery does not fit the model.
        OptionError: the bands given do not fit.
    """
    mapping = parse_bands(bands, source, spec) if bands.strip() else guess_bands(source, spec)
    notes: list[str] = []
    alpha = _alpha_band(source, mapping.numbers)
    scaling, note = _scaling(source, spec, mapping.numbers, scaling)
    notes += [note] if note else []
    tagged_alpha = any(b.colour == "alpha" for b in source.bands)
    recipe = Recipe(
        bands=mapping.numbers,
        dtype=spec.dtype,
        scaling=scaling,
        nodata=tuple(source.bands[n - 1].nodata for n in mapping.numbers),
        alpha=alpha,
        # GDAL derives a mask from any band tagged alpha, near infrared too: the rule above decides
        use_mask=source.has_mask and not tagged_alpha,
        fill=spec.fill,
        tile=spec.tile,
        halo=spec.halo,
        overviews=overviews,
    )
    return RecipeChoice(recipe, mapping, tuple(notes))


def sample(source: ImagerySource, bands: tuple[int, ...]) -> npt.NDArray[Any]:
    """``(band, n)`` pixels from an even 8 × 8 set of small blocks over the whole raster."""
    return np.concatenate(list(_samples(source, bands)), axis=1)


def _samples(source: ImagerySource, bands: tuple[int, ...]) -> Iterator[npt.NDArray[Any]]:
    """The blocks of :func:`sample`, read one by one."""
    for row in _sample_starts(source.height):
        for col in _sample_starts(source.width):
            window = Window(row, col, min(_SAMPLE_PX, source.height), min(_SAMPLE_PX, source.width))
            yield source.read(window, bands).reshape(len(bands), -1)


def _sample_starts(length: int) -> list[int]:
    room = max(0, length - _SAMPLE_PX)
    return sorted({room * i // (_SAMPLES_A_SIDE - 1) for i in range(_SAMPLES_A_SIDE)})


def _alpha_band(source: ImagerySource, used: tuple[int, ...]) -> int | None:
    """The band that is a mask: tagged alpha, and only 0 and its maximum in the samples."""
    for band in source.bands:
        if band.colour == "alpha":
            is_mask = _is_mask(source, band)
            if is_mask and band.number in used:
                raise ImageryError(f"Band {band.number} of {source.name} is a transparency mask, not near infrared; "
                                   "choose a model for red, green and blue, or name the bands.")  # fmt: skip
            return band.number if is_mask else None
    return None


def _is_mask(source: ImagerySource, band: SourceBand) -> bool:
    """Whether a band has at most two values in the samples, of 0 and its maximum; imagery shows early."""
    top = np.iinfo(band.dtype).max if np.issubdtype(np.dtype(band.dtype), np.integer) else 1.0
    found: set[float] = set()
    for pixels in _samples(source, (band.number,)):
        found.update(np.unique(pixels).tolist())
        if len(found) > 2 or not found <= {0, top, 255}:
            return False
    return True


def _scaling(
    source: ImagerySource,
    spec: ModelSpec,
    numbers: tuple[int, ...],
    given: tuple[float, float] | None,
) -> tuple[tuple[float, float] | None, str]:
    """Values that become 0 and 255, and a sentence where they were guessed."""
    dtypes = {source.bands[n - 1].dtype for n in numbers}
    if given is not None:
        low, high = given
        if not low < high:
            raise ImageryError(f"The value range {low:g} to {high:g} is empty; give the lower value first.")
        return (float(low), float(high)), ""
    if dtypes == {spec.dtype}:
        return None, ""
    if spec.dtype != "uint8":
        raise ImageryError(f"{source.name} holds {', '.join(sorted(dtypes))} but model '{spec.name}' reads {spec.dtype}; "
                           "convert it with gdal_translate -ot first.")  # fmt: skip
    samples = sample(source, numbers)
    top = float(np.nanmax(np.where(np.isfinite(samples), samples, 0))) if samples.size else 0.0
    ladder = _FLOAT_TOPS if any(d.startswith("float") for d in dtypes) else _INTEGER_TOPS
    high = float(next((t for t in ladder if top <= t * 1.0001), ladder[-1]))
    note = (f"{source.name} holds {', '.join(sorted(dtypes))}: values 0 to {high:g} were taken as dark to bright; "
            "give the value range if that is wrong.")  # fmt: skip
    return (0.0, high), note
