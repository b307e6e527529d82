"""``landcover:classify``: a land cover map from imagery."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRange,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsRasterLayer,
)

from ..core.errors import ImageryError, OptionError
from ..qgis_imagery import LayerImagery, request_count
from ..translation import tr
from .algorithm import LandcoverAlgorithm, Words
from .model_choice import chosen_model, model_parameter
from .polygons import polygons_of
from .reporting import FeedbackReporter
from .styling import MapStyler, name_result

if TYPE_CHECKING:
    from ..core.grid import Extent
    from ..core.imagery import ImagerySource
    from ..core.model import ModelSpec


class ClassifyAlgorithm(LandcoverAlgorithm):
    """Maps the land cover of a raster layer."""

    NAME = "classify"

    def __init__(self) -> None:
        super().__init__()
        self._imagery: LayerImagery | None = None

    def words(self) -> Words:
        """What it says of itself."""
        return Words(
            title=tr("Classify land cover"),
            short=tr("Makes a land cover map from aerial or satellite imagery with a neural network."),
            help=tr(
                "Makes a land cover map from aerial or satellite imagery with a neural network.\n\n"
                "Choose the imagery and press Run: a model that fits its bands is chosen, the bands are "
                "found by their names, wavelengths or colours, and the map is loaded with its legend. "
                "The log says what was chosen and ends with the area of each class.\n\n"
                "The map has the pixels of the imagery where their size on the ground suits the model, "
                "else pixels 2, 4 or 8 times as large. Pixels without imagery hold 255.\n\n"
                "A job that is cancelled or breaks off goes on where it stopped when it is run again "
                "with the same output file."
            ),
            tags=tr(
                "land cover,land use,classification,segmentation,deep learning,neural network,aerial,NAIP"
            ),
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """The parameters."""
        for parameter, explanation, advanced in (*_inputs(), *_outputs(), *_advanced()):
            self.offer(parameter, explanation, advanced=advanced)

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """Find out before the run what can be found out without reading pixels."""
        from ..core.bands import guess_bands, parse_bands
        from ..core.imagery import grid_of

        layer = self.parameterAsRasterLayer(parameters, "INPUT", context)
        if layer is None:
            return
        imagery = LayerImagery(layer)
        spec = self._spec(parameters, context, imagery)
        self._scaling(parameters, context)
        extent = self._extent(parameters, context, imagery)
        source = imagery.open(spec.pixel_size_m.best, extent)
        try:
            grid_of(source, spec.tile)
            if imagery.is_service:
                self._requests(parameters, context, source, extent, spec)
            bands = self.parameterAsString(parameters, "BANDS", context)
            _ = parse_bands(bands, source, spec) if bands.strip() else guess_bands(source, spec)
        finally:
            source.close()

    def prepare_run(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Take what is needed from the layer."""
        layer = self.parameterAsRasterLayer(parameters, "INPUT", context)
        if layer is None:
            raise _unreadable(parameters.get("INPUT"))
        self._imagery = LayerImagery(layer)

    def run_prepared(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Open imagery, model and backend, and have the core make the map."""
        from ..backend_settings import backend_url
        from ..core.backends import open_backend
        from ..core.classify import classify
        from ..core.raster_io import raster_io

        imagery = self._imagery
        if imagery is None:
            raise ImageryError(tr("The imagery is missing; choose a layer."))
        reporter = FeedbackReporter(feedback, pump=imagery.is_service)
        spec = self._spec(parameters, context, imagery)
        reporter.info(tr("Model: {}").format(f"{spec.title} ({spec.name} {spec.version})"))
        paths = self._paths(parameters, context)
        options = self._options(parameters, context, imagery, paths)
        source = imagery.open(spec.pixel_size_m.best, options.extent, reporter.is_cancelled)
        try:
            if imagery.is_service:
                count = self._requests(parameters, context, source, options.extent, spec)
                reporter.info(
                    tr("{} will be asked for about {} pictures.").format(imagery.name, f"{count:,}")
                )
            asked = self.parameterAsString(parameters, "BACKEND", context)
            backend = open_backend(backend_url(asked), spec)
            try:
                reporter.info(tr("Runs on: {}").format(backend.description))
                result = classify(
                    source, spec, backend, Path(paths["OUTPUT"]), options, io=raster_io(), reporter=reporter
                )
            finally:
                backend.close()
        finally:
            source.close()
        made = {"OUTPUT": result.path, **{kind.upper(): path for kind, path in result.others.items()}}
        self._name_results(context, imagery.name, spec, paths, made)
        _report_areas(str(result.path), reporter)
        return {key: str(path) for key, path in made.items()}

    # -- from parameters to the core's arguments ---------------------------------------------------

    def _spec(
        self, parameters: dict[str, Any], context: QgsProcessingContext, imagery: LayerImagery
    ) -> ModelSpec:
        return chosen_model(self.parameterAsString(parameters, "MODEL", context), imagery.band_count)

    def _paths(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, str]:
        """Destinations by parameter; only those that are wanted."""
        paths = {
            key: self.parameterAsOutputLayer(parameters, key, context)
            for key in ("OUTPUT", "PROBABILITIES", "CONFIDENCE")
        }
        if not paths["OUTPUT"]:
            raise OptionError(tr("The map has no place to go; give the output a file name."))
        return {key: path for key, path in paths.items() if path}

    def _options(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        imagery: LayerImagery,
        paths: dict[str, str],
    ) -> Any:
        from ..core.classify import ClassifyOptions

        mask = self.parameterAsSource(parameters, "MASK", context)
        pixel_size = self.parameterAsDouble(parameters, "PIXEL_SIZE", context)
        return ClassifyOptions(
            bands=self.parameterAsString(parameters, "BANDS", context),
            scaling=self._scaling(parameters, context),
            extent=self._extent(parameters, context, imagery),
            pixel_size_m=pixel_size if pixel_size > 0 else None,
            mask=tuple(polygons_of(mask, imagery.crs, context)) if mask is not None else (),
            probabilities=Path(paths["PROBABILITIES"]) if "PROBABILITIES" in paths else None,
            probability_dtype=self.parameterAsEnumString(parameters, "PROBABILITY_DTYPE", context),
            confidence=Path(paths["CONFIDENCE"]) if "CONFIDENCE" in paths else None,
            cog=self.parameterAsBool(parameters, "COG", context),
            overviews=self.parameterAsBool(parameters, "OVERVIEWS", context),
            restart=self.parameterAsBool(parameters, "RESTART", context),
        )

    def _extent(
        self, parameters: dict[str, Any], context: QgsProcessingContext, imagery: LayerImagery
    ) -> Extent | None:
        from ..core.grid import Extent

        box = self.parameterAsExtent(parameters, "EXTENT", context, imagery.crs)
        if box.isNull():
            return None
        return Extent(box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())

    def _requests(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        source: ImagerySource,
        extent: Extent | None,
        spec: ModelSpec,
    ) -> int:
        """About how many pictures a service will be asked for.

        Raises:
            OptionError: more than the user allows.
        """
        count = request_count(source, extent, spec.halo)
        limit = self.parameterAsInt(parameters, "MAX_REQUESTS", context)
        if count > limit:
            raise OptionError(
                tr("The job would ask {} for about {} pictures but {} are allowed; choose a smaller extent, "
                   "or allow more under Largest number of requests.")
                .format(source.name, f"{count:,}", f"{limit:,}")
            )  # fmt: skip
        return count

    def _scaling(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[float, float] | None:
        if parameters.get("SCALING") in (None, ""):
            return None
        values = self.parameterAsRange(parameters, "SCALING", context)
        unset = [math.isnan(v) for v in values]
        if all(unset):
            return None
        if len(values) != 2 or any(unset):
            raise OptionError(
                tr("The value range needs both ends; give the darkest and the brightest value.")
            )
        low, high = values
        if not low < high:
            raise OptionError(
                tr("The value range {} to {} is empty; give the lower value first.").format(low, high)
            )
        return low, high

    def _name_results(
        self,
        context: QgsProcessingContext,
        name: str,
        spec: ModelSpec,
        paths: dict[str, str],
        made: dict[str, Path],
    ) -> None:
        names = {
            "OUTPUT": tr("{} land cover"),
            "PROBABILITIES": tr("{} class probabilities"),
            "CONFIDENCE": tr("{} confidence"),
        }
        for key, path in paths.items():
            styler = MapStyler(spec.legend) if key == "OUTPUT" else None
            name_result(context, path, names[key].format(name), styler, str(made[key]))


def _unreadable(value: Any) -> ImageryError:
    """Why a value is not a raster layer, as exactly as can be found out."""
    from ..core.raster_io import raster_io

    text = value.source() if isinstance(value, QgsRasterLayer) else str(value or "")
    try:
        raster_io().open(text).close()
    except ImageryError as e:
        return e
    return ImageryError(tr("{} is not a raster layer; choose one.").format(text or tr("The imagery")))


def _report_areas(path: str, reporter: FeedbackReporter) -> None:
    """End the log with the area of each class."""
    from ..core.areas import areas_text, class_areas
    from ..core.errors import NoCrsError
    from ..core.raster_io import raster_io

    try:
        table = class_areas(raster_io(), path, progress=lambda _: not reporter.is_cancelled())
    except NoCrsError as e:
        reporter.warn(str(e))
    else:
        reporter.table(areas_text(table))


# -- the parameters --------------------------------------------------------------------------------

_MAX_REQUESTS = 5000
_Offered = tuple[QgsProcessingParameterDefinition, str, bool]


def _inputs() -> Iterable[_Offered]:
    yield (
        QgsProcessingParameterRasterLayer("INPUT", tr("Imagery")),
        tr("The imagery to classify: a raster file, or a tile or map service (then choose an extent too)."),
        False,
    )
    yield (
        model_parameter(tr("Model"), optional=True),
        tr(
            "The name of an installed model, or the folder of one. Left empty, the model that uses most "
            "of the imagery's bands is taken."
        ),
        False,
    )
    yield (
        QgsProcessingParameterExtent("EXTENT", tr("Extent"), optional=True),
        tr("Only this part of the imagery is classified; all of it where left empty."),
        False,
    )
    yield (
        QgsProcessingParameterFeatureSource(
            "MASK", tr("Only inside polygons of"), [QgsProcessing.SourceType.TypeVectorPolygon], optional=True
        ),
        tr("Pixels whose centre lies in none of these polygons become NoData and are not computed."),
        False,
    )


def _outputs() -> Iterable[_Offered]:
    yield (
        QgsProcessingParameterRasterDestination("OUTPUT", tr("Land cover")),
        tr("The map: a GeoTIFF of class numbers with legend, 255 where there is no imagery."),
        False,
    )
    yield (
        QgsProcessingParameterRasterDestination(
            "PROBABILITIES", tr("Class probabilities"), optional=True, createByDefault=False
        ),
        tr("A GeoTIFF with one band for each class: how probable the network holds it."),
        False,
    )
    yield (
        QgsProcessingParameterRasterDestination(
            "CONFIDENCE", tr("Confidence"), optional=True, createByDefault=False
        ),
        tr("A GeoTIFF with the probability of the class that was chosen, 0 to 254 for 0 to 1."),
        False,
    )


def _advanced() -> Iterable[_Offered]:
    number = QgsProcessingParameterNumber.Type.Double
    yield (
        QgsProcessingParameterString("BANDS", tr("Bands"), optional=True),
        tr(
            "Band numbers in the model's order, such as 4,1,2,3. Left empty, they are found by names, "
            "wavelengths, colours or their usual order; the log says which were taken."
        ),
        True,
    )
    yield (
        QgsProcessingParameterNumber(
            "PIXEL_SIZE", tr("Pixel size on the ground (metres)"), number, optional=True, minValue=0.0
        ),
        tr(
            "How much ground a pixel of the map covers; the nearest of 1, 2, 4 or 8 times the imagery's "
            "pixel is taken. Left empty, what suits the model best."
        ),
        True,
    )
    yield (
        QgsProcessingParameterRange(
            "SCALING", tr("Imagery values for dark and bright"), number, optional=True
        ),
        tr(
            "Imagery that is not 8 bit: values that count as darkest and brightest. Found out where left empty."
        ),
        True,
    )
    yield (
        QgsProcessingParameterEnum(
            "PROBABILITY_DTYPE",
            tr("Class probabilities as"),
            options=["uint8", "float32"],
            defaultValue="uint8",
            usesStaticStrings=True,
        ),
        tr("uint8: 0 to 254 for 0 to 1, small files. float32: 0 to 1, four times as large."),
        True,
    )
    switches = (
        ("COG", tr("Cloud optimised GeoTIFF"), tr("Writes files that web servers can serve in parts.")),
        (
            "OVERVIEWS",
            tr("Read the imagery's own overviews"),
            tr("Faster where pixels are larger than the imagery's, but overviews are often of poor quality."),
        ),
        (
            "RESTART",
            tr("Start over"),
            tr("Do not go on with an unfinished job of the same output file."),
        ),
    )
    for key, title, explanation in switches:
        yield QgsProcessingParameterBoolean(key, title, defaultValue=False), explanation, True
    yield (
        QgsProcessingParameterNumber(
            "MAX_REQUESTS",
            tr("Largest number of requests"),
            QgsProcessingParameterNumber.Type.Integer,
            defaultValue=_MAX_REQUESTS,
            minValue=1,
        ),
        tr(
            "How many pictures of 256 pixels a tile or map service may be asked for. Many public services "
            "forbid mass downloads: read their terms before you allow more."
        ),
        True,
    )
    yield (
        QgsProcessingParameterString("BACKEND", tr("Runs on"), defaultValue="auto", optional=True),
        tr(
            "Where the network runs. auto: as the settings say, which is the fastest way this computer has "
            "unless you changed it. Others: onnxruntime:cpu, worker:, numpy:, or the address of a server such as "
            "http://server:8000."
        ),
        True,
    )
