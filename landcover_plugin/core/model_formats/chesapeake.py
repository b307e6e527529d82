"""The land cover network of 2018, its bands, classes and habits."""

from __future__ import annotations

from typing import Any

from ..cntk.network import ImportedNetwork
from ..errors import ModelError
from .network import Network

TILE, HALO = 512, 64

_FIELDS: dict[str, Any] = {
    "title": "Land cover of 2018 (Chesapeake Bay, NAIP)",
    "description": (
        "The network of Microsoft's pixel-level land classification tutorial (2018), trained on aerial imagery "
        "of the Chesapeake Bay's states at 1 m. It subtracts the means of its window from red, green and blue, "
        "so its result depends a little on the window, and faint block edges can show."
    ),
    "bands": ["red", "green", "blue", "nir"],
    "fill": "mean",
    "pixel_size_m": {"best": 1.0, "min": 0.5, "max": 2.0},
    "divisor": 256,
    "activation": "softmax",
    "legend": [
        {"id": 0, "name": "no data", "colour": "#000000", "land_cover": False},
        {"id": 1, "name": "water", "colour": "#0000ff"},
        {"id": 2, "name": "trees and shrubs", "colour": "#008000"},
        {"id": 3, "name": "low vegetation", "colour": "#80ff80"},
        {"id": 4, "name": "barren or impervious", "colour": "#806060"},
    ],
    "citation": (
        "Microsoft, Pixel-level land cover classification, 2018, "
        "github.com/Azure/pixel_level_land_classification, copyright (c) Microsoft Corporation"
    ),
}
_BANDS, _CLASSES = 4, 5


def cntk_network(imported: ImportedNetwork) -> Network:
    """An imported CNTK network; the softmax is not in such files."""
    return Network(
        model=imported.model,
        input=imported.model.graph.input[0].name,
        output=imported.model.graph.output[0].name,
        bands=imported.bands,
        channels=imported.classes,
        has_channel_axis=True,
        side=None,
        margin=imported.margin,
        stride=imported.stride,
        batch=None,
        activation="softmax" if imported.classes > 1 else "sigmoid",
    )


def cntk_fields(network: Network, window: int | None, where: str) -> dict[str, Any]:
    """What is known about a CNTK file: everything, where it has the shapes of the 2018 network.

    Args:
        network: from :func:`cntk_network`.
        window: side of the network's window in pixels, None for large tiles.
        where: names the file in errors.

    Raises:
        ModelError: the window is too small.
    """
    known = dict(_FIELDS) if (network.bands, network.channels) == (_BANDS, _CLASSES) else {}
    halo = max(HALO, network.margin) if known else network.margin
    tile = TILE if window is None else window - 2 * halo
    if tile < 1:
        raise ModelError(
            f"{where}: a window of {window} pixels leaves nothing between two margins of {halo}."
        )
    # one chip of 640 pixels needs 0.9 GB
    return {**known, "tile": tile, "halo": halo, "batch": 1}
