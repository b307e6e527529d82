"""``landcover:modelinfo``: what a model reads, tells apart and comes from."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFileDestination,
)

from ..core.errors import OutputError
from ..translation import tr
from .algorithm import LandcoverAlgorithm, Words
from .model_choice import chosen_model, model_parameter
from .reporting import FeedbackReporter

if TYPE_CHECKING:
    from ..core.model import ModelSpec


class ModelInfoAlgorithm(LandcoverAlgorithm):
    """Describes a model."""

    NAME = "modelinfo"

    def words(self) -> Words:
        """What it says of itself."""
        return Words(
            title=tr("Describe a model"),
            short=tr("Tells what a land cover model reads, which classes it knows and where it comes from."),
            help=tr(
                "Tells what a land cover model reads, which classes it knows, for which ground resolution "
                "it was made, how well it did where it was measured, and its licence."
            ),
            tags=tr("land cover,model,neural network,legend,classes,licence"),
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """The parameters."""
        self.offer(
            model_parameter(tr("Model"), optional=False),
            tr("The name of an installed model, or the folder of one."),
        )
        self.offer(
            QgsProcessingParameterFileDestination(
                "OUTPUT_HTML", tr("Description"), tr("HTML files (*.html)"), optional=True
            ),
            tr("The description as a page; the log has it as text."),
        )
        self.addOutput(QgsProcessingOutputString("NAME", tr("Name of the model")))
        self.addOutput(QgsProcessingOutputNumber("BANDS", tr("Number of bands that it reads")))
        self.addOutput(QgsProcessingOutputNumber("CLASSES", tr("Number of classes")))

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """The model must be there."""
        chosen_model(self.parameterAsString(parameters, "MODEL", context), 0)

    def run_prepared(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Describe it."""
        from ..core.model_text import describe_model

        spec = chosen_model(self.parameterAsString(parameters, "MODEL", context), 0)
        FeedbackReporter(feedback).table(describe_model(spec))
        results: dict[str, Any] = {"NAME": spec.name, "BANDS": len(spec.bands), "CLASSES": len(spec.legend)}
        page = self.parameterAsFileOutput(parameters, "OUTPUT_HTML", context)
        if page:
            try:
                Path(page).write_text(model_page(spec), "utf-8")
            except OSError as e:
                raise OutputError(
                    tr("{} cannot be written ({}); choose another folder.").format(page, e.strerror)
                ) from e
            results["OUTPUT_HTML"] = page
        return results


def model_page(spec: ModelSpec) -> str:
    """A page that describes a model; every text of it is escaped."""
    from ..core.bands import title

    size = spec.pixel_size_m
    facts = [
        (tr("Name"), f"{spec.name}, {tr('version')} {spec.version}"),
        (tr("Reads"), f"{', '.join(title(b) for b in spec.bands)} ({spec.dtype})"),
        (
            tr("Ground resolution"),
            tr("best {} m, from {} to {} m").format(f"{size.best:g}", f"{size.min:g}", f"{size.max:g}"),
        ),
        *((str(key), str(value)) for key, value in spec.figures.items()),
        (tr("Licence"), spec.licence),
        (tr("Citation"), spec.citation),
        (tr("Folder"), str(spec.folder or "")),
    ]
    rows = "".join(
        f'<tr><th align="left" valign="top">{html.escape(key)}</th><td>{html.escape(value)}</td></tr>'
        for key, value in facts
        if value
    )
    classes = "".join(
        f'<tr><td style="background:{c.colour};width:2em">&nbsp;</td><td align="right">{c.id}</td>'
        f"<td>{html.escape(c.name)}</td></tr>"
        for c in spec.legend
    )
    heading = html.escape(spec.title)
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{heading}</title></head>'
        f'<body style="font-family:sans-serif"><h1>{heading}</h1><p>{html.escape(spec.description)}</p>'
        f'<table cellpadding="4">{rows}</table><h2>{html.escape(tr("Classes"))}</h2>'
        f'<table cellpadding="4">{classes}</table></body></html>\n'
    )
