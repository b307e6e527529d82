"""Which bands of a raster a model gets: one guess, the same in every door."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import ImageryError, OptionError
from .imagery import ImagerySource, SourceBand
from .model import Band, ModelSpec

_WORDS = {
    "nir": re.compile(r"\b(nir|nir08|near[ _-]?infra[ _-]?red|infra[ _-]?red|b0?8)\b", re.I),
    "red": re.compile(r"\b(red|b0?4)\b", re.I),
    "green": re.compile(r"\b(green|b0?3)\b", re.I),
    "blue": re.compile(r"\b(blue|b0?2)\b", re.I),
}
_RANGES_UM = {"blue": (0.42, 0.52), "green": (0.52, 0.60), "red": (0.60, 0.70), "nir": (0.75, 1.0)}
_TITLES = {"red": "red", "green": "green", "blue": "blue", "nir": "near infrared"}
_PLAIN_ORDER = ("red", "green", "blue", "nir")


@dataclass(frozen=True)
class BandMapping:
    """Bands of a raster for the channels of a model.

    Args:
        numbers: band numbers, 1 for the first, in the model's order.
        reason: how they were found, for people.
    """

    numbers: tuple[int, ...]
    reason: str

    def describe(self, wanted: Sequence[Band]) -> str:
        """Such as ``red 1, green 2, blue 3, near infrared 4 (by colour interpretation)``."""
        pairs = ", ".join(f"{title(b)} {n}" for b, n in zip(wanted, self.numbers))
        return f"{pairs} ({self.reason})"


def title(band: Band) -> str:
    """A band's name as a map user says it."""
    return _TITLES.get(band.common_name or "", band.name)


def parse_bands(text: str, source: ImagerySource, spec: ModelSpec) -> BandMapping:
    """The mapping that a user wrote, such as ``4,1,2``.

    Raises:
        OptionError: not numbers, too few or too many, or bands the raster does not have.
    """
    try:
        numbers = tuple(int(part) for part in re.split(r"[\s,;]+", text.strip()))
    except ValueError as e:
        raise OptionError(f"Bands '{text}' must be numbers such as 1,2,3,4.") from e
    if len(numbers) != len(spec.bands):
        wanted = ", ".join(title(b) for b in spec.bands)
        raise OptionError(
            f"Bands '{text}' must name {len(spec.bands)} bands for model '{spec.name}': {wanted}."
        )
    count = len(source.bands)
    beyond = [n for n in numbers if not 1 <= n <= count]
    if beyond:
        raise OptionError(
            f"{source.name} has no band {beyond[0]} (it has {count}); correct the bands '{text}'."
        )
    return BandMapping(numbers, "as given")


def guess_bands(source: ImagerySource, spec: ModelSpec) -> BandMapping:
    """The bands a model most likely means, from names, wavelengths, colours and count.

    Raises:
        ImageryError: a palette image, too few bands, or a band that cannot be told.
    """
    if any(b.colour == "palette" for b in source.bands):
        raise ImageryError(f"{source.name} is a palette image whose values are colour numbers, not brightness; "
                           "expand it first with gdal_translate -expand rgb.")  # fmt: skip
    wanted = [b.common_name or b.name for b in spec.bands]
    if len(source.bands) < len(wanted):
        raise _too_few(source, spec)
    for reason, found in _readings(source.bands):
        if all(name in found for name in wanted):
            numbers = tuple(found[name] for name in wanted)
            if len(set(numbers)) == len(numbers):
                return BandMapping(numbers, reason)
    if not set(wanted) <= set(_PLAIN_ORDER):
        if len(source.bands) == len(wanted):
            return BandMapping(tuple(b.number for b in source.bands), "in the order of the file")
        names = ", ".join(title(b) for b in spec.bands)
        raise ImageryError(f"{source.name} does not say which of its {len(source.bands)} bands are {names}; "
                           "name their numbers with the bands option.")  # fmt: skip
    raise _too_few(source, spec)


def _too_few(source: ImagerySource, spec: ModelSpec) -> ImageryError:
    names = ", ".join(title(b) for b in spec.bands)
    count = len(source.bands)
    has = "1 band" if count == 1 else f"{count} bands"
    return ImageryError(f"{source.name} has {has} but model '{spec.name}' needs {len(spec.bands)} ({names}); "
                        "choose a model that fits, or name the bands.")  # fmt: skip


def _readings(bands: Sequence[SourceBand]) -> list[tuple[str, dict[str, int]]]:
    """Ways to read the bands, the most trustworthy first."""
    by_name = _by_name(bands)
    by_colour = _by_colour(bands)
    return [
        ("by band names", by_name),
        ("by wavelength", _by_wavelength(bands)),
        ("by colour interpretation", by_colour),
        ("by colour interpretation, the fourth taken for near infrared", _with_fourth(bands, by_colour)),
        ("by the usual order", _by_order(bands)),
    ]


def _by_name(bands: Sequence[SourceBand]) -> dict[str, int]:
    found: dict[str, int] = {}
    for colour, words in _WORDS.items():
        for band in bands:
            if words.search(band.name.replace("_", " ")) and colour not in found:
                found[colour] = band.number
    # "B2, B3, B4" means blue, green, red only in imagery that has a B8 too (Sentinel-2's names)
    numbered = any(re.search(r"\bb0?\d\b", b.name, re.I) for b in bands)
    return {} if numbered and not any(re.search(r"\bb0?8\b", b.name, re.I) for b in bands) else found


def _by_wavelength(bands: Sequence[SourceBand]) -> dict[str, int]:
    found: dict[str, int] = {}
    for colour, (low, high) in _RANGES_UM.items():
        inside = [b for b in bands if b.wavelength_um is not None and low <= b.wavelength_um < high]
        if inside:
            middle = (low + high) / 2
            found[colour] = min(inside, key=lambda b: abs((b.wavelength_um or 0) - middle)).number
    return found


def _by_colour(bands: Sequence[SourceBand]) -> dict[str, int]:
    found: dict[str, int] = {}
    for band in bands:
        if band.colour in _PLAIN_ORDER:
            found.setdefault(band.colour, band.number)
    return found


def _with_fourth(bands: Sequence[SourceBand], by_colour: dict[str, int]) -> dict[str, int]:
    left = [b.number for b in bands if b.number not in by_colour.values()]
    if {"red", "green", "blue"} <= set(by_colour) and left:
        return {**by_colour, "nir": left[0]}
    return {}


def _by_order(bands: Sequence[SourceBand]) -> dict[str, int]:
    plain = [b for b in bands if b.colour in ("undefined", "gray", *_PLAIN_ORDER, "alpha")]
    return {colour: band.number for colour, band in zip(_PLAIN_ORDER, plain)} if len(plain) >= 3 else {}
