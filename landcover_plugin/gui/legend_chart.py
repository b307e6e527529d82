"""The legend as a bar chart of the current view, each class with its switch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import QModelIndex, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QFontMetrics, QPainter, QPalette
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
)

from ..core.legend import Legend
from ..translation import tr
from .pictures import swatch

if TYPE_CHECKING:
    from ..live.view_shares import ViewShares

_SHARE = Qt.ItemDataRole.UserRole + 1
_COLOUR = Qt.ItemDataRole.UserRole + 2
_ID = Qt.ItemDataRole.UserRole + 3
_LEAST_BAR = 72
_USUAL_LETTERS = 45
"""Wide enough for the legends of the models that come with the plugin, their shares and their areas."""


class _Bar(QStyledItemDelegate):
    """Paints a share as a bar, with its figure."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """In the theme's colours, but the bar in the class'."""
        super().paint(painter, option, index)
        share = index.data(_SHARE)
        if share is None:
            return
        box = QRectF(option.rect).adjusted(2, 3, -2, -3)
        filled = QRectF(box)
        filled.setWidth(box.width() * float(share))
        colour = QColor(index.data(_COLOUR))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(option.palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(option.palette.color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(box, 2, 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(filled, 2, 2)
        figure = index.data(Qt.ItemDataRole.AccessibleTextRole) or ""
        if filled.width() >= option.fontMetrics.horizontalAdvance(figure) + 8:
            painter.setPen(readable_on(colour))
            place = filled.adjusted(4, 0, 0, 0)
        else:
            painter.setPen(option.palette.color(QPalette.ColorRole.Text))
            place = QRectF(filled.right() + 4, box.top(), box.right() - filled.right(), box.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, figure)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Wide enough to tell shares apart."""
        return QSize(80, row_height(option.fontMetrics))


class _Row(QStyledItemDelegate):
    """Keeps rows as high as those of the bars."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """As wide as the text."""
        return QSize(super().sizeHint(option, index).width(), row_height(option.fontMetrics))


class LegendChart(QTreeWidget):
    """Classes with colour, switch, share and area.

    Signals:
        switched: a class was switched by the user (its id, whether it is shown).
    """

    switched = pyqtSignal(int, bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setColumnCount(3)
        self.setHeaderLabels([tr("Class"), tr("In view"), tr("Area")])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setAccessibleName(tr("Legend with the share of each class in the view"))
        self._rows, self._bar = _Row(self), _Bar(self)
        self.setItemDelegate(self._rows)
        self.setItemDelegateForColumn(1, self._bar)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(28)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._legend: Legend | None = None
        self._shown: tuple[object, ...] = ()
        self.itemChanged.connect(self._on_item)

    def set_legend(self, legend: Legend | None, hidden: set[int] | None) -> None:
        """Show the classes of a legend.

        Args:
            legend: None empties the chart.
            hidden: ids of classes that are switched off; None where classes cannot be switched.
        """
        if self._shown == (legend, hidden):
            return
        self._shown = legend, hidden
        self.blockSignals(True)
        if legend != self._legend:
            self._legend = legend
            self.clear()
            for land_class in legend or ():
                item = QTreeWidgetItem([land_class.name, "", ""])
                item.setIcon(0, swatch(land_class.colour))
                item.setData(0, _ID, land_class.id)
                item.setData(1, _COLOUR, land_class.colour)
                item.setToolTip(0, tr("Shows or hides {} on the map").format(land_class.name))
                item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.addTopLevelItem(item)
        for item in self._items():
            if hidden is None:
                state = None
            else:
                off = item.data(0, _ID) in hidden
                state = Qt.CheckState.Unchecked if off else Qt.CheckState.Checked
            if item.data(0, Qt.ItemDataRole.CheckStateRole) != state:
                item.setData(0, Qt.ItemDataRole.CheckStateRole, state)
        self.blockSignals(False)
        self._fit()

    def set_shares(self, found: ViewShares | None) -> None:
        """Show shares and areas."""
        self.blockSignals(True)
        shares: Mapping[int, float] = found.shares if found else {}
        areas = found.areas_m2 if found else None
        for item in self._items():
            class_id = item.data(0, _ID)
            share = shares.get(class_id, 0.0)
            item.setData(1, _SHARE, share)
            item.setData(1, Qt.ItemDataRole.AccessibleTextRole, share_text(share) if found else "")
            item.setText(2, area_text(areas.get(class_id, 0.0)) if areas is not None else "")
        self.blockSignals(False)
        self._fit()

    def _fit(self) -> None:
        """Be as high as the rows are, and never too narrow for names, bars and areas."""
        items = self._items()
        columns = self.columnWidth(0) + self.columnWidth(2) + _LEAST_BAR
        # from the start on: a dock that widens later makes the map smaller, which is then drawn anew
        usual = _USUAL_LETTERS * self.fontMetrics().averageCharWidth()
        self.setMinimumWidth(max(columns, usual) + 2 * self.frameWidth())
        bottom = self.visualItemRect(items[-1]).bottom() + 1 if items else 2 * row_height(self.fontMetrics())
        self.setFixedHeight(self.header().height() + bottom + 2 * self.frameWidth())

    def _items(self) -> list[QTreeWidgetItem]:
        return [self.topLevelItem(n) for n in range(self.topLevelItemCount())]

    def _on_item(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 0:
            self._shown = ()  # it may not be as told
            self.switched.emit(int(item.data(0, _ID)), item.checkState(0) == Qt.CheckState.Checked)


def row_height(metrics: QFontMetrics) -> int:
    """Height of a row in pixels."""
    return int(metrics.height()) + 6


def readable_on(colour: QColor) -> QColor:
    """Black or white, whichever has the higher contrast on a colour (WCAG 2 relative luminance)."""
    parts = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.getRgbF()[:3])
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts))
    return QColor("black" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "white")


def share_text(share: float) -> str:
    """A share in per cent; what is there is never 0 %."""
    return "<1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def area_text(square_metres: float) -> str:
    """An area as a map user reads it: m², ha or km²."""
    if square_metres >= 1e6:
        return f"{square_metres / 1e6:,.3g} km²"
    if square_metres >= 1e4:
        return f"{square_metres / 1e4:,.3g} ha"
    return f"{square_metres:,.0f} m²"
