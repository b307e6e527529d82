"""The plugin object: wires QGIS to the rooms of the package, and unwires it again."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QTimer

# packages too: of a plugin that is unloaded, QGIS forgets the modules that import statements named
from . import gui, live, processing  # noqa: F401
from .translation import Translation

if TYPE_CHECKING:
    from .gui.live_gui import LiveGui
    from .live.session import LiveSession
    from .processing.provider import LandcoverProvider


_CLEAR_MS = (500, 5_000, 20_000)


class LandcoverPlugin:
    """What QGIS loads.

    QGIS calls :meth:`initGui`, ``qgis_process`` only :meth:`initProcessing`; both end with
    :meth:`unload`. All in the main thread. After :meth:`unload` a new object may be made.
    """

    def __init__(self, iface: Any) -> None:
        """Remember the interface.

        Args:
            iface: QGIS' interface; None in ``qgis_process``.
        """
        self._iface = iface
        self._translation = Translation()
        self._provider: LandcoverProvider | None = None
        self._live: LiveSession | None = None
        self._gui: LiveGui | None = None

    def initProcessing(self) -> None:
        """Offer the algorithms, and let projects hold live layers."""
        if self._provider is None:
            from .processing.provider import LandcoverProvider

            self._provider = LandcoverProvider()
            QgsApplication.processingRegistry().addProvider(self._provider)
        if self._live is None:
            from .backend_settings import configure_backends
            from .live.session import LiveSession

            self._live = LiveSession(has_window=self._iface is not None)
            configure_backends(self._live.warn)

    def initGui(self) -> None:
        """Offer the algorithms and the interface."""
        self.initProcessing()
        if self._gui is None and self._live is not None:
            from .gui.live_gui import LiveGui

            self._gui = LiveGui(self._iface, self._live)

    def unload(self) -> None:
        """Take everything away again; open live layers stay and show what they have."""
        if self._gui is not None:
            self._gui.unload()
            self._gui = None
        if self._live is not None:
            from .core.backends import configure

            configure()
            self._live.close()
            self._live = None
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        self._translation.end()
        # Python looks through objects as old as these so seldom that plugins reloaded before would pile up;
        # not at once, for Qt deletes windows a moment later, and QGIS' own threads let go when they are done
        for delay_ms in _CLEAR_MS:
            QTimer.singleShot(delay_ms, gc.collect)
