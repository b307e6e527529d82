"""Boxes to choose imagery and models in, readable where names are long and the dock is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QPaintEvent
from qgis.PyQt.QtWidgets import QComboBox, QSizePolicy, QStyle, QStyleOptionComboBox, QStylePainter

from ..core.model import ModelSpec
from ..translation import tr

_LETTERS = 8
_WIDEST_LIST = 640


class ImageryBox(QgsMapLayerComboBox):
    """The project's imagery; a long name is shortened in its middle."""

    def __init__(self) -> None:
        super().__init__()
        _let_shrink(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        """As the style does it, but the text."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        _paint(self, option)

    def showPopup(self) -> None:
        """Names stand in the list in full."""
        _widen_list(self)
        super().showPopup()


class ModelBox(QComboBox):
    """Installed models by their titles. Main thread only."""

    def __init__(self) -> None:
        super().__init__()
        _let_shrink(self)
        self.setAccessibleName(tr("Model"))
        self.models: list[ModelSpec] = []
        self._missing = ""

    def show_models(self, models: Sequence[ModelSpec], chosen: str) -> None:
        """Offer models.

        Args:
            models: what there is to choose from.
            chosen: name of the one in use, which may be missing; empty where none is.
        """
        if list(models) != self.models:
            self.models = list(models)
            self.clear()
            for spec in self.models:
                self.addItem(spec.title)
                self.setItemData(self.count() - 1, _explained(spec), Qt.ItemDataRole.ToolTipRole)
        names = [spec.name for spec in self.models]
        self._missing = chosen if chosen and chosen not in names else ""
        if self._missing:
            self.setCurrentIndex(-1)
        elif chosen:
            self.setCurrentIndex(names.index(chosen))
        elif self.currentIndex() < 0 and self.models:
            self.setCurrentIndex(0)
        shown = self.spec
        self.setToolTip(_explained(shown) if shown else tr("Predicts with this model"))

    @property
    def spec(self) -> ModelSpec | None:
        """The model that is shown."""
        at = self.currentIndex()
        return self.models[at] if 0 <= at < len(self.models) else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """As the style does it, but the text."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0:
            option.currentText = (
                tr("{} (not installed)").format(self._missing)
                if self._missing
                else tr("No model is installed")
            )
        _paint(self, option)

    def showPopup(self) -> None:
        """Titles stand in the list in full."""
        _widen_list(self)
        super().showPopup()


def _explained(spec: ModelSpec) -> str:
    return tr("{} ({} bands, made for pixels of {} m). {}").format(
        spec.title, len(spec.bands), f"{spec.pixel_size_m.best:g}", spec.description
    )


def _let_shrink(box: QComboBox) -> None:
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(_LETTERS)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def _widen_list(box: QComboBox) -> None:
    view = box.view()
    wanted = view.sizeHintForColumn(0) + view.verticalScrollBar().sizeHint().width() + 8
    view.setMinimumWidth(max(box.width(), min(wanted, _WIDEST_LIST)))


def _paint(box: Any, option: QStyleOptionComboBox) -> None:
    """Draw a box with its text shortened in the middle, where both ends of names tell them apart."""
    control = QStyle.ComplexControl.CC_ComboBox
    field = QStyle.SubControl.SC_ComboBoxEditField
    room = box.style().subControlRect(control, option, field, box).width() - 6
    if not option.currentIcon.isNull():
        room -= option.iconSize.width() + 4
    option.currentText = option.fontMetrics.elidedText(option.currentText, Qt.TextElideMode.ElideMiddle, room)
    painter = QStylePainter(box)
    painter.drawComplexControl(control, option)
    painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
    painter.end()
