"""Bands are guessed from names, wavelengths, colours and count; the guess is said."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from landcover_plugin.core.bands import guess_bands, parse_bands
from landcover_plugin.core.errors import ImageryError, OptionError
from landcover_plugin.core.imagery import SourceBand
from tests.fake_backend import BANDS, fake_spec


@dataclass
class Source:
    bands: tuple[SourceBand, ...]
    name: str = "image.tif"


def source(*bands: dict) -> Source:
    return Source(tuple(SourceBand(number=n, **band) for n, band in enumerate(bands, 1)))


NIR = fake_spec()
RGB = fake_spec(bands=BANDS[:3])


def test_names_win_over_order() -> None:
    found = guess_bands(
        source({"name": "Near infrared"}, {"name": "Red"}, {"name": "Green"}, {"name": "Blue"}), NIR
    )
    assert found.numbers == (2, 3, 4, 1)
    assert found.describe(NIR.bands) == "red 2, green 3, blue 4, near infrared 1 (by band names)"


def test_sentinel_2_names_are_understood_with_band_8_only() -> None:
    ten = [{"name": f"B{n}"} for n in (2, 3, 4, 5, 6, 7, 8)]
    assert guess_bands(source(*ten), NIR).numbers == (3, 2, 1, 7)
    four = [{"name": f"B{n}"} for n in (1, 2, 3, 4)]
    assert guess_bands(source(*four), NIR).numbers == (1, 2, 3, 4)


def test_wavelengths_are_used() -> None:
    bands = [{"wavelength_um": w} for w in (0.49, 0.56, 0.665, 0.705, 0.842)]
    assert guess_bands(source(*bands), NIR).numbers == (3, 2, 1, 5)


def test_naip_with_near_infrared_tagged_alpha() -> None:
    bands = [{"colour": c} for c in ("red", "green", "blue", "alpha")]
    assert guess_bands(source(*bands), NIR).numbers == (1, 2, 3, 4)
    assert guess_bands(source(*bands), RGB).numbers == (1, 2, 3)


def test_no_information_means_the_usual_order() -> None:
    assert guess_bands(source({}, {}, {}, {}), NIR).numbers == (1, 2, 3, 4)
    assert guess_bands(source({"colour": "gray"}, {}, {}, {}, {}), RGB).numbers == (1, 2, 3)


@pytest.mark.parametrize(("count", "words"), [(1, "1 band"), (3, "3 bands")])
def test_too_few_bands_are_counted_and_named(count: int, words: str) -> None:
    with pytest.raises(ImageryError, match=f"image.tif has {words} but model 'fake' needs 4 .*near infrared"):
        guess_bands(source(*[{}] * count), NIR)


def test_a_palette_image_is_refused_with_what_to_do() -> None:
    with pytest.raises(ImageryError, match="palette image.*gdal_translate -expand rgb"):
        guess_bands(source({"colour": "palette"}), RGB)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1,2", "must name 4 bands"),
        ("a,b,c,d", "must be numbers"),
        ("1,2,3,9", "has no band 9"),
        ("0,1,2,3", "no band 0"),
    ],
)
def test_wrong_bands_say_why(text: str, fault: str) -> None:
    with pytest.raises(OptionError, match=fault):
        parse_bands(text, source({}, {}, {}, {}), NIR)


def test_given_bands_are_taken_as_they_are() -> None:
    assert parse_bands("4 1, 2;3", source({}, {}, {}, {}), NIR).numbers == (4, 1, 2, 3)
