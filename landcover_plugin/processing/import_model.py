"""``landcover:importmodel``: a model folder from a model file of another program."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFolder,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
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
            QgsProcessingParameterFile(
                "FOLDER", tr("Folder of models"), QgsProcessingParameterFile.Behavior.Folder, optional=True
            ),
            tr(
                "Where the folder of the model is made. Left empty, among the installed models, where every "
                "algorithm finds it by its name."
            ),
            advanced=True,
        )
        self.addOutput(QgsProcessingOutputFolder("OUTPUT", tr("Folder of the model")))
        self.addOutput(QgsProcessingOutputString("MODEL", tr("Model, as other algorithms take it")))

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """The file must be there, and corrections be KEY=VALUE."""
        _overrides(self.parameterAsString(parameters, "OVERRIDES", context))

    def run_prepared(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Import it, here where this Python can, else in the worker process."""
        from ..core.model import read_model
        from ..core.model_library import user_models_folder
        from ..core.model_text import describe_model

        reporter = FeedbackReporter(feedback)
        source = Path(self.parameterAsFile(parameters, "INPUT", context))
        name = self.parameterAsString(parameters, "NAME", context).strip() or model_name(source.stem)
        given = self.parameterAsFile(parameters, "FOLDER", context)
        folder = (Path(given) if given else user_models_folder()) / name
        window = self.parameterAsInt(parameters, "WINDOW", context) or None
        overrides = _overrides(self.parameterAsString(parameters, "OVERRIDES", context))
        for assumed in _import(source, folder, window, overrides):
            reporter.warn(assumed)
        spec = read_model(folder)
        reporter.table(describe_model(spec))
        return {"OUTPUT": str(folder), "MODEL": str(folder) if given else spec.name}


def model_name(text: str) -> str:
    """A text as a model's name: what is not a letter, digit, dot, - or _ becomes -."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text)
    return kept.strip("._-")[:100] or "model"


def _overrides(text: str) -> dict[str, object]:
    """Corrections, one KEY=VALUE a line; values are JSON, or text where they are not."""
    values: dict[str, object] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise OptionError(tr("The correction '{}' must be KEY=VALUE.").format(line))
        try:
            values[key.strip()] = json.loads(value)
        except ValueError:
            values[key.strip()] = value.strip()
    return values


def _import(source: Path, folder: Path, window: int | None, overrides: dict[str, object]) -> list[str]:
    """Import in this Python where it has onnx, else in the worker process; gives what was assumed."""
    if not importlib.util.find_spec("onnx"):
        from ..core.backends.worker import run_task

        arguments = {"source": str(source), "folder": str(folder), "window": window, "overrides": overrides}
        return [str(text) for text in run_task("import_model", arguments)["warnings"]]
    from ..core.model_formats import AssumptionWarning, import_model

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", AssumptionWarning)
        import_model(source, folder, window=window, overrides=overrides)
    return [str(w.message) for w in said if issubclass(w.category, AssumptionWarning)]
