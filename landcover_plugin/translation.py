"""The one way to a text in the user's language, and the translations that ship."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QLocale, QTranslator

CONTEXT = "Landcover"
FOLDER = Path(__file__).resolve().parent / "i18n"


def tr(text: str) -> str:
    """A text of the interface, translated where there is a translation.

    Args:
        text: in English, as a literal, so that it is found for the translators; what changes from call
            to call stands in it as ``{}`` and is put in by the caller.
    """
    translated: str = QCoreApplication.translate(CONTEXT, text)
    return translated


class Translation:
    """The translation of QGIS' language, in use until :meth:`end`; nothing where there is none.

    Args:
        folder: of the compiled files, ``landcover_LANGUAGE.qm``.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._translator = QTranslator()
        self._is_on = self._translator.load(
            QLocale(QgsApplication.locale()), "landcover", "_", str(folder)
        ) and QCoreApplication.installTranslator(self._translator)

    def end(self) -> None:
        """Speak English again."""
        if self._is_on:
            QCoreApplication.removeTranslator(self._translator)
            self._is_on = False
