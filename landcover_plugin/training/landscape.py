"""A small made-up landscape as aerial imagery with its exact land cover, at two dates.

``python -m landcover_plugin.training.landscape FOLDER`` writes it. It stands for real imagery where
none may be shipped: in the demo, in tests whose areas and classes must be known, in pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from .landscape_covers import CROWNS, LOOKS, SHADE, TREE, Cover
from .landscape_scene import Scene
from .landscape_shapes import Floats, box_blur, smooth_noise

SIZE = 1024
SEED = 1
CRS = "EPSG:26918"
TOP_LEFT = (392_000.0, 4_312_000.0)
BANDS = ("Red", "Green", "Blue", "NIR")
CLASSES = {
    1: ("Water", "#3c7fb1"),
    2: ("Tree and shrub", "#2d6a3e"),
    3: ("Low vegetation", "#a3cc6a"),
    4: ("Barren", "#c9a66b"),
    5: ("Impervious", "#8c8c8c"),
}
"""Name and colour of each class of the truth."""

_SUN = (0.5, 0.87)
"""Towards the sun, x and y (down): south south-east, 52° high."""
_SUN_SLOPE = 1.28


@dataclass(frozen=True)
class Landscape:
    """Paths of the scene's GeoTIFFs: four bands uint8 and classes uint8, of two dates."""

    image: str
    truth: str
    image_second_date: str
    truth_second_date: str


def generate(folder: str | Path, size: int = SIZE, seed: int = SEED) -> Landscape:
    """Write the landscape of both dates.

    Between the dates houses and streets are built on fields, a wood is partly felled (soil is left)
    and some fields bear another crop, which changes their look but not their class.

    Args:
        folder: made where it is not there.
        size: rows and columns, which are metres; 256 or more has a bit of everything.
        seed: another one gives another landscape of the same kind.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, second_date in (("landscape", False), ("landscape-second-date", True)):
        image, truth = compose(size, seed, second_date)
        _write(folder / f"{name}.tif", image)
        _write(folder / f"{name}-truth.tif", truth[None])
        paths += [str(folder / f"{name}.tif"), str(folder / f"{name}-truth.tif")]
    return Landscape(*paths)


def compose(
    size: int = SIZE, seed: int = SEED, second_date: bool = False
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The landscape as arrays: imagery ``(4, row, col)`` red, green, blue, near infrared; truth ``(row, col)``."""
    scene = Scene(size, seed, second_date)
    light = _light(scene)
    leaves = _leaf_shading(scene)
    image = np.empty((4, size, size), np.uint8)
    # Texture that all bands share; each has some of its own besides.
    shared = _grain(scene, 50)
    patches = scene.noise(51, 70, 4)
    kinds = _Kinds(scene)
    for band in range(4):
        shine = leaves * (SHADE[band] + (1 - SHADE[band]) * light)
        coarse = _shrink(kinds.look(band, patches) * shine, scene.canvas.scale)
        coarse = 0.55 * coarse + 0.45 * box_blur(coarse)
        coarse += _shrink(kinds.texture * shine, scene.canvas.scale) * (
            0.85 * shared + 0.5 * _grain(scene, 60 + band)
        )
        coarse += scene.random(80 + band).standard_normal(coarse.shape).astype(np.float32)
        image[band] = np.clip(np.rint(coarse), 1, 255).astype(np.uint8)
    return image, _truth(scene)


def _grain(scene: Scene, feature: int) -> Floats:
    return smooth_noise(scene.random(feature), scene.canvas.size, 3.2, 2, 0.9)


class _Kinds:
    """What is seen at each place, covers and crowns in one numbering, and how it looks in full sun."""

    def __init__(self, scene: Scene) -> None:
        self._tone = scene.tone
        self._looks = [*(LOOKS[cover] for cover in Cover), *CROWNS]
        index = np.where(scene.crown >= 0, len(Cover) + scene.crown, scene.cover).astype(np.uint8)
        self._index = index
        self.texture: Floats = self._of([look.texture for look in self._looks])
        self._spread: Floats = self._of([look.spread for look in self._looks])
        self._is_grass: Floats = self._of(
            [look in map(LOOKS.get, (Cover.MEADOW, Cover.PASTURE, Cover.LAWN)) for look in self._looks]
        )
        self._patchy: Floats = self._spread * (scene.crown < 0) * np.float32(0.5)
        rows = np.sin(scene.across * np.float32(2 * np.pi / 3.4)) * np.float32(3.2)
        self._rows: Floats = rows * ((index == Cover.CROP) | (index == Cover.SOIL))
        self._wheels: Floats = ((index == Cover.CROP) & (np.mod(scene.across, 26) < 0.9)).astype(np.float32)

    def _of(self, values: Sequence[float]) -> Floats:
        return np.take(np.asarray(values, np.float32), self._index)

    def look(self, band: int, patches: Floats) -> Floats:
        """Digital numbers of one band, without light, shade and texture."""
        fine = self._of([look.mean[band] for look in self._looks])
        fine += self._spread * self._tone + self._patchy * patches + self._rows
        # Grass is drier here and there: patches of it look a little like hay.
        dry = 0.22 * (LOOKS[Cover.HAY].mean[band] - LOOKS[Cover.PASTURE].mean[band])
        fine += self._is_grass * patches * np.float32(dry)
        fine += self._wheels * np.float32(-22 if band == 3 else 11)
        return fine


def _light(scene: Scene) -> Floats:
    """1 in the sun, 0 in the shadow of something higher, between at a shadow's edge."""
    high, scale = scene.height, scene.canvas.scale
    shaded = np.zeros(high.shape, np.bool_)
    for step in range(1, int(high.max() / _SUN_SLOPE * scale) + 2):
        down, right = round(step * _SUN[1]), round(step * _SUN[0])
        drop = np.float32(step / scale * _SUN_SLOPE + 0.4)
        shaded[: high.shape[0] - down, : high.shape[1] - right] |= (
            high[down:, right:] - drop > high[: high.shape[0] - down, : high.shape[1] - right]
        )
    return 1 - box_blur(shaded.astype(np.float32), 2)


def _leaf_shading(scene: Scene) -> Floats:
    """How bright a crown's side is against its mean: by how it is turned to the sun."""
    high = box_blur(scene.height)
    down, right = np.gradient(high)
    facing = -(right * _SUN[0] + down * _SUN[1]) * scene.canvas.scale
    shading = 1.04 + 0.13 * np.clip(facing, -3, 2.2)
    return np.where(scene.crown >= 0, np.clip(shading, 0.55, 1.35), 1).astype(np.float32)


def _shrink(fine: Floats, scale: int) -> Floats:
    size = fine.shape[0] // scale
    return np.asarray(fine.reshape(size, scale, size, scale).mean((1, 3)), np.float32)


def _truth(scene: Scene) -> npt.NDArray[np.uint8]:
    """The class that has most of each pixel; of equals the lower id."""
    by_cover = np.array([LOOKS[cover].class_id for cover in Cover], np.uint8)
    fine = np.where(scene.crown >= 0, np.uint8(TREE), by_cover[scene.cover])
    shares = [_shrink((fine == c).astype(np.float32), scene.canvas.scale) for c in CLASSES]
    return np.asarray(np.argmax(np.stack(shares), axis=0) + 1, np.uint8)


def _write(path: Path, bands: npt.NDArray[np.uint8]) -> None:
    count, height, width = bands.shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": count, "height": height, "width": width, "crs": CRS,
               "transform": from_origin(*TOP_LEFT, 1, 1), "compress": "deflate", "predictor": 2 if count > 1 else 1,
               "tiled": True, "blockxsize": 256, "blockysize": 256}  # fmt: skip
    if count > 1:
        profile |= {"photometric": "RGB", "alpha": "unspecified", "interleave": "pixel"}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(bands)
        if count == 1:
            dataset.write_colormap(
                1, {k: tuple(bytes.fromhex(colour[1:])) for k, (_, colour) in CLASSES.items()}
            )
            return
        dataset.descriptions = BANDS
        dataset.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined]


def main() -> None:
    """Write the landscape into the folder that is named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m landcover_plugin.training.landscape FOLDER")
    for path in vars(generate(sys.argv[1])).values():
        print(path)


if __name__ == "__main__":
    main()
