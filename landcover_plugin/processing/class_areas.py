"""``landcover:classareas``: what a map covers, class by class and zone by zone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSink,
    QgsField,
    QgsFields,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QMetaType, QVariant

from ..core.errors import ImageryError, OutputError
from ..qgis_imagery.layers import raster_path
from ..translation import tr
from .algorithm import LandcoverAlgorithm, Words
from .polygons import polygons_of
from .reporting import FeedbackReporter
from .styling import name_result

if TYPE_CHECKING:
    from ..core.areas import ClassArea
    from ..core.raster_io import Polygon

_FIELDS_OF_META_TYPES = 33800
if Qgis.QGIS_VERSION_INT >= _FIELDS_OF_META_TYPES:
    _KIND, _TEXT = QMetaType.Type, QMetaType.Type.QString
else:
    _KIND, _TEXT = QVariant.Type, QVariant.Type.String
_COLUMNS = (
    ("zone", _TEXT),
    ("class", _KIND.Int),
    ("name", _TEXT),
    ("pixels", _KIND.LongLong),
    ("area_m2", _KIND.Double),
    ("share", _KIND.Double),
)


class ClassAreasAlgorithm(LandcoverAlgorithm):
    """Tells the area of each class of a map, on the ellipsoid."""

    NAME = "classareas"

    def __init__(self) -> None:
        super().__init__()
        self._path = ""
        self._name = ""
        self._crs = QgsCoordinateReferenceSystem()

    def words(self) -> Words:
        """What it says of itself."""
        return Words(
            title=tr("Area of each class"),
            short=tr("Tells how much ground each class of a land cover map covers."),
            help=tr(
                "Tells how much ground each class of a land cover map covers, for the whole map or for each "
                "polygon of a layer.\n\n"
                "Areas are measured on the ellipsoid, so they are right in every CRS, Web Mercator and "
                "longitude and latitude included. A pixel counts where its centre lies in a zone; pixels "
                "without imagery do not count. Zones may overlap."
            ),
            tags=tr("land cover,area,statistics,zonal,histogram,hectares"),
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """The parameters."""
        self.offer(
            QgsProcessingParameterRasterLayer("INPUT", tr("Land cover map")),
            tr("A raster of class numbers, such as Classify land cover makes."),
        )
        self.offer(
            QgsProcessingParameterFeatureSource(
                "ZONES", tr("Zones"), [QgsProcessing.SourceType.TypeVectorPolygon], optional=True
            ),
            tr("Polygons; areas are given for each. Left empty, for the whole map."),
        )
        self.offer(
            QgsProcessingParameterField("ZONE_NAME", tr("Name of the zones"), "", "ZONES", optional=True),
            tr("The field that names the zones; their ids where left empty."),
        )
        self.offer(
            QgsProcessingParameterFeatureSink(
                "OUTPUT_TABLE", tr("Areas"), QgsProcessing.SourceType.TypeVector, optional=True
            ),
            tr("A table with one row for each zone and class: pixels, square metres, share of the zone."),
        )
        self.offer(
            QgsProcessingParameterFileDestination(
                "OUTPUT_HTML", tr("Report"), tr("HTML files (*.html)"), optional=True
            ),
            tr("The same as a page with bars."),
        )

    def prepare_run(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Take what is needed from the layer."""
        layer = self.parameterAsRasterLayer(parameters, "INPUT", context)
        if layer is None:
            raise ImageryError(self.invalidRasterError(parameters, "INPUT"))
        if layer.providerType() != "gdal":
            raise ImageryError(
                tr("{} is not a raster file; export it to a GeoTIFF first.").format(layer.name())
            )
        self._path, self._name, self._crs = raster_path(layer), layer.name(), layer.crs()

    def run_prepared(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Count, and write what is wanted."""
        from ..core.areas import areas_html, areas_text, class_areas
        from ..core.raster_io import raster_io

        reporter = FeedbackReporter(feedback)
        zones = self._zones(parameters, context)

        def go_on(share: float) -> bool:
            feedback.setProgress(100 * share)
            return not feedback.isCanceled()

        table = class_areas(raster_io(), self._path, zones, go_on)
        reporter.table(areas_text(table))
        results: dict[str, Any] = {}
        sink = self._write_table(parameters, context, table)
        if sink:
            results["OUTPUT_TABLE"] = sink
        page = self.parameterAsFileOutput(parameters, "OUTPUT_HTML", context)
        if page:
            _write_text(Path(page), areas_html(table, self._name))
            results["OUTPUT_HTML"] = page
        return results

    def _zones(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Sequence[Polygon]:
        source = self.parameterAsSource(parameters, "ZONES", context)
        if source is None:
            return ()
        field = self.parameterAsString(parameters, "ZONE_NAME", context)
        return polygons_of(source, self._crs, context, field)

    def _write_table(
        self, parameters: dict[str, Any], context: QgsProcessingContext, table: Sequence[ClassArea]
    ) -> str:
        fields = QgsFields()
        for name, kind in _COLUMNS:
            fields.append(QgsField(name, kind))
        sink, where = self.parameterAsSink(
            parameters, "OUTPUT_TABLE", context, fields, QgsWkbTypes.Type.NoGeometry
        )
        if sink is None:
            return ""
        for row in table:
            feature = QgsFeature(fields)
            feature.setAttributes([row.zone, row.value, row.name, row.pixels, row.area_m2, row.share])
            if not sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
                raise OutputError(tr("{} cannot be written; choose another place.").format(where))
        name_result(context, where, tr("{} areas").format(self._name))
        return str(where)


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as e:
        raise OutputError(
            tr("{} cannot be written ({}); choose another folder.").format(path, e.strerror)
        ) from e
