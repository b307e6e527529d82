"""How predicting goes: one line, one thin bar, no dialog."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from ..translation import tr

if TYPE_CHECKING:
    from ..live.view_shares import ViewShares

_IDLE, _WORKING, _READY, _WRONG = "#8d8d8d", "#2f7fc1", "#3a9a4b", "#c0392b"


_WORD_JOINER = "\u2060"


class StateLine(QWidget):
    """A coloured dot, what runs the model, tiles waiting and the rate.

    Signals:
        set_up_wanted: the user asks for the faster way that the line offers.
    """

    set_up_wanted = pyqtSignal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        line = QHBoxLayout()
        self._dot = QLabel()
        self._dot.setFixedSize(10, 10)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setAccessibleName(tr("State of the predictions"))
        self._offer = QLabel()
        self._offer.setWordWrap(True)
        self._offer.setObjectName("landcover_offer")
        self._offer.setText(
            "<a href='set-up'>{}</a> {}".format(
                escape(tr("Set up local inference")), escape(tr("to predict several times faster."))
            )
        )
        self._offer.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self._offer.linkActivated.connect(lambda _: self.set_up_wanted.emit())
        self._offer.hide()
        line.addWidget(self._dot, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self._text, 1)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(5)
        self._bar.setRange(0, 100)
        self._bar.setAccessibleName(tr("Part of the view that is predicted"))
        column.addLayout(line)
        column.addWidget(self._bar)
        column.addWidget(self._offer)

    def show_state(
        self, live: Any, found: ViewShares | None, is_on: bool, offers_set_up: Callable[[], object]
    ) -> None:
        """Say how it goes.

        Args:
            live: what the layer stands for, or None without a layer.
            found: of the current view, or None where nothing is shown.
            is_on: whether the layer is visible.
            offers_set_up: tells whether models could run faster here than in NumPy.
        """
        colour, text = _sentence(live, found, is_on)
        style = f"background: {colour}; border-radius: 5px;"
        if self._dot.styleSheet() != style:  # Qt works out a style anew whether it differs or not
            self._dot.setStyleSheet(style)
        if self._text.text() != text:
            self._text.setText(text)
        setup = live.feed.setup if live is not None and live.feed is not None else None
        self._offer.setVisible(
            setup is not None and setup.backend.numeric_kind.startswith("numpy") and bool(offers_set_up())
        )
        done = round(100 * found.predicted) if found is not None and found.level is not None else 0
        self._bar.setValue(done)
        self._bar.setVisible(
            bool(live and live.feed and is_on and found and found.level is not None and done < 100)
        )


def _sentence(live: Any, found: ViewShares | None, is_on: bool) -> tuple[str, str]:
    if live is None:
        return _IDLE, escape(tr("Press the button in the toolbar to see land cover here."))
    feed = live.feed
    if feed is None:
        return (_WORKING if live.is_awaited else _WRONG), escape(live.problem)
    if not is_on:
        return _IDLE, escape(tr("Land cover is hidden; press the button in the toolbar to show it."))
    if feed.error is not None:
        return _WRONG, escape(str(feed.error))
    setup = feed.setup
    if found is not None and found.level is None:
        return _IDLE, escape(
            tr("Too far out to predict; zoom in for land cover. What was predicted before is shown.")
        )
    if setup is None:
        return _WORKING, escape(tr("Getting ready…"))
    waiting = feed.queue.waiting
    rate = feed.tiles_a_second() * live.tile * live.tile / 1e6
    parts = [escape(setup.backend.description)]
    if waiting:
        parts.append(_unbroken(tr("{} tiles waiting, {:.1f} Mpx/s").format(waiting, rate)))
    elif getattr(setup.backend, "mpx_a_second", 0):
        rate = _unbroken(tr("{:.1f} Mpx/s").format(setup.backend.mpx_a_second))
        parts.append(f"<nobr>{rate}</nobr>")
    if found is not None and found.level:
        parts.append(escape(tr("predicted at 1 : {} of the imagery's detail").format(1 << found.level)))
    if not feed.is_made_for_pixels:
        parts.append(escape(tr("the model was made for other pixel sizes; expect poor results")))
    return (_WORKING if waiting else _READY), " · ".join(parts)


def _unbroken(rate: str) -> str:
    """Qt breaks lines behind a slash, also between <nobr> and </nobr>."""
    return escape(rate.replace("/", f"/{_WORD_JOINER}"))
