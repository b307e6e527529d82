"""Services that are asked what they have, while the window goes on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from qgis.core import QgsCoordinateReferenceSystem, QgsDataSourceUri, QgsProject, QgsRectangle

from ..core.errors import LandcoverError
from .threads import is_main_thread, start_thread

if TYPE_CHECKING:
    from ..qgis_imagery.image_server import ImageAddress


class ServiceInquiries:
    """Asks image services for their descriptions, each in a thread of its own and once at a time.

    What is found, a fault too, is kept by the address for whoever opens it next. Main thread only.

    Args:
        answered: one has answered or failed; called in any thread.
    """

    def __init__(self, answered: Callable[[], None]) -> None:
        self._answered = answered
        self._under_way: set[ImageAddress] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._joins: list[Callable[[float], bool]] = []

    def ask(self, address: ImageAddress, name: str) -> None:
        """Ask a service, unless that is being done; returns at once.

        Args:
            address: of it.
            name: of the imagery, for people.
        """
        with self._lock:
            if address in self._under_way or self._stopped.is_set():
                return
            self._under_way.add(address)

        def run() -> None:
            # whoever opens it next is told what went wrong
            with contextlib.suppress(LandcoverError):
                address.service(name, self._stopped.is_set)
            with self._lock:
                self._under_way.discard(address)
            self._answered()

        self._joins = [join for join in self._joins if not join(0)]
        self._joins.append(start_thread(run, "landcover-live-asks"))

    def stop(self) -> None:
        """End what is under way; returns at once."""
        self._stopped.set()

    def join(self, wait_s: float) -> None:
        """Wait for the end of the threads, for some seconds at most."""
        for join in self._joins:
            join(wait_s)


def place_of_service(provider: str, source: str) -> tuple[QgsCoordinateReferenceSystem, QgsRectangle]:
    """CRS and extent of a service as far as they are known before it is asked.

    Args:
        provider: key of QGIS' provider.
        source: as that provider understands it.
    """
    if is_main_thread():
        for layer in QgsProject.instance().mapLayers().values():
            if layer.isValid() and layer.providerType() == provider and layer.source() == source:
                return QgsCoordinateReferenceSystem(layer.crs()), QgsRectangle(layer.extent())
    return QgsCoordinateReferenceSystem(QgsDataSourceUri(source).param("crs")), QgsRectangle()
