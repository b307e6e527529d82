"""The Processing provider *Land cover*."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..translation import tr
from .class_areas import ClassAreasAlgorithm
from .classify import ClassifyAlgorithm
from .icons import icon
from .import_model import ImportModelAlgorithm
from .model_info import ModelInfoAlgorithm


class LandcoverProvider(QgsProcessingProvider):
    """Offers the algorithms of this plugin; QGIS owns it."""

    def id(self) -> str:
        """First part of the algorithms' names."""
        return "landcover"

    def name(self) -> str:
        """What the Toolbox shows."""
        return tr("Land cover")

    def longName(self) -> str:
        """What the provider's settings show."""
        return tr("Land cover from imagery")

    def icon(self) -> QIcon:
        """The plugin's own picture."""
        return icon()

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        """Maps are GeoTIFFs."""
        return ["tif", "tiff"]

    def defaultRasterFileExtension(self) -> str:
        """Maps are GeoTIFFs."""
        return "tif"

    def loadAlgorithms(self) -> None:
        """Called by QGIS when it wants them."""
        for algorithm in (ClassifyAlgorithm, ClassAreasAlgorithm, ModelInfoAlgorithm, ImportModelAlgorithm):
            self.addAlgorithm(algorithm())
