"""Live layers in a project: made, found, and told what to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from qgis.core import (
    QgsColorRampLegendNodeSettings,
    QgsColorRampShader,
    QgsDataProvider,
    QgsPalettedRasterRenderer,
    QgsProject,
    QgsRaster,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRectangle,
    QgsSingleBandColorDataRenderer,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor

from ..core.errors import ImageryError, LandcoverError, ModelError
from ..core.legend import Legend
from ..core.model import ModelSpec
from ..core.model_library import best_model, list_models
from ..live.outputs import BLEND, CLASSES, CONFIDENCE
from ..live.registry import KEY
from ..live.repainting import is_live
from ..live.session import LiveSession
from ..live.uri import LiveUri, parse_uri
from ..qgis_imagery import band_count
from ..translation import tr

_SURE = 254
_GLANCE_PX = 16


def is_imagery(layer: Any) -> bool:
    """Whether land cover can be predicted on a layer."""
    return isinstance(layer, QgsRasterLayer) and layer.isValid() and not is_live(layer)


def uri_of(layer: Any) -> LiveUri | None:
    """What a live layer says, None where that makes no sense."""
    try:
        return parse_uri(layer.source())
    except LandcoverError:
        return None


def live_layers_of(source: Any) -> list[Any]:
    """The project's live layers on a source layer."""
    found = []
    for layer in QgsProject.instance().mapLayers().values():
        uri = uri_of(layer) if is_live(layer) else None
        if uri is not None and (uri.provider, uri.source) == (source.providerType(), source.source()):
            found.append(layer)
    return found


def source_layer_of(live: Any) -> Any:
    """The project's layer that a live layer predicts on, None where it is gone."""
    uri = uri_of(live)
    for layer in QgsProject.instance().mapLayers().values():
        if uri and is_imagery(layer) and (layer.providerType(), layer.source()) == (uri.provider, uri.source):
            return layer
    return None


def choose_model(session: LiveSession, band_count: int, wanted: str = "") -> ModelSpec:
    """The model that the user chose last where it fits, else the one that uses most bands.

    Raises:
        ModelError: none fits.
    """
    models = list_models(session.folders())
    for spec in models:
        if spec.name == wanted and spec.task == "segmentation" and len(spec.bands) <= band_count:
            return spec
    best = best_model(band_count, models)
    if best is None:
        raise ModelError(tr("No installed model fits imagery of so few bands ({}); import one with Processing, "
                            "Land cover, Import model.").format(band_count))  # fmt: skip
    return best


def bands_of(layer: Any) -> int:
    """Bands that a model can choose from: colours of a service count as three."""
    return band_count(layer)


def _last_band_is_mask(layer: Any, wanted: int) -> bool:
    """Whether a model would be given a transparency mask for near infrared."""
    provider = layer.dataProvider()
    last = layer.bandCount()
    if layer.providerType() != "gdal" or wanted < last:
        return False
    if provider.colorInterpretation(last) != QgsRaster.AlphaBand:
        return False
    # real near infrared, often tagged so, has many values; a mask has two
    return all(values <= {0.0, 255.0, 65535.0} for values in _glances(layer, last))


def _glances(layer: Any, band: int) -> Iterator[set[float]]:
    """Values of a band in small squares along both diagonals: all of it at once would take seconds."""
    provider, extent = layer.dataProvider(), layer.extent()
    width, height = layer.rasterUnitsPerPixelX() * _GLANCE_PX, layer.rasterUnitsPerPixelY() * _GLANCE_PX
    for across, down in ((0.5, 0.5), (0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)):
        x = extent.xMinimum() + across * max(0.0, extent.width() - width)
        y = extent.yMinimum() + down * max(0.0, extent.height() - height)
        block = provider.block(band, QgsRectangle(x, y, x + width, y + height), _GLANCE_PX, _GLANCE_PX)
        yield {block.value(row, col) for row in range(_GLANCE_PX) for col in range(_GLANCE_PX)}


def uri_for(
    session: LiveSession,
    source: Any,
    output: str = CLASSES,
    model: str = "",
    at: tuple[float, float] | None = None,
) -> LiveUri:
    """What a new live layer on a source layer says.

    Args:
        session: of live layers.
        source: the imagery.
        output: what it shows.
        model: wanted where it fits; chosen where empty.
        at: where the user looks, in the source's CRS; kept where it decides the zoom of a service.

    Raises:
        ModelError: no model fits.
    """
    spec = choose_model(session, bands_of(source), model)
    if _last_band_is_mask(source, len(spec.bands)):
        spec = choose_model(session, len(spec.bands) - 1, model)
    is_service = source.dataProvider().xSize() <= 0
    return LiveUri(source.source(), source.providerType(), spec.name, output, at=at if is_service else None)


def new_live_layer(source: Any, uri: LiveUri) -> Any:
    """A live layer on a source layer, styled, not yet in a project.

    Args:
        source: the imagery.
        uri: of :func:`uri_for`.

    Raises:
        ImageryError: the imagery cannot be read pixel by pixel.
    """
    name = tr("Land cover of {}").format(source.name())
    layer = QgsRasterLayer(uri.text(), name, KEY)
    live = layer.dataProvider().live if layer.isValid() else None
    if live is None or (live.feed is None and not live.is_awaited):
        problem = live.problem if live is not None else ""
        raise ImageryError(
            problem or tr("{} cannot be opened for land cover; check its source.").format(source.name())
        )
    style(layer)
    return layer


def style(layer: Any) -> None:
    """Colours for what the layer shows: those of the legend, or grey for confidence; opacity stays."""
    live = layer.dataProvider().live
    if live.uri.output == BLEND:
        _put(layer, QgsSingleBandColorDataRenderer(layer.dataProvider(), 1))
    elif live.uri.output == CONFIDENCE:
        _put(layer, _confidence_renderer(layer))
    elif live.spec is not None:
        _put(layer, class_renderer(layer, live.spec.legend))
    layer.emitStyleChanged()


def _put(layer: Any, renderer: Any) -> None:
    """Give a layer another renderer. The layer's opacity is the renderer's, so it is handed on."""
    renderer.setOpacity(layer.opacity())
    layer.setRenderer(renderer)


def class_renderer(layer: Any, legend: Legend) -> QgsPalettedRasterRenderer:
    """Classes in the colours of the legend."""
    classes = [QgsPalettedRasterRenderer.Class(c.id, QColor(c.colour), c.name) for c in legend]
    return QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes)


def _confidence_renderer(layer: Any) -> QgsSingleBandPseudoColorRenderer:
    """Black for a guess, white for certainty; the legend says it in per cent."""
    shades = QgsColorRampShader(0, _SURE, None, QgsColorRampShader.Type.Interpolated)
    shades.setColorRampItemList(
        [
            QgsColorRampShader.ColorRampItem(_SURE * share / 100, QColor(grey, grey, grey), f"{share} %")
            for share, grey in ((20, 0), (40, 64), (60, 128), (80, 191), (100, 255))
        ]
    )
    in_words = QgsColorRampLegendNodeSettings()
    in_words.setUseContinuousLegend(False)
    shades.setLegendSettings(in_words)
    shader = QgsRasterShader(0, _SURE)
    shader.setRasterShaderFunction(shades)
    return QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader)


def show(
    layer: Any, *, model: str | None = None, output: str | None = None, bands: str | None = None
) -> None:
    """Let a live layer show something else; opacity, name and place stay.

    Args:
        layer: a live layer.
        model: another model's name.
        output: another output.
        bands: band numbers, empty for the guess.
    """
    uri = uri_of(layer)
    if uri is None:
        return
    new = replace(
        uri,
        model=uri.model if model is None else model,
        output=uri.output if output is None else output,
        bands=uri.bands if bands is None else bands,
    )
    if new == uri:
        return
    opacity = layer.opacity()
    bind(layer, new)  # QGIS makes a new style where another output has other values
    if layer.isValid() and (new.output != uri.output or new.model != uri.model):
        style(layer)
    layer.setOpacity(opacity)
    layer.triggerRepaint()


def bind(layer: Any, uri: LiveUri | None = None) -> None:
    """Make the layer's provider anew, for other settings, a replaced file or reloaded code; its style stays."""
    text = uri.text() if uri else layer.source()
    layer.setDataSource(text, layer.name(), KEY, QgsDataProvider.ProviderOptions())


def hidden_classes(layer: Any, legend: Legend) -> set[int] | None:
    """Ids of the legend's classes that the layer's style does not show; None where it knows no classes."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsPalettedRasterRenderer):
        return None
    shown = {int(c.value) for c in renderer.classes() if c.color.alpha() > 0}
    return {c.id for c in legend} - shown


def show_class(layer: Any, class_id: int, visible: bool) -> None:
    """Switch one class on or off, in the layer's own style."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsPalettedRasterRenderer):
        return
    classes = renderer.classes()
    for entry in classes:
        if int(entry.value) == class_id:
            colour = QColor(entry.color)
            colour.setAlpha(255 if visible else 0)
            entry.color = colour
    _put(layer, QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))
    layer.emitStyleChanged()
    layer.triggerRepaint()
