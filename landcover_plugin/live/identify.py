"""What is at a point: class, confidence and all probabilities, from tiles that are there."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ..core.grid import Extent, Window
from ..core.legend import NODATA
from ..translation import tr
from .asked_view import AskedView, asked_view
from .outputs import CLASSES, PROBABILITIES

if TYPE_CHECKING:
    from .live_source import LiveSource


@dataclass(frozen=True)
class Finding:
    """The prediction at a point.

    Args:
        class_id: of the chosen class.
        probabilities: of all classes in the legend's order, 0 to 1; empty where the model gives none.
        level: that it was predicted at.
    """

    class_id: int
    probabilities: tuple[float, ...]
    level: int

    @property
    def confidence(self) -> float | None:
        """Probability of the chosen class."""
        return max(self.probabilities) if self.probabilities else None


def find(live: LiveSource, x: float, y: float, box: Any, width: int, height: int) -> Finding | None:
    """The prediction at a point, at the level that a view shows; None where there is none yet.

    A missing tile is asked for, so that a second click finds it. It never waits.

    Args:
        live: what the layer shows.
        x: in the imagery's CRS.
        y: in the imagery's CRS.
        box: extent of the view that was clicked in, or None.
        width: of that view in pixels.
        height: of that view in pixels.
    """
    feed = live.feed
    if feed is None or not live.extent.contains(x, y):
        return None
    for level in _levels(live, box, width, height):
        across, down = feed.grid.pixel_size(level)
        point = Extent(x - across / 2, y - down / 2, x + across / 2, y + down / 2)
        view = asked_view(feed.grid, point, 1, 1, level)
        index = next(iter(view.tiles()), None)
        if index is None:
            return None
        classes = feed.tile(index, CLASSES)
        if classes is None:
            if level == _levels(live, box, width, height)[0]:
                feed.ask(view, [index])
            continue
        return _read(live, view, classes)
    return None


def _levels(live: LiveSource, box: Any, width: int, height: int) -> list[int]:
    """Levels to look at, the one that the view shows first."""
    feed = live.feed
    if feed is None:
        return []
    every = list(range(4))
    if box is None or width < 1 or height < 1 or box.isEmpty():
        return every
    view = feed.view(Extent(box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()), height, width)
    return every[::-1] if view is None else [view.level, *(n for n in every if n != view.level)]


def _read(live: LiveSource, view: AskedView, classes: Any) -> Finding | None:
    feed, index = live.feed, view.tiles()[0]
    if feed is None:
        return None
    square: Window = feed.grid.tile_window(index)
    row, col = int(view.rows[0]) - square.row, int(view.cols[0]) - square.col
    class_id = int(classes[row, col])
    if class_id == NODATA:
        return None
    setup = feed.setup
    shares = feed.cache.get(setup.series, index, PROBABILITIES) if setup else None
    probabilities = () if shares is None else tuple(int(v) / 254 for v in shares[:, row, col])
    return Finding(class_id, probabilities, view.level)


def value_names(live: LiveSource) -> list[str]:
    """Names of the values that :func:`identify_values` gives, in order."""
    title = {"blend": tr("Blended colours"), "confidence": tr("Confidence")}
    first = title.get(live.uri.output, tr("Land cover"))
    if live.spec is None:
        return [first]
    confidence = tr("Confidence of {}").format(live.spec.title)
    return [first, confidence, *(tr("Probability: {}").format(c.name) for c in live.spec.legend)]


def identify_values(finding: Finding | None) -> dict[int, Any]:
    """Class, confidence and all probabilities as numbers; None where there is no prediction."""
    if finding is None:
        return {1: None}
    values: dict[int, Any] = {1: float(finding.class_id)}
    if finding.confidence is not None:
        values[2] = round(finding.confidence, 3)
        values.update({n + 3: round(p, 3) for n, p in enumerate(finding.probabilities)})
    return values


def _rows(live: LiveSource, finding: Finding) -> list[tuple[str, str]]:
    legend = live.spec.legend if live.spec else None
    if legend is None:
        return []
    rows = [(tr("Land cover"), legend.name_of(finding.class_id))]
    if finding.confidence is not None:
        rows.append((tr("Confidence"), f"{100 * finding.confidence:.0f} %"))
        rows += [(c.name, f"{100 * p:.0f} %") for c, p in zip(legend, finding.probabilities)]
    title = live.spec.title if live.spec else ""
    return [*rows, (tr("Model"), title)]


def identify_text(live: LiveSource, finding: Finding | None) -> str:
    """The finding as lines of text."""
    if finding is None:
        return _not_yet()
    return "\n".join(f"{name}: {value}" for name, value in _rows(live, finding))


def identify_html(live: LiveSource, finding: Finding | None) -> str:
    """The finding as a small table."""
    if finding is None:
        return f"<p style='font-family: sans-serif'>{escape(_not_yet())}</p>"
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td align='right'>{escape(value)}</td></tr>"
        for name, value in _rows(live, finding)
    )
    return f"<table style='font-family: sans-serif' cellpadding='2'>{cells}</table>"


def _not_yet() -> str:
    return tr("Not predicted yet; click again in a moment.")
