"""Rasters through osgeo.gdal, which QGIS brings along.

``gdal.UseExceptions`` is a switch of the whole process, so it is left as it is: calls are made so
that they fail alike whether GDAL raises or returns None.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from osgeo import gdal, gdal_array, ogr, osr

from ..errors import ImageryError, LandcoverError, NoCrsError, OutputError
from ..grid import Extent, Window
from ..imagery import Geotransform, SourceBand
from .fingerprint import file_fingerprint, file_states, public_name, short_reason
from .pam import read_classes
from .protocol import BLOCK, DEFLATE_LEVEL, Polygon, RasterLayout
from .wavelength import wavelength_um

_T = TypeVar("_T")
_LOST = 1e6


@contextlib.contextmanager
def _faults(fault: Callable[[str], LandcoverError]) -> Iterator[list[str]]:
    """Collect GDAL's complaints of this thread; raise ``fault`` with the first that is an error."""
    said: list[str] = []

    def listen(kind: int, _number: int, text: str) -> None:
        if kind >= gdal.CE_Failure:
            said.append(text)

    gdal.PushErrorHandler(listen)
    try:
        yield said
    except (RuntimeError, OSError, ValueError, MemoryError, AttributeError, TypeError) as e:
        raise fault(said[0] if said else short_reason(e)) from e
    finally:
        gdal.PopErrorHandler()
    if said:
        raise fault(said[0])


def _reading(name: str) -> Callable[[str], LandcoverError]:
    def fault(text: str) -> LandcoverError:
        reason = short_reason(Exception(text))
        return ImageryError(f"{name} cannot be read ({reason}); check that the file is whole.")

    return fault


def _writing(path: str) -> Callable[[str], LandcoverError]:
    def fault(text: str) -> LandcoverError:
        reason = short_reason(Exception(text))
        return OutputError(f"{path} cannot be written ({reason}); check free space and permissions.")

    return fault


def _given(value: _T | None) -> _T:
    """What GDAL returned; None stands for a fault that it has already described."""
    if value is None:
        raise RuntimeError("GDAL gave nothing")
    return value


class GdalSource:
    """A raster file as imagery."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.name = public_name(path)
        if "://" not in path and not path.startswith("/vsi") and not os.path.exists(path):
            raise ImageryError(f"{path} does not exist; check the path.")
        with _faults(self._not_a_raster):
            dataset = _given(gdal.OpenEx(path, gdal.OF_RASTER))
        if dataset.RasterCount == 0:
            raise ImageryError(
                f"{self.name} holds no raster bands of its own; choose one of its subdatasets."
            )
        self._dataset: Any = dataset
        self.width, self.height = dataset.RasterXSize, dataset.RasterYSize
        self.geotransform: Geotransform = tuple(dataset.GetGeoTransform())
        reference = dataset.GetSpatialRef()
        self.crs_wkt: str | None = reference.ExportToWkt() if reference else None
        self.bands = tuple(_band(dataset.GetRasterBand(n + 1), n + 1) for n in range(dataset.RasterCount))
        flags = {dataset.GetRasterBand(n + 1).GetMaskFlags() for n in range(dataset.RasterCount)}
        self.has_mask = gdal.GMF_PER_DATASET in flags
        files = dataset.GetFileList() or []
        self.fingerprint = file_fingerprint(path, files, self.geotransform)
        self.files = file_states([path, *files])

    def _not_a_raster(self, text: str) -> LandcoverError:
        reason = short_reason(Exception(text))
        return ImageryError(f"{self.name} is not a raster that can be opened ({reason}); check the file.")

    def read(self, window: Window, bands: Sequence[int]) -> npt.NDArray[Any]:
        """Pixels ``(band, row, col)`` of a window inside the raster."""
        return self._read(window, bands, window.height, window.width, gdal.GRIORA_NearestNeighbour)

    def read_decimated(self, window: Window, bands: Sequence[int], level: int) -> npt.NDArray[Any]:
        """A window at 1 / 2**level of its size, from overviews where there are some."""
        height, width = -(-window.height >> level), -(-window.width >> level)
        return self._read(window, bands, height, width, gdal.GRIORA_Average)

    def _read(
        self, window: Window, bands: Sequence[int], height: int, width: int, resampling: int
    ) -> npt.NDArray[Any]:
        values = np.empty((len(bands), height, width), self.bands[bands[0] - 1].dtype)
        with _faults(_reading(self.name)):
            for out, number in zip(values, bands):
                _given(
                    self._dataset.GetRasterBand(number).ReadAsArray(
                        window.col,
                        window.row,
                        window.width,
                        window.height,
                        buf_obj=out,
                        resample_alg=resampling,
                    )
                )
        return values

    def read_mask(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """The raster's own mask, True where valid."""
        if not self.has_mask:
            return None
        with _faults(_reading(self.name)):
            mask = _given(
                self._dataset.GetRasterBand(1)
                .GetMaskBand()
                .ReadAsArray(window.col, window.row, window.width, window.height)
            )
        valid: npt.NDArray[np.bool_] = mask > 0
        return valid

    def reopen(self) -> GdalSource:
        """The same file for another thread."""
        return GdalSource(self._path)

    def close(self) -> None:
        """Close the file."""
        self._dataset = None


def _band(band: Any, number: int) -> SourceBand:
    tags = {k.lower(): v for k, v in (band.GetMetadata() or {}).items()}
    tags.update({k.lower(): v for k, v in (band.GetMetadata("IMAGERY") or {}).items()})
    dtype = gdal_array.GDALTypeCodeToNumericTypeCode(band.DataType)
    return SourceBand(
        number=number,
        name=band.GetDescription() or "",
        dtype=np.dtype(dtype).name,
        nodata=band.GetNoDataValue(),
        colour=gdal.GetColorInterpretationName(band.GetColorInterpretation()).lower(),
        wavelength_um=wavelength_um(tags),
    )


class GdalWriter:
    """A GeoTIFF being written."""

    def __init__(self, layout: RasterLayout) -> None:
        self._path = layout.path
        with _faults(_writing(layout.path)):
            self._dataset: Any = _given(_create(layout))

    def write(self, window: Window, values: npt.NDArray[Any]) -> None:
        """Set ``(band, row, col)`` into a window."""
        with _faults(_writing(self._path)):
            for n, band in enumerate(values):
                self._dataset.GetRasterBand(n + 1).WriteArray(
                    np.ascontiguousarray(band), window.col, window.row
                )

    def close(self) -> None:
        """Write what is left."""
        with _faults(_writing(self._path)):
            if self._dataset is not None:
                self._dataset.FlushCache()
                self._dataset = None


def _create(layout: RasterLayout) -> Any:
    photometric = "PALETTE" if layout.palette is not None else "MINISBLACK"
    options = ["TILED=YES", f"BLOCKXSIZE={BLOCK}", f"BLOCKYSIZE={BLOCK}", "COMPRESS=DEFLATE", f"ZLEVEL={DEFLATE_LEVEL}",
               "INTERLEAVE=BAND", "BIGTIFF=IF_SAFER", f"PHOTOMETRIC={photometric}"]  # fmt: skip
    kind = gdal_array.NumericTypeCodeToGDALTypeCode(np.dtype(layout.dtype))
    driver = gdal.GetDriverByName("GTiff")
    dataset = driver.Create(layout.path, layout.width, layout.height, len(layout.band_names), kind, options)
    if dataset is None:
        return None
    dataset.SetGeoTransform(list(layout.geotransform))
    if layout.crs_wkt:
        dataset.SetProjection(layout.crs_wkt)
    dataset.SetMetadata(dict(layout.tags))
    for n, name in enumerate(layout.band_names):
        band = dataset.GetRasterBand(n + 1)
        band.SetDescription(name)
        band.SetNoDataValue(layout.nodata)
        if layout.scale is not None:
            band.SetScale(layout.scale)
    if layout.palette is not None:
        colours = gdal.ColorTable()
        for value, colour in enumerate(layout.palette):
            colours.SetColorEntry(value, tuple(int(v) for v in colour))
        dataset.GetRasterBand(1).SetColorTable(colours)
    return dataset


class GdalIo:
    """Rasters through osgeo.gdal."""

    name = "gdal"

    def open(self, path: str) -> GdalSource:
        """A raster as imagery."""
        return GdalSource(path)

    def create(self, layout: RasterLayout) -> GdalWriter:
        """A new GeoTIFF."""
        return GdalWriter(layout)

    def build_overviews(self, path: str, factors: Sequence[int], resampling: str) -> None:
        """Add overviews inside a GeoTIFF."""
        with _faults(_writing(path)), _setting("ZLEVEL_OVERVIEW", str(DEFLATE_LEVEL)):
            dataset = _given(gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_UPDATE))
            dataset.BuildOverviews(resampling.upper(), list(factors))
            dataset.FlushCache()
            del dataset

    def write_cog(self, path: str, cog_path: str) -> None:
        """Copy a GeoTIFF with its overviews into a cloud optimised one."""
        with _faults(_writing(cog_path)):
            source = _given(gdal.OpenEx(path, gdal.OF_RASTER))
            options = ["COMPRESS=DEFLATE", "OVERVIEWS=AUTO", f"BLOCKSIZE={BLOCK}"]
            copy = _given(gdal.GetDriverByName("COG").CreateCopy(cog_path, source, 0, options))
            copy.FlushCache()
            del copy, source

    def to_lonlat(
        self, crs_wkt: str, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Longitudes and latitudes of points in a CRS."""

        def fault(text: str) -> LandcoverError:
            return NoCrsError(f"The CRS cannot be related to the earth ({short_reason(Exception(text))}).")

        with _faults(fault):
            transform = osr.CoordinateTransformation(_reference(crs_wkt), _reference("EPSG:4326"))
            points = np.array(transform.TransformPoints(np.column_stack([x.ravel(), y.ravel()]).tolist()))
        lonlat = np.where(np.abs(points[:, :2]) > _LOST, np.inf, points[:, :2])
        return lonlat[:, 0].reshape(x.shape), lonlat[:, 1].reshape(y.shape)

    def read_polygons(self, path: str, crs_wkt: str | None) -> list[Polygon]:
        """The polygons of a vector file, brought into a CRS."""

        def fault(text: str) -> LandcoverError:
            reason = short_reason(Exception(text))
            return ImageryError(f"{public_name(path)} cannot be read as polygons ({reason}).")

        with _faults(fault):
            dataset = _given(gdal.OpenEx(path, gdal.OF_VECTOR))
            polygons = _polygons(dataset.GetLayer(0), crs_wkt)
        if not polygons:
            raise ImageryError(f"{public_name(path)} holds no polygons; choose a polygon layer.")
        return polygons

    def rasterise(
        self, polygons: Sequence[Polygon], geotransform: Geotransform, height: int, width: int
    ) -> npt.NDArray[np.bool_]:
        """True where a pixel's centre lies in any of the polygons."""
        with _faults(_reading("the polygon layer")):
            raster = gdal.GetDriverByName("MEM").Create("", width, height, 1, gdal.GDT_Byte)
            raster.SetGeoTransform(list(geotransform))
            vector = ogr.GetDriverByName("Memory").CreateDataSource("")
            layer = vector.CreateLayer("polygons")
            for polygon in polygons:
                feature = ogr.Feature(layer.GetLayerDefn())
                feature.SetGeometry(ogr.CreateGeometryFromWkb(polygon.wkb))
                layer.CreateFeature(feature)
            gdal.RasterizeLayer(raster, [1], layer, burn_values=[1])
            burnt: npt.NDArray[np.bool_] = _given(raster.ReadAsArray()) > 0
        return burnt

    def classes_of(self, path: str) -> dict[int, tuple[str, str]]:
        """Names and colours of a class raster."""
        with _faults(_reading(public_name(path))):
            dataset = _given(gdal.OpenEx(path, gdal.OF_RASTER))
            table = dataset.GetRasterBand(1).GetColorTable()
            palette = {i: table.GetColorEntry(i) for i in range(table.GetCount())} if table else {}
        return read_classes(path, palette)


@contextlib.contextmanager
def _setting(key: str, value: str) -> Iterator[None]:
    """A GDAL setting of this thread, for a while."""
    before = gdal.GetThreadLocalConfigOption(key)
    gdal.SetThreadLocalConfigOption(key, value)
    try:
        yield
    finally:
        gdal.SetThreadLocalConfigOption(key, before)


def _reference(definition: str) -> Any:
    reference = osr.SpatialReference()
    reference.SetFromUserInput(definition)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def _polygons(layer: Any, crs_wkt: str | None) -> list[Polygon]:
    transform = None
    if crs_wkt and layer.GetSpatialRef() is not None:
        here = layer.GetSpatialRef().Clone()
        here.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        transform = osr.CoordinateTransformation(here, _reference(crs_wkt))
    fields = [
        layer.GetLayerDefn().GetFieldDefn(i).GetName() for i in range(layer.GetLayerDefn().GetFieldCount())
    ]
    column = next((f for f in ("name", "Name", "NAME", "id") if f in fields), None)
    polygons = []
    for feature in layer:
        geometry = feature.GetGeometryRef()
        if geometry is None or ogr.GT_Flatten(geometry.GetGeometryType()) not in (
            ogr.wkbPolygon,
            ogr.wkbMultiPolygon,
        ):
            continue
        geometry = geometry.Clone()
        if transform is not None:
            geometry.Transform(transform)
        name = feature.GetFieldAsString(column) if column else str(feature.GetFID())
        xmin, xmax, ymin, ymax = geometry.GetEnvelope()
        polygons.append(Polygon(name, bytes(geometry.ExportToWkb()), Extent(xmin, ymin, xmax, ymax)))
    return polygons


ADAPTER = GdalIo()
