"""The dock: what is predicted, from what, with what, and how it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qgis.core import QgsMapLayerProxyModel
from qgis.gui import QgsCollapsibleGroupBox, QgsDockWidget, QgsOpacityWidget
from qgis.PyQt.QtCore import QSize, Qt, QTimer
from qgis.PyQt.QtWidgets import (
    QButtonGroup,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.model_library import list_models
from ..live.outputs import BLEND, CLASSES, CONFIDENCE
from ..live.registry import KEY
from ..live.repainting import is_live, view_extent, view_size
from ..live.session import LiveSession
from ..translation import tr
from .choice_boxes import ImageryBox, ModelBox
from .legend_chart import LegendChart
from .live_layers import bands_of, hidden_classes, live_layers_of, show_class
from .live_switch import LiveSwitch
from .pictures import picture
from .state_line import StateLine

if TYPE_CHECKING:
    from ..live.view_shares import ViewShares

_UPDATE_MS = 500
_LEAST_OPACITY = 1e-3


class LiveDock(QgsDockWidget):
    """Narrow enough to stay open beside the layer tree. It keeps no layer, it asks the switch.

    Args:
        iface: QGIS' interface.
        session: of live layers.
        switch: which layer is meant.
        actions: what the buttons at the bottom do: ``compare``, ``export_view``,
            ``export_predicted``, ``settings``, ``set_up``; and ``is_set_up_offered`` tells whether
            models could run faster here.
    """

    def __init__(
        self, iface: Any, session: LiveSession, switch: LiveSwitch, actions: dict[str, Callable[[], object]]
    ) -> None:
        super().__init__(tr("Land cover"), iface.mainWindow())
        self.setObjectName("LandcoverDock")
        self._iface, self._session, self._switch = iface, session, switch
        body = QWidget()
        column = QVBoxLayout(body)
        column.setSpacing(6)
        column.addLayout(self._build_choices())
        column.addWidget(self._build_chart())
        self._state = StateLine()
        self._state.set_up_wanted.connect(actions["set_up"])
        self._is_set_up_offered = actions["is_set_up_offered"]
        column.addWidget(self._state)
        column.addLayout(self._build_buttons(actions))
        column.addWidget(self._build_advanced(actions))
        column.addStretch(1)
        self._column = _Column(body)
        self.setWidget(self._column)
        switch.changed.connect(self.refresh)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._update_figures)
        self._timer.start(_UPDATE_MS)
        self.refresh()

    def close_down(self) -> None:
        """Stop listening, before the dock goes."""
        self._timer.stop()
        self._switch.changed.disconnect(self.refresh)

    # -- built once ------------------------------------------------------------------------------

    def _build_choices(self) -> QFormLayout:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._source = ImageryBox()
        self._source.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self._source.setExcludedProviders([KEY])
        self._source.setToolTip(tr("Predicts land cover on this imagery"))
        self._source.setAccessibleName(tr("Imagery"))
        self._source.activated.connect(self._on_source)
        form.addRow(tr("&Imagery"), self._source)
        self._model = ModelBox()
        self._model.activated.connect(lambda n: self._switch.show_model(self._model.models[n].name))
        form.addRow(tr("&Model"), self._model)
        self._chosen = QLabel()
        self._chosen.setWordWrap(True)
        self._chosen.setAccessibleName(tr("What was chosen, and why"))
        form.addRow(self._chosen)
        form.addRow(tr("Show"), self._build_outputs())
        self._opacity = QgsOpacityWidget()
        self._opacity.setAccessibleName(tr("Opacity"))
        self._opacity.setToolTip(tr("Lets the imagery shine through"))
        self._opacity.opacityChanged.connect(self._on_opacity)
        for part in self._opacity.findChildren(QWidget):  # a slider and a number, which the label leads to
            part.setAccessibleName(tr("Opacity"))
        self._opacity.setFocusProxy(self._opacity.findChild(QSlider))
        form.addRow(tr("O&pacity"), self._opacity)
        return form

    def _build_outputs(self) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        self._outputs = QButtonGroup(self)
        self._output_names = (CLASSES, BLEND, CONFIDENCE)
        titles = (
            (tr("&Classes"), tr("Paints the most likely class of each pixel")),
            (tr("&Blend"), tr("Mixes the colours of the classes by their probability")),
            (tr("C&onfidence"), tr("Paints how sure the model is, white for sure")),
        )
        for n, (title, tip) in enumerate(titles):
            button = QToolButton()
            button.setText(title)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._outputs.addButton(button, n)
            line.addWidget(button)
        self._outputs.idClicked.connect(lambda n: self._switch.show_output(self._output_names[n]))
        return row

    def _build_chart(self) -> LegendChart:
        self._chart = LegendChart()
        self._chart.switched.connect(self._on_class)
        return self._chart

    def _build_buttons(self, actions: dict[str, Callable[[], object]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(4)
        for key, title, icon, tip in (
            ("compare", tr("Compar&e"), "compare", tr("Opens blend and classes in two windows beside the map")),
            ("export_view", tr("Export &view"), "mActionFileSaveAs", tr("Writes the land cover of this view to a GeoTIFF")),
            ("export_predicted", tr("Export p&redicted"), "mActionFileSave",
             tr("Writes all that has been predicted so far to a GeoTIFF")),
        ):  # fmt: skip
            button = QPushButton(picture(icon), title)
            button.setToolTip(tip)
            button.setObjectName(f"landcover_{key}")
            button.clicked.connect(lambda _=False, do=actions[key]: do())
            row = min(1, grid.count())
            grid.addWidget(button, row, max(0, grid.count() - 1), 1, 1 if row else 2)
        return grid

    def _build_advanced(self, actions: dict[str, Callable[[], object]]) -> QWidget:
        box = QgsCollapsibleGroupBox(tr("Advanced"))
        box.setObjectName("landcover_advanced")
        box.setSaveCollapsedState(False)
        for arrow in box.findChildren(QToolButton):  # it folds the box, and has no text
            arrow.setAccessibleName(box.title())
        form = QFormLayout(box)
        self._bands = QLineEdit()
        self._bands.setPlaceholderText(tr("guessed"))
        self._bands.setAccessibleName(tr("Band numbers"))
        self._bands.setToolTip(
            tr("Reads these bands, such as 4,1,2 in the model's order, instead of the guess")
        )
        self._bands.editingFinished.connect(self._on_bands)
        form.addRow(tr("Ba&nds"), self._bands)
        settings = QPushButton(picture("mActionOptions"), tr("&Settings…"))
        settings.setToolTip(tr("Opens where predictions run, and how much is kept"))
        settings.clicked.connect(lambda _=False: actions["settings"]())
        form.addRow(settings)
        box.setCollapsed(True)
        return box

    # -- from the map ----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the layer that is meant now."""
        layer, source = self._switch.layer, self._switch.source
        if source is not None and self._source.currentLayer() != source:
            self._source.setLayer(source)
        live = layer.dataProvider().live if layer is not None and layer.isValid() else None
        self._fill_models(source, live.uri.model if live else "")
        output = self._switch.output
        if output in self._output_names:
            self._outputs.button(self._output_names.index(output)).setChecked(True)
        self._show_style(layer, live)
        if not self._bands.hasFocus():
            self._bands.setText(live.uri.bands if live else "")
        self._update_figures()

    def _fill_models(self, source: Any, chosen: str) -> None:
        bands = bands_of(source) if source is not None else 99
        models = list_models(self._session.folders())
        fitting = [m for m in models if m.task == "segmentation" and len(m.bands) <= bands]
        self._model.show_models(fitting, chosen)

    def _show_style(self, layer: Any, live: Any) -> None:
        """Opacity and classes as the layer has them, whoever set them."""
        if layer is not None and abs(self._opacity.opacity() - layer.opacity()) > _LEAST_OPACITY:
            self._opacity.blockSignals(True)
            self._opacity.setOpacity(layer.opacity())
            self._opacity.blockSignals(False)
        spec = live.spec if live else None
        height = self._chart.height()
        self._chart.set_legend(
            spec.legend if spec else None, hidden_classes(layer, spec.legend) if spec else None
        )
        if self._chart.height() != height:
            self._column.updateGeometry()

    def _update_figures(self) -> None:
        if not self.isVisible():
            return
        layer = self._switch.layer
        live = layer.dataProvider().live if layer is not None and layer.isValid() else None
        feed = live.feed if live else None
        found: ViewShares | None = None
        if feed is not None and self._switch.is_on:
            from ..live.view_shares import shares_of_view

            canvas = self._iface.mapCanvas()
            size = view_size(canvas)
            for extent in view_extent(canvas, layer):
                found = shares_of_view(feed, extent, max(1, size.height()), max(1, size.width()))
        self._chart.set_shares(found)
        self._state.show_state(live, found, self._switch.is_on, self._is_set_up_offered)
        self._show_style(layer, live)
        self._say_chosen(live)

    def _say_chosen(self, live: Any) -> None:
        """One line: what the model is for, which bands it reads, and why those."""
        spec = live.spec if live else self._model.spec
        if spec is None:
            self._chosen.clear()
            return
        parts = [tr("For pixels of {} m").format(f"{spec.pixel_size_m.best:g}")]
        setup = live.feed.setup if live and live.feed else None
        if setup is not None:
            parts.append(setup.choice.mapping.describe(spec.bands))
        self._chosen.setText(" · ".join(parts))

    # -- from the user ---------------------------------------------------------------------------

    def _on_source(self, _: int) -> None:
        source = self._source.currentLayer()
        if source is None:
            return
        layers = live_layers_of(source)
        current = self._iface.activeLayer()
        if layers:
            self._iface.setActiveLayer(layers[0])
        elif not is_live(current) or current not in layers:
            self._iface.setActiveLayer(source)

    def _on_opacity(self, opacity: float) -> None:
        layer = self._switch.layer
        if layer is not None and abs(layer.opacity() - opacity) > _LEAST_OPACITY:
            layer.setOpacity(opacity)
            layer.emitStyleChanged()
            layer.triggerRepaint()

    def _on_class(self, class_id: int, visible: bool) -> None:
        layer = self._switch.layer
        if layer is not None:
            show_class(layer, class_id, visible)

    def _on_bands(self) -> None:
        layer = self._switch.layer
        if layer is not None and self._bands.text().strip() != layer.dataProvider().live.uri.bands:
            self._switch.show_bands(self._bands.text().strip())


class _Column(QScrollArea):
    """Scrolls up and down only, so it is never narrower than what stands in it."""

    def __init__(self, body: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(body)

    def minimumSizeHint(self) -> QSize:
        """As wide as its body and a scroll bar."""
        least = self.widget().minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(least, super().minimumSizeHint().height())
