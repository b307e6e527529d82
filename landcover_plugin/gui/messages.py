"""One line in the message bar for what is wrong, with a button for the one thing to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qgis.core import Qgis
from qgis.PyQt.QtWidgets import QPushButton

from ..translation import tr


class Messages:
    """Puts the session's sentences into the message bar. Main thread only.

    Args:
        iface: QGIS' interface.
        remedies: what a button may do, by what a sentence is about: its title, and the deed.
    """

    def __init__(self, iface: Any, remedies: Mapping[str, tuple[str, Callable[[], object]]]) -> None:
        self._bar, self._remedies = iface.messageBar(), remedies
        self._shown: list[Any] = []

    def show(self, sentence: str, about: str) -> None:
        """One line, once."""
        if any(item.text() == sentence for item in self._bar.items()):
            return
        item = self._bar.createMessage(tr("Land cover"), sentence)
        remedy = self._remedies.get(about)
        if remedy is not None:
            title, deed = remedy
            button = QPushButton(title, item)
            button.clicked.connect(lambda _=False: deed())
            item.layout().addWidget(button)
        level = Qgis.MessageLevel.Critical if about == "export" else Qgis.MessageLevel.Warning
        self._bar.pushWidget(item, level, 0 if about == "export" else 20)
        self._shown = [*self._still_there(), item]

    def close(self) -> None:
        """Take the lines away: their buttons lead nowhere any more."""
        for item in self._still_there():
            self._bar.popWidget(item)
        self._shown.clear()

    def _still_there(self) -> list[Any]:
        there = self._bar.items()
        return [item for item in self._shown if item in there]
