"""What one live layer stands for: its imagery, its model, and the feed between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle

from ..core.model import ModelSpec
from ..translation import tr
from .feed import TileFeed
from .uri import LiveUri


@dataclass(eq=False)
class LiveSource:
    """Shared by a provider and its clones; stored answers only, so any thread may read it.

    Args:
        uri: what the layer says.
        problem: why it is invalid or empty, in a sentence; empty where nothing is wrong.
        report: told errors, from any thread.
        is_valid: whether the imagery could be opened.
        name: of the imagery, for people.
        crs: of the imagery.
        extent: of the imagery.
        width: columns of level 0.
        height: rows of level 0.
        spec: the model, None where it is missing.
        feed: None where there is nothing to predict from.
        is_awaited: whether a service is being asked what it has; then the layer is to be bound anew.
    """

    uri: LiveUri
    problem: str
    report: Callable[[LiveSource, Exception], None]
    is_valid: bool = False
    name: str = ""
    crs: QgsCoordinateReferenceSystem = field(default_factory=QgsCoordinateReferenceSystem)
    extent: QgsRectangle = field(default_factory=QgsRectangle)
    width: int = 0
    height: int = 0
    spec: ModelSpec | None = None
    feed: TileFeed | None = None
    is_awaited: bool = False

    @property
    def tile(self) -> int:
        """Side of a tile in pixels."""
        return self.spec.tile if self.spec else 512

    def fail(self, error: Exception) -> None:
        """Something that was asked for could not be given."""
        self.problem = str(error)
        self.report(self, error)

    def html(self) -> str:
        """For the layer's properties."""
        setup = self.feed.setup if self.feed else None
        rows = [
            (tr("Imagery"), self.name),
            (tr("Model"), f"{self.spec.title} ({self.spec.name})" if self.spec else self.uri.model),
            (tr("Shows"), self.uri.output),
            (tr("Bands"), setup.choice.mapping.describe(self.spec.bands) if setup and self.spec else ""),
            (tr("Runs on"), setup.backend.description if setup else ""),
            (tr("Problem"), self.problem),
        ]
        cells = "".join(
            f"<tr><td class='highlight'>{escape(name)}</td><td>{escape(value)}</td></tr>"
            for name, value in rows
            if value
        )
        return f"<table class='list-view'>{cells}</table>"
