"""QGIS' list of providers, in which ``landcover`` stands once for the whole session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsProviderMetadata, QgsProviderRegistry
from qgis.PyQt import sip

from ..translation import tr
from .moved_projects import for_project, from_project

KEY = "landcover"


class LiveMetadata(QgsProviderMetadata):
    """Forwards to what the plugin offers now.

    QGIS keeps it for ever, for nothing can be taken out of its list: after the plugin is unloaded
    ``factory`` is None and layers are invalid; after a reload it points to the new code.
    """

    factory: Callable[[str], Any] | None = None

    def createProvider(self, uri: str, options: Any, flags: Any = None) -> Any:
        """A provider, or None where the plugin is off."""
        return self.factory(uri) if self.factory else None

    def absoluteToRelativeUri(self, uri: str, context: Any) -> str:
        """What a project file holds of a source (QGIS 3.30 and later)."""
        return for_project(uri, context.pathResolver()) if self.factory else uri

    def relativeToAbsoluteUri(self, uri: str, context: Any) -> str:
        """The source of what a project file holds (QGIS 3.30 and later)."""
        return from_project(uri, context.pathResolver()) if self.factory else uri


def register(factory: Callable[[str], Any]) -> None:
    """Let QGIS make live layers with ``factory``."""
    registry = QgsProviderRegistry.instance()
    metadata = registry.providerMetadata(KEY)
    if metadata is None:
        metadata = LiveMetadata(KEY, tr("Land cover, predicted live"))
        registry.registerProvider(metadata)
        # the bindings tie its life to this wrapper of the registry, which ends with the function
        sip.transferto(metadata, metadata)
    metadata.factory = factory


def unregister() -> None:
    """Let new live layers be invalid; those that are open stay as they are."""
    metadata = QgsProviderRegistry.instance().providerMetadata(KEY)
    if metadata is not None:
        metadata.factory = None
