"""The legend as a bar chart of the current view, each class with its switch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qgis.PyQt.QtCore import QModelIndex, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter, QPalette
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
)

from ..core.legend import Legend
from ..live.view_shares import ViewShares
from ..translation import tr
from .pictures import swatch

_SHARE = Qt.ItemDataRole.UserRole + 1
_COLOUR = Qt.ItemDataRole.UserRole + 2
_ID = Qt.ItemDataRole.UserRole + 3


class _Bar(QStyledItemDelegate):  # type: ignore[misc]
    """Paints a share as a bar, with its figure."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """In the theme's colours, but the bar in the class'."""
        super().paint(painter, option, index)
        share = index.data(_SHARE)
        if share is None:
            return
        box = QRectF(option.rect).adjusted(2, 3, -2, -3)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(option.palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(option.palette.color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(box, 2, 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(index.data(_COLOUR)))
        filled = QRectF(box)
        filled.setWidth(box.width() * float(share))
        painter.drawRoundedRect(filled, 2, 2)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Wide enough to tell shares apart."""
        return QSize(70, super().sizeHint(option, index).height())


class LegendChart(QTreeWidget):  # type: ignore[misc]
    """Classes with colour, switch, share and area.

    Signals:
        switched: a class was switched by the user (its id, whether it is shown).
    """

    switched = pyqtSignal(int, bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setColumnCount(4)
        self.setHeaderLabels([tr("Class"), tr("Share of the view"), "%", tr("Area")])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setAccessibleName(tr("Legend with the share of each class in the view"))
        self.setItemDelegateForColumn(1, _Bar(self))
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(30)
        self._legend: Legend | None = None
        self.itemChanged.connect(self._on_item)

    def set_legend(self, legend: Legend | None, hidden: set[int]) -> None:
        """Show the classes of a legend, those in ``hidden`` switched off."""
        self.blockSignals(True)
        if legend != self._legend:
            self._legend = legend
            self.clear()
            for land_class in legend or ():
                item = QTreeWidgetItem([land_class.name, "", "", ""])
                item.setIcon(0, swatch(land_class.colour))
                item.setData(0, _ID, land_class.id)
                item.setData(1, _COLOUR, land_class.colour)
                item.setToolTip(0, tr("Shows or hides {} on the map").format(land_class.name))
                item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setTextAlignment(3, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.addTopLevelItem(item)
            rows = self.topLevelItemCount()
            self.setMinimumHeight(
                self.header().sizeHint().height() + (rows + 1) * self.fontMetrics().height() * 3 // 2
            )
        for item in self._items():
            shown = item.data(0, _ID) not in hidden
            item.setCheckState(0, Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
        self.blockSignals(False)

    def set_shares(self, found: ViewShares | None) -> None:
        """Show shares and areas."""
        self.blockSignals(True)
        shares: Mapping[int, float] = found.shares if found else {}
        areas = found.areas_m2 if found else None
        for item in self._items():
            class_id = item.data(0, _ID)
            share = shares.get(class_id, 0.0)
            item.setData(1, _SHARE, share)
            item.setData(1, Qt.ItemDataRole.AccessibleTextRole, f"{share:.0%}")
            item.setText(2, f"{share * 100:.0f}" if share == 0 or share >= 0.01 else "<1")
            item.setText(3, area_text(areas.get(class_id, 0.0)) if areas is not None else "")
        self.blockSignals(False)

    def _items(self) -> list[QTreeWidgetItem]:
        return [self.topLevelItem(n) for n in range(self.topLevelItemCount())]

    def _on_item(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 0:
            self.switched.emit(int(item.data(0, _ID)), item.checkState(0) == Qt.CheckState.Checked)


def area_text(square_metres: float) -> str:
    """An area as a map user reads it: m², ha or km²."""
    if square_metres >= 1e6:
        return f"{square_metres / 1e6:,.3g} km²"
    if square_metres >= 1e4:
        return f"{square_metres / 1e4:,.3g} ha"
    return f"{square_metres:,.0f} m²"
