"""What a live layer's data source says: the imagery, the model, and what to show of it; nothing else."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from ..core.errors import OptionError
from ..translation import tr
from .outputs import CLASSES, OUTPUTS

_MAX_CHARS = 20_000
_BANDS = re.compile(r"[0-9, ]{0,200}")


@dataclass(frozen=True)
class LiveUri:
    """A live layer's data source.

    Backend, server and model folders are the user's own settings and are never in it, so that
    opening somebody's project sends no imagery anywhere.

    Args:
        source: data source of the imagery, as its own provider understands it.
        provider: that provider's key, such as ``gdal``.
        model: a model's name (not a path).
        output: ``classes``, ``blend`` or ``confidence``.
        bands: band numbers such as ``1,2,3,4`` where the user overrode the guess.
        at: x and y where the layer was made, in its CRS: decides the zoom of a tile service.
    """

    source: str
    provider: str
    model: str
    output: str = CLASSES
    bands: str = ""
    at: tuple[float, float] | None = None

    def text(self) -> str:
        """The data source string."""
        parts = {"provider": self.provider, "model": self.model, "output": self.output}
        if self.bands:
            parts["bands"] = self.bands
        if self.at is not None:
            parts["at"] = f"{self.at[0]:.10g},{self.at[1]:.10g}"
        # the source stands last and readable, so that people and QGIS recognise its path
        return urlencode(parts) + "&" + urlencode({"source": self.source}, safe="/:")

    def showing(self, output: str) -> LiveUri:
        """The same predictions in another output."""
        return replace(self, output=output)


def parse_uri(text: str) -> LiveUri:
    """What a data source string says.

    Raises:
        OptionError: it is not one of a live layer.
    """
    if len(text) > _MAX_CHARS:
        raise OptionError(tr("The data source of this land cover layer is too long; add the layer again."))
    values = dict(parse_qsl(text.removeprefix("landcover://")))
    uri = LiveUri(
        values.get("source", ""),
        values.get("provider", "gdal"),
        values.get("model", ""),
        values.get("output", CLASSES),
        values.get("bands", ""),
        _point(values.get("at", "")),
    )
    if not uri.source or not uri.model:
        raise OptionError(
            tr("The data source of this land cover layer names no imagery or no model; add it again.")
        )
    if "/" in uri.model or "\\" in uri.model or uri.model.startswith("."):
        raise OptionError(
            tr("A land cover layer names its model '{}' by a path; choose an installed one.").format(
                uri.model[:80]
            )
        )
    if uri.output not in OUTPUTS:
        raise OptionError(
            tr("A land cover layer cannot show '{}'; use {}.").format(uri.output[:80], ", ".join(OUTPUTS))
        )
    if uri.provider == "landcover" or not _BANDS.fullmatch(uri.bands):
        raise OptionError(tr("The data source of this land cover layer makes no sense; add it again."))
    return uri


def _point(text: str) -> tuple[float, float] | None:
    """Two numbers with a comma between them; None for anything else."""
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        return None
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None
