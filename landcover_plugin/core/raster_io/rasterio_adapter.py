"""Rasters through rasterio."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.features
import rasterio.shutil
import rasterio.warp
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.windows import Window as RioWindow

from ..errors import ImageryError, NoCrsError, OptionError, OutputError
from ..grid import Extent, Window
from ..imagery import Geotransform, SourceBand
from .fingerprint import file_fingerprint, public_name, short_reason
from .pam import read_classes
from .protocol import BLOCK, DEFLATE_LEVEL, Polygon, RasterLayout
from .wavelength import wavelength_um

_FAULTS = (RasterioError, CPLE_BaseError, OSError, ValueError, MemoryError)


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except _FAULTS as e:
        raise ImageryError(f"{name} cannot be read ({short_reason(e)}); check that the file is whole.") from e


@contextlib.contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except _FAULTS as e:
        raise OutputError(
            f"{path} cannot be written ({short_reason(e)}); check free space and permissions."
        ) from e


class RasterioSource:
    """A raster file as imagery."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.name = public_name(path)
        if "://" not in path and not path.startswith("/vsi") and not os.path.exists(path):
            raise ImageryError(f"{path} does not exist; check the path.")
        try:
            self._dataset = rasterio.open(path)
        except _FAULTS as e:
            raise ImageryError(f"{self.name} is not a raster that can be opened ({short_reason(e)}); "
                               "check the file.") from e  # fmt: skip
        dataset = self._dataset
        if dataset.count == 0:
            dataset.close()
            raise ImageryError(
                f"{self.name} holds no raster bands of its own; choose one of its subdatasets."
            )
        self.width, self.height = dataset.width, dataset.height
        self.geotransform: Geotransform = tuple(dataset.transform.to_gdal())
        self.crs_wkt: str | None = dataset.crs.to_wkt() if dataset.crs else None
        self.bands = tuple(_band(dataset, n) for n in dataset.indexes)
        self.has_mask = any(flags == [MaskFlags.per_dataset] for flags in dataset.mask_flag_enums)
        self.fingerprint = file_fingerprint(path, dataset.files, self.geotransform)

    def read(self, window: Window, bands: Sequence[int]) -> npt.NDArray[Any]:
        """Pixels ``(band, row, col)`` of a window inside the raster."""
        with _reading(self.name):
            values: npt.NDArray[Any] = self._dataset.read(list(bands), window=_rio(window))
        return values

    def read_decimated(self, window: Window, bands: Sequence[int], level: int) -> npt.NDArray[Any]:
        """A window at 1 / 2**level of its size, from overviews where there are some."""
        shape = (len(bands), -(-window.height >> level), -(-window.width >> level))
        with _reading(self.name):
            values: npt.NDArray[Any] = self._dataset.read(
                list(bands), window=_rio(window), out_shape=shape, resampling=Resampling.average
            )
        return values

    def read_mask(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """The raster's own mask, True where valid."""
        if not self.has_mask:
            return None
        with _reading(self.name):
            mask: npt.NDArray[np.bool_] = self._dataset.read_masks(1, window=_rio(window)) > 0
        return mask

    def reopen(self) -> RasterioSource:
        """The same file for another thread."""
        return RasterioSource(self._path)

    def close(self) -> None:
        """Close the file."""
        self._dataset.close()


def _band(dataset: Any, number: int) -> SourceBand:
    tags = {k.lower(): v for k, v in dataset.tags(number).items()}
    tags.update({k.lower(): v for k, v in dataset.tags(number, ns="IMAGERY").items()})
    return SourceBand(
        number=number,
        name=dataset.descriptions[number - 1] or "",
        dtype=dataset.dtypes[number - 1],
        nodata=dataset.nodatavals[number - 1],
        colour=dataset.colorinterp[number - 1].name.lower(),
        wavelength_um=wavelength_um(tags),
    )


def _rio(window: Window) -> RioWindow:
    return RioWindow(window.col, window.row, window.width, window.height)


class RasterioWriter:
    """A GeoTIFF being written."""

    def __init__(self, layout: RasterLayout) -> None:
        self._path = layout.path
        with _writing(layout.path):
            self._dataset = rasterio.open(layout.path, "w", **_profile(layout))
            self._dataset.descriptions = layout.band_names
            if layout.palette is not None:
                self._dataset.write_colormap(
                    1, {i: tuple(int(v) for v in c) for i, c in enumerate(layout.palette)}
                )
            if layout.scale is not None:
                self._dataset.scales = [layout.scale] * len(layout.band_names)
            self._dataset.update_tags(**layout.tags)

    def write(self, window: Window, values: npt.NDArray[Any]) -> None:
        """Set ``(band, row, col)`` into a window."""
        with _writing(self._path):
            self._dataset.write(values, window=_rio(window))

    def close(self) -> None:
        """Write what is left."""
        with _writing(self._path):
            self._dataset.close()


def _profile(layout: RasterLayout) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "width": layout.width,
        "height": layout.height,
        "count": len(layout.band_names),
        "dtype": layout.dtype,
        "crs": CRS.from_wkt(layout.crs_wkt) if layout.crs_wkt else None,
        "transform": Affine.from_gdal(*layout.geotransform),
        "nodata": layout.nodata,
        "photometric": "palette" if layout.palette is not None else "minisblack",
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "zlevel": DEFLATE_LEVEL,
        "interleave": "band",
        "bigtiff": "if_safer",
    }


class RasterioIo:
    """Rasters through rasterio."""

    name = "rasterio"

    def open(self, path: str) -> RasterioSource:
        """A raster as imagery."""
        return RasterioSource(path)

    def create(self, layout: RasterLayout) -> RasterioWriter:
        """A new GeoTIFF."""
        return RasterioWriter(layout)

    def build_overviews(self, path: str, factors: Sequence[int], resampling: str) -> None:
        """Add overviews inside a GeoTIFF."""
        with (
            _writing(path),
            rasterio.Env(ZLEVEL_OVERVIEW=str(DEFLATE_LEVEL)),
            rasterio.open(path, "r+") as dataset,
        ):
            dataset.build_overviews(list(factors), Resampling[resampling])

    def write_cog(self, path: str, cog_path: str) -> None:
        """Copy a GeoTIFF with its overviews into a cloud optimised one."""
        with _writing(cog_path):
            rasterio.shutil.copy(
                path, cog_path, driver="COG", COMPRESS="DEFLATE", OVERVIEWS="AUTO", BLOCKSIZE=str(BLOCK)
            )

    def to_lonlat(
        self, crs_wkt: str, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Longitudes and latitudes of points in a CRS."""
        try:
            lon, lat = rasterio.warp.transform(
                CRS.from_wkt(crs_wkt), CRS.from_epsg(4326), x.ravel(), y.ravel()
            )
        except _FAULTS as e:
            raise NoCrsError(f"The CRS cannot be related to the earth ({short_reason(e)}).") from e
        return np.array(lon).reshape(x.shape), np.array(lat).reshape(y.shape)

    def read_polygons(self, path: str, crs_wkt: str | None) -> list[Polygon]:
        """The polygons of a vector file, brought into a CRS."""
        try:
            import geopandas
        except ImportError as e:
            raise OptionError("Reading zones needs geopandas; run: pip install geopandas pyogrio.") from e
        try:
            frame = geopandas.read_file(path)
            if crs_wkt and frame.crs is not None:
                frame = frame.to_crs(crs_wkt)
        except Exception as e:  # pyogrio, fiona and pyproj each have their own
            raise ImageryError(f"{public_name(path)} cannot be read as polygons ({short_reason(e)}).") from e
        frame = frame[frame.geometry.notna() & frame.geom_type.isin(("Polygon", "MultiPolygon"))]
        if frame.empty:
            raise ImageryError(f"{public_name(path)} holds no polygons; choose a polygon layer.")
        names = _zone_names(frame)
        return [
            Polygon(name, geometry.wkb, Extent(*geometry.bounds))
            for name, geometry in zip(names, frame.geometry)
        ]

    def rasterise(
        self, polygons: Sequence[Polygon], geotransform: Geotransform, height: int, width: int
    ) -> npt.NDArray[np.bool_]:
        """True where a pixel's centre lies in any of the polygons."""
        import shapely

        shapes = [(shapely.from_wkb(p.wkb), 1) for p in polygons]
        if not shapes:
            return np.zeros((height, width), np.bool_)
        burnt: npt.NDArray[np.bool_] = (
            rasterio.features.rasterize(
                shapes, out_shape=(height, width), transform=Affine.from_gdal(*geotransform), dtype="uint8"
            )
            > 0
        )
        return burnt

    def classes_of(self, path: str) -> dict[int, tuple[str, str]]:
        """Names and colours of a class raster."""
        with _reading(public_name(path)), rasterio.open(path) as dataset:
            has_palette = dataset.colorinterp[0] == ColorInterp.palette
            palette = dataset.colormap(1) if has_palette else {}
        return read_classes(path, palette)


def _zone_names(frame: Any) -> list[str]:
    for column in ("name", "Name", "NAME", "id", "fid"):
        if column in frame.columns:
            return [str(v) for v in frame[column]]
    return [str(n) for n in range(1, len(frame) + 1)]


ADAPTER = RasterioIo()
