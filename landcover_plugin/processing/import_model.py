"""``landcover:importmodel``: a model folder from a model file of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from ..core.errors import OptionError
from ..translation import tr
from .algorithm import LandcoverAlgorithm, Words
from .reporting import FeedbackReporter


class ImportModelAlgorithm(LandcoverAlgorithm):
    """Imports a model."""

    NAME = "importmodel"

    def words(self) -> Words:
        """What it says of itself."""
        return Words(
            title=tr("Import a model"),
            short=tr("Makes a model of this plugin from an ONNX, Esri .emd or CNTK file."),
            help=tr(
                "Makes a model of this plugin from a file of another program: ONNX (with the keys that "
                "the Deepness plugin writes, or without any), Esri model definitions (.emd) that name an "
                "ONNX or CNTK file, and CNTK 2 files such as the land cover model of 2018.\n\n"
                "The model is checked and put into the models folder, where every algorithm finds it by "
                "its name. Nothing in a model file is executed but its network."
            ),
            tags=tr("land cover,model,neural network,ONNX,Deepness,Esri,emd,CNTK,Chesapeake"),
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """The parameters."""
        self.offer(
            QgsProcessingParameterFile("INPUT", tr("Model file")),
            tr("An ONNX file, an Esri model definition (.emd) or a CNTK 2 model."),
        )
        self.offer(
            QgsProcessingParameterString("NAME", tr("Name of the model"), optional=True),
            tr("Letters, digits, dots, - and _. Left empty, the file's name."),
        )
        self.offer(
            QgsProcessingParameterString("OVERRIDES", tr("Corrections"), optional=True, multiLine=True),
            tr(
                "What the file does not say or says wrongly, one KEY=VALUE a line, such as "
                "pixel_size_m=0.5 or title=Coastal land cover."
            ),
            advanced=True,
        )
        self.offer(
            QgsProcessingParameterNumber(
                "WINDOW", tr("Window of the network (pixels)"), optional=True, minValue=1
            ),
            tr(
                "Side of the picture that the network gets at once, for models whose result depends on it; "
                "256 gives the land cover model of 2018 the window of its authors."
            ),
            advanced=True,
        )
        self.offer(
            QgsProcessingParameterFolderDestination(
                "OUTPUT", tr("Model folder"), optional=True, createByDefault=False
            ),
            tr("Where to put the model; a folder of its name among the installed models where left empty."),
            advanced=True,
        )
        self.addOutput(QgsProcessingOutputString("MODEL", tr("Model, as other algorithms take it")))
