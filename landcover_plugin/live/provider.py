"""The raster data provider ``landcover``: thin, everything is done by the feed behind it.

Ownership, as QGIS wants it: ``createProvider`` and ``clone`` hand the object to C++. The bindings do
not know that of ``clone``, so it says so itself with ``sip.transferto(c, c)``; without that line
QGIS crashes at the first render. ``block`` runs in threads of QGIS' pool, everything else in the
main thread. Nothing that QGIS passes in (a feedback above all) is kept beyond the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    Qgis,
    QgsColorRampShader,
    QgsCoordinateReferenceSystem,
    QgsRaster,
    QgsRasterBlock,
    QgsRasterDataProvider,
    QgsRasterIdentifyResult,
    QgsRasterInterface,
    QgsRectangle,
)
from qgis.PyQt import sip
from qgis.PyQt.QtGui import QColor

from ..core.errors import ImageryError, OptionError
from ..core.grid import Extent
from ..core.legend import NODATA
from ..translation import tr
from .identify import find, identify_html, identify_text, identify_values, value_names
from .native_exports import note_clone
from .outputs import BLEND, CONFIDENCE
from .threads import is_main_thread

if TYPE_CHECKING:
    from .live_source import LiveSource
    from .looks import Bytes
    from .native_exports import NativeExport

KEY = "landcover"


class LandcoverProvider(QgsRasterDataProvider):
    """One band of classes, of blended colours or of confidence, predicted when it is asked for.

    Args:
        text: the data source.
        source: what it stands for; shared with clones.
    """

    def __init__(self, text: str, source: LiveSource) -> None:
        super().__init__(text)
        self.live = source
        self.export: NativeExport | None = None
        self._is_clone = False
        self._output = source.uri.output
        if source.feed is not None:
            source.feed.users.add(self)

    # -- who owns what ---------------------------------------------------------------------------

    def clone(self) -> LandcoverProvider:
        """Another provider of the same, for a render thread; QGIS deletes it."""
        c = LandcoverProvider(self.dataSourceUri(), self.live)
        c.copyBaseSettings(self)
        c._is_clone = True
        sip.transferto(c, c)  # QGIS deletes c; until then it owns itself
        note_clone(c)
        return c

    # -- what QGIS asks all the time: stored answers ---------------------------------------------

    def isValid(self) -> bool:
        """Whether the imagery could be opened."""
        return self.live.is_valid

    def extent(self) -> QgsRectangle:
        """Of the imagery."""
        return self.live.extent

    def crs(self) -> QgsCoordinateReferenceSystem:
        """Of the imagery."""
        return self.live.crs

    def xSize(self) -> int:
        """Columns of the finest level."""
        return self.live.width

    def ySize(self) -> int:
        """Rows of the finest level."""
        return self.live.height

    def bandCount(self) -> int:
        """One."""
        return 1

    def renderInPreview(self, context: Any) -> bool:
        """No: QGIS would ask for the ground around each view, and threads that draw would wait for it."""
        return False

    def name(self) -> str:
        """The provider's key."""
        return KEY

    def description(self) -> str:
        """For people."""
        return tr("Land cover, predicted live")

    def lastErrorTitle(self) -> str:
        """Of what makes the layer invalid."""
        return tr("Land cover")

    def lastError(self) -> str:
        """What makes the layer invalid or empty."""
        return self.live.problem

    def dataType(self, band_no: int) -> Qgis.DataType:
        """Bytes, or colours for the blend."""
        return Qgis.DataType.ARGB32 if self._output == BLEND else Qgis.DataType.Byte

    def sourceDataType(self, band_no: int) -> Qgis.DataType:
        """As :meth:`dataType`."""
        return self.dataType(band_no)

    def sourceHasNoDataValue(self, band_no: int) -> bool:
        """Colours have none: they are transparent instead."""
        return self._output != BLEND

    def sourceNoDataValue(self, band_no: int) -> float:
        """The map's."""
        return float(NODATA)

    def capabilities(self) -> Any:
        """Identify and size; QGIS 3.40 and later end the process on a plain int.

        Identify is offered as a table only: where QGIS may choose among forms, its panel folds the result
        away behind a list of forms. Who asks for values all the same gets them.
        """
        kinds = QgsRasterInterface
        flags = kinds.Identify | kinds.IdentifyHtml | kinds.Size
        return getattr(Qgis, "RasterInterfaceCapabilities", int)(flags)

    def xBlockSize(self) -> int:
        """Columns of a tile."""
        return self.live.tile

    def yBlockSize(self) -> int:
        """Rows of a tile."""
        return self.live.tile

    def colorInterpretation(self, band_no: int) -> Any:
        """A palette for classes."""
        if self._output == BLEND:
            return QgsRaster.UndefinedColorInterpretation
        return QgsRaster.GrayIndex if self._output == CONFIDENCE else QgsRaster.PaletteIndex

    def colorTable(self, band_no: int) -> list[QgsColorRampShader.ColorRampItem]:
        """Class names and colours."""
        return [
            QgsColorRampShader.ColorRampItem(c.id, QColor(c.colour), c.name)
            for c in (self.live.spec.legend if self.live.spec else ())
        ]

    def generateBandName(self, band_no: int) -> str:
        """Of the band, and of the further values that identify gives."""
        names = value_names(self.live)
        return names[band_no - 1] if 0 < band_no <= len(names) else super().generateBandName(band_no)

    def htmlMetadata(self) -> str:
        """For the layer's properties."""
        return self.live.html()

    # -- pixels ----------------------------------------------------------------------------------

    def block(
        self, band_no: int, extent: QgsRectangle, width: int, height: int, feedback: Any = None
    ) -> QgsRasterBlock:
        """Pixels of an extent. Nothing is raised: QGIS could only die of it."""
        try:
            picture = self._picture(_extent(extent), width, height, feedback)
            return _block(self.dataType(1), width, height, picture)
        except InterruptedError:
            return QgsRasterBlock()
        except Exception as e:  # whatever it is, a render thread of QGIS must not see it
            self._fail(e)
        # not valid, so that who writes a file notices; a canvas shows nothing
        if feedback is not None:
            feedback.appendError(self.live.problem)
        return QgsRasterBlock()

    def _fail(self, error: Exception) -> None:
        """Who writes a file is stopped, who draws a picture is told."""
        if self.export is not None:
            self.export.fail(error)
        else:
            self.live.fail(error)

    def _picture(self, extent: Extent, width: int, height: int, feedback: Any) -> Bytes | None:
        feed, may_wait = self.live.feed, self._may_wait(feedback)
        if feed is None and may_wait:
            raise ImageryError(self.live.problem)
        if feed is None or width < 1 or height < 1:
            return None
        view = feed.view(extent, height, width)
        if view is None and may_wait:
            raise OptionError(tr("This scale is too far out to predict land cover; choose a larger one."))
        if view is None:
            return feed.far(extent, height, width, self._output)
        if not may_wait:
            there = feed.there(view, self._output)
            feed.ask(view, [index for index in view.tiles() if index not in there])
            return feed.paint(view, there, self._output)
        tiles = feed.wait(view, self._output, lambda: feedback is not None and feedback.isCanceled())
        return feed.paint(view, tiles, self._output)

    def _may_wait(self, feedback: Any) -> bool:
        """Whether the caller can wait for predictions: a layout or a writer can, a map window cannot.

        Layouts draw in the main thread and say so by a feedback of their own. Who comes to the main thread
        without one is not to freeze the window (identify, a histogram), unless it has made itself a clone:
        a script that writes a raster.
        """
        if feedback is not None:
            return not (feedback.renderPartialOutput() or feedback.isPreviewOnly())
        return self._is_clone or not is_main_thread()

    def identify(
        self,
        point: Any,
        format: Any,
        bounding_box: Any = None,
        width: int = 0,
        height: int = 0,
        dpi: int = 96,
    ) -> QgsRasterIdentifyResult:
        """Class, confidence and every probability of a point; never waits for a prediction."""
        try:
            finding = find(self.live, point.x(), point.y(), bounding_box, width, height)
        except Exception as e:  # the main thread of QGIS must not see it
            self.live.fail(e)
            finding = None
        if format == QgsRaster.IdentifyFormatValue:
            found: dict[int, Any] = identify_values(finding)
        elif format == QgsRaster.IdentifyFormatHtml:
            found = {1: identify_html(self.live, finding)}
        elif format == QgsRaster.IdentifyFormatText:
            found = {1: identify_text(self.live, finding)}
        else:
            return QgsRasterIdentifyResult()
        return QgsRasterIdentifyResult(format, found)


def _extent(rectangle: QgsRectangle) -> Extent:
    return Extent(rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum())


def _block(kind: Qgis.DataType, width: int, height: int, picture: Bytes | None) -> QgsRasterBlock:
    block = QgsRasterBlock(kind, width, height)
    if picture is None:
        if kind == Qgis.DataType.Byte:
            block.setNoDataValue(NODATA)
            block.setIsNoData()
        else:
            block.setData(bytes(4 * width * height))
        return block
    block.setData(picture.tobytes())
    if kind == Qgis.DataType.Byte:
        block.setNoDataValue(NODATA)
    return block
