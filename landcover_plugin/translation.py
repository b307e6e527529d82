"""The one way to a text in the user's language."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication


def tr(text: str) -> str:
    """A text of the interface, translated where there is a translation."""
    translated: str = QCoreApplication.translate("Landcover", text)
    return translated
