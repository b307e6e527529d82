"""Which model an algorithm means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsProcessingParameterString

from ..core.errors import ModelError
from ..translation import tr

if TYPE_CHECKING:
    from ..core.model import ModelSpec

_WIDGET = "landcover_plugin.processing.model_widget.ModelWidgetWrapper"


def model_parameter(description: str, *, optional: bool) -> QgsProcessingParameterString:
    """A parameter that takes a model's name or folder; dialogs offer the installed ones."""
    parameter = QgsProcessingParameterString("MODEL", description, optional=optional)
    parameter.setMetadata({"widget_wrapper": {"class": _WIDGET}})
    return parameter


def chosen_model(text: str, band_count: int) -> ModelSpec:
    """The model that a user wrote, or the one that fits the imagery best where nothing is written.

    Args:
        text: a name, the path of a model folder, or nothing.
        band_count: of the imagery.

    Raises:
        ModelError: there is none.
    """
    from ..core.model_library import best_model, find_model, list_models

    text = text.strip()
    if not text:
        found = best_model(band_count, list_models())
        if found is None:
            raise ModelError(tr("No model here fits imagery of so few bands ({}); import one with the algorithm "
                                "Import model, or name one.").format(band_count))  # fmt: skip
        text = found.name
    return find_model(text)
