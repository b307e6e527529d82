"""The plugin object: wires QGIS to the rooms of the package, and unwires it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication

if TYPE_CHECKING:
    from .processing.provider import LandcoverProvider


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
        self._provider: LandcoverProvider | None = None

    def initProcessing(self) -> None:
        """Offer the algorithms."""
        if self._provider is None:
            from .processing.provider import LandcoverProvider

            self._provider = LandcoverProvider()
            QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Offer the algorithms and the interface."""
        self.initProcessing()

    def unload(self) -> None:
        """Take everything away again."""
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
