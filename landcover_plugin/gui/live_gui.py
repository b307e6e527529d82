"""The live layer's place in QGIS' window: toolbar, menu, dock, windows, settings."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QAction, QActionGroup, QMenu, QSlider, QToolButton, QWidgetAction

from ..core.model_library import list_models
from ..live.outputs import BLEND, CLASSES, CONFIDENCE
from ..live.repainting import Repainter, is_live, live_layers
from ..live.session import LiveSession
from ..translation import tr
from .compare import Comparison
from .dock import LiveDock
from .export import Exporter
from .head_start import HeadStart
from .live_layers import bands_of, bind, style
from .live_switch import LiveSwitch
from .local_inference import LocalInference
from .map_scale import keep_scale
from .messages import Messages
from .options import PAGE, OptionsFactory
from .pictures import picture


class LiveGui:
    """Everything of the live layer that the user sees. Main thread only.

    Made by ``initGui``; :meth:`unload` takes it all away again, and leaves open layers as they are.
    """

    def __init__(self, iface: Any, session: LiveSession) -> None:
        self._iface, self._session = iface, session
        self.switch = LiveSwitch(iface, session)
        self.head_start = HeadStart(iface, session, self.switch)
        self.comparison = Comparison(iface)
        self.exporter = Exporter(iface, session)
        self._repainter = Repainter(session, self._canvases)
        self.inference = LocalInference(iface, session, self.rebind)
        self._options = OptionsFactory(session, self.rebind, self.inference)
        iface.registerOptionsWidgetFactory(self._options)
        self.action = self._build_action()
        self._button = self._build_button()
        self._toolbar = iface.addToolBar(tr("Land cover"))
        self._toolbar.setObjectName("LandcoverToolBar")
        self._toolbar.addWidget(self._button)
        self.dock = LiveDock(iface, session, self.switch, self._deeds())
        iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.hide()
        self.comparison.beside = self.dock
        self.panel_action = QAction(tr("Land cover pa&nel"), iface.mainWindow())
        self.panel_action.setObjectName("landcover_panel")
        self.panel_action.setCheckable(True)
        self.dock.setToggleVisibilityAction(self.panel_action)
        self._menu_actions = [self.action, self.panel_action]
        self._menu = tr("&Land cover")
        for action in self._menu_actions:
            iface.addPluginToRasterMenu(self._menu, action)
        self._messages = Messages(
            iface,
            {
                "model": (tr("Choose a model"), self.show_dock),
                "backend": (tr("Settings"), self.open_settings),
            },
        )
        session.said.connect(self._messages.show)
        session.answered.connect(self._bind_awaited)
        self.switch.changed.connect(self._show_state)
        QgsProject.instance().readProject.connect(self._on_project)
        self._show_state()
        self.rebind(invalid_too=True)

    def unload(self) -> None:
        """Take everything away."""
        QgsProject.instance().readProject.disconnect(self._on_project)
        self._session.said.disconnect(self._messages.show)
        self._messages.close()
        self._session.answered.disconnect(self._bind_awaited)
        self.switch.changed.disconnect(self._show_state)
        self.comparison.close()
        self.exporter.close()
        self._repainter.close()
        self.inference.close()
        self._iface.unregisterOptionsWidgetFactory(self._options)
        for action in self._menu_actions:
            self._iface.removePluginRasterMenu(self._menu, action)
        self.dock.close_down()
        self._iface.removeDockWidget(self.dock)
        self.dock.deleteLater()
        self.head_start.close()
        self.switch.close()
        self._iface.mainWindow().removeToolBar(self._toolbar)
        self._toolbar.deleteLater()
        self.action.deleteLater()
        self.panel_action.deleteLater()

    def _canvases(self) -> list[Any]:
        known = list(self._iface.mapCanvases())
        return known + [canvas for canvas in self.comparison.canvases if canvas not in known]

    # -- the button ------------------------------------------------------------------------------

    def _build_action(self) -> QAction:
        action = QAction(picture("live"), tr("Live land cover"), self._iface.mainWindow())
        action.setObjectName("landcover_live")
        action.setCheckable(True)
        action.setToolTip(tr("Paints predicted land cover over the imagery as you browse"))
        action.setShortcut(QKeySequence("Ctrl+Alt+Shift+L"))
        action.triggered.connect(self.turn)
        return action

    def _build_button(self) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self.action)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(tr("Live land cover"))
        button.setAccessibleDescription(self.action.toolTip())
        menu = QMenu(button)
        menu.aboutToShow.connect(lambda: self._fill_menu(menu))
        button.setMenu(menu)
        return button

    def _fill_menu(self, menu: QMenu) -> None:
        menu.clear()
        layer, source = self.switch.layer, self.switch.source
        live = layer.dataProvider().live if layer is not None and layer.isValid() else None
        self._add_choices(
            menu.addMenu(tr("&Model")),
            [
                (spec.title, spec.name)
                for spec in list_models(self._session.folders())
                if spec.task == "segmentation" and (source is None or len(spec.bands) <= bands_of(source))
            ],
            live.uri.model if live else "",
            self.switch.show_model,
        )
        outputs = [(tr("&Classes"), CLASSES), (tr("&Blend"), BLEND), (tr("C&onfidence"), CONFIDENCE)]
        self._add_choices(menu.addMenu(tr("&Show")), outputs, self.switch.output, self.switch.show_output)
        if layer is not None:
            self._add_opacity(menu.addMenu(tr("O&pacity")), layer)
        menu.addSeparator()
        menu.addAction(self.panel_action)
        menu.addAction(picture("compare"), tr("Comp&are"), self.compare).setEnabled(layer is not None)
        menu.addSeparator()
        menu.addAction(tr("C&lear kept predictions"), self.clear)
        menu.addAction(picture("mActionOptions"), tr("Se&ttings…"), self.open_settings)

    def _add_choices(self, menu: QMenu, choices: list[tuple[str, str]], now: str, choose: Any) -> None:
        group = QActionGroup(menu)
        for title, value in choices:
            action = menu.addAction(title)
            action.setCheckable(True)
            action.setChecked(value == now)
            group.addAction(action)
            action.triggered.connect(lambda _=False, v=value: choose(v))
        if not choices:
            menu.addAction(tr("No model is installed")).setEnabled(False)

    def _add_opacity(self, menu: QMenu, layer: Any) -> None:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setValue(round(layer.opacity() * 100))
        slider.setMinimumWidth(160)
        slider.setAccessibleName(tr("Opacity"))
        slider.valueChanged.connect(self._set_opacity)
        holder = QWidgetAction(menu)
        holder.setDefaultWidget(slider)
        menu.addAction(holder)

    def _set_opacity(self, percent: int) -> None:
        layer = self.switch.layer
        if layer is not None:
            layer.setOpacity(percent / 100)
            layer.triggerRepaint()
            self.dock.refresh()

    def _show_state(self) -> None:
        self.action.setChecked(self.switch.is_on)

    # -- deeds -----------------------------------------------------------------------------------

    def turn(self, on: bool) -> None:
        """The button was pressed."""
        self.switch.turn(on)
        if on and self.switch.is_on and not self.dock.isVisible():
            self.show_dock()

    def show_dock(self) -> None:
        """Bring the dock to front."""
        if not self.dock.isVisible():
            keep_scale(self._iface.mapCanvas())
        self.dock.setUserVisible(True)

    def _deeds(self) -> dict[str, Any]:
        return {
            "compare": self.compare,
            "export_view": lambda: self._with_layer(self.exporter.view),
            "export_predicted": lambda: self._with_layer(self.exporter.predicted),
            "settings": self.open_settings,
            "set_up": self.inference.open,
            "is_set_up_offered": lambda: self.inference.is_offered,
        }

    def _with_layer(self, deed: Any) -> None:
        layer = self.switch.layer
        if layer is not None and layer.isValid():
            deed(layer)
        else:
            self._session.tell(
                tr("There is no land cover yet; press the button in the toolbar first."), "imagery"
            )

    def compare(self) -> None:
        """Blend and classes in two windows."""
        self._with_layer(self.comparison.open)

    def clear(self) -> None:
        """Forget all predictions; what is on screen is predicted again."""
        self._session.cache.clear()
        for layer in self._open_layers():
            layer.triggerRepaint()

    def _open_layers(self) -> list[Any]:
        """Live layers of the project and of all map windows."""
        layers = {layer.id(): layer for layer in QgsProject.instance().mapLayers().values() if is_live(layer)}
        layers.update({layer.id(): layer for canvas in self._canvases() for layer in live_layers(canvas)})
        return list(layers.values())

    def open_settings(self) -> None:
        """QGIS' options at the plugin's page."""
        self._iface.showOptionsDialog(self._iface.mainWindow(), PAGE)

    def rebind(self, invalid_too: bool = True) -> None:
        """Let open live layers use the settings, models and code of now."""
        for layer in QgsProject.instance().mapLayers().values():
            if is_live(layer) and (invalid_too or layer.isValid()):
                self._bind(layer)
        self.switch.changed.emit()

    def _bind_awaited(self) -> None:
        """A service has said what it has: layers that waited for it begin."""
        for layer in self._open_layers():
            if layer.isValid() and layer.dataProvider().live.is_awaited:
                self._bind(layer)
        self.switch.changed.emit()

    def _bind(self, layer: Any) -> None:
        was_valid = layer.isValid()
        bind(layer)
        if layer.isValid() and not was_valid and layer.renderer() is None:
            style(layer)
        self._repainter.paint_anew(layer)

    def _on_project(self, *_: object) -> None:
        self.comparison.close()
        self.switch.changed.emit()
