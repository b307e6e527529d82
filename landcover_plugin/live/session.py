"""All that live layers share in this QGIS, and what is said to the user of them."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import Qgis, QgsApplication, QgsDataProvider, QgsMessageLog, QgsProject
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.errors import ImageryError, ModelError
from ..core.model import ModelSpec
from ..core.model_library import find_model, model_folders
from ..translation import tr
from .live_settings import MEGABYTE, LiveSettings, cache_file, read_settings
from .moved_projects import PathHooks
from .native_exports import NativeExports
from .registry import KEY, register, unregister

if TYPE_CHECKING:
    from .feed import TileFeed
    from .feeds import LiveFeeds
    from .live_source import LiveSource
    from .provider import LandcoverProvider
    from .tile_cache import TileCache

LOG = "Land cover"
_TICK_MS = 250


class LiveSession(QObject):
    """What the interface knows of live layers; the feeds behind them are made at the first one.

    Made and closed in the main thread, one at a time. QGIS starts with it, so it imports nothing heavy.

    Signals:
        changed: a tile came, or the state of a feed changed (the feed). In the main thread.
        said: a sentence for the user, and a word for what would help (``model``, ``imagery``,
            ``backend``, ``export``, ``cache``). The same sentence comes once.
        answered: layers that wait for what a service says of itself can be bound anew.

    Args:
        settings: the user's where None.
        cache_path: QGIS' cache folder where None.
        has_window: whether the main thread belongs to a window, which is not to freeze.
    """

    changed = pyqtSignal(object)
    said = pyqtSignal(str, str)
    answered = pyqtSignal()
    _stale = pyqtSignal(object)

    def __init__(
        self,
        settings: LiveSettings | None = None,
        cache_path: Path | None = None,
        *,
        has_window: bool = False,
    ) -> None:
        super().__init__()
        self._has_window = has_window
        self.settings = settings or read_settings()
        self._cache_path = cache_path
        self._told: dict[str, float] = {}
        self._made: LiveFeeds | None = None
        self._lock = threading.RLock()
        self._closed = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_TICK_MS)
        self._stale.connect(self._renew)
        register(self.make_provider)
        self._paths = PathHooks()
        self._exports = NativeExports(self.tell)
        QgsApplication.instance().aboutToQuit.connect(self.close)

    # -- what layers stand for -------------------------------------------------------------------

    def make_provider(self, text: str) -> LandcoverProvider:
        """For QGIS: the provider of a data source. It is returned even where it is invalid."""
        from .provider import LandcoverProvider

        return LandcoverProvider(text, self.source_of(text))

    def source_of(self, text: str, *, quietly: bool = False) -> LiveSource:
        """What a data source stands for; what is wrong with it is kept in ``problem``, and said."""
        return self._open_feeds().open(text, quietly=quietly)

    def _open_feeds(self) -> LiveFeeds:
        with self._lock:
            if self._made is None:
                from .feeds import LiveFeeds

                self._made = LiveFeeds(
                    lambda: self.settings,
                    self.model,
                    self._cache_path or cache_file(),
                    self.tell,
                    self._on_change,
                    self._report,
                    self._on_answer,
                    self._has_window,
                )
                if self._closed:
                    self._made.close()
            return self._made

    @property
    def cache(self) -> TileCache:
        """Of the tiles of all layers."""
        return self._open_feeds().cache

    @property
    def feeds(self) -> list[TileFeed]:
        """Those that are open."""
        return self._made.all() if self._made is not None else []

    def model(self, name: str) -> ModelSpec:
        """An installed model.

        Raises:
            ModelError: there is none of that name, or it does not label pixels.
        """
        spec = find_model(name, self.folders())
        if spec.task != "segmentation":
            raise ModelError(
                tr("Model '{}' labels whole chips, not pixels; choose a segmentation model.").format(name)
            )
        return spec

    def reopen_backends(self) -> None:
        """What runs models has changed: layers that are bound anew open it, with no feed of before."""
        if self._made is not None:
            self._made.reopen_backends()

    def folders(self) -> list[Path]:
        """Where models are looked for."""
        own = self.settings.models_folder
        return model_folders(Path(own) if own else None)

    # -- news ------------------------------------------------------------------------------------

    def _on_change(self, feed: TileFeed) -> None:
        """From any thread."""
        if not self._closed:
            self.changed.emit(feed)
            if feed.error is not None:
                self.tell(str(feed.error), "imagery" if isinstance(feed.error, ImageryError) else "backend")
            if feed.is_stale:
                self._stale.emit(feed)

    def _on_answer(self) -> None:
        """From any thread."""
        if not self._closed:
            self.answered.emit()

    def _renew(self, feed: TileFeed) -> None:
        """The file behind a feed is another one: its layers get a new feed. In the main thread."""
        layers = [layer for layer in QgsProject.instance().mapLayers().values() if _feed_of(layer) is feed]
        if not layers or self._closed:
            return
        name = feed.imagery.sources[0].name
        self.tell(tr("{} was replaced; land cover is predicted anew.").format(name), "imagery")
        for layer in layers:
            layer.setDataSource(layer.source(), layer.name(), KEY, QgsDataProvider.ProviderOptions())
            layer.triggerRepaint()

    def _report(self, source: LiveSource, error: Exception) -> None:
        """From any thread: somebody who waited for predictions did not get them."""
        sentence = tr("A picture or file is not complete, live land cover of {} is missing: {}")
        self.tell(sentence.format(source.name, error), "export")

    def tell(self, sentence: str, about: str) -> None:
        """Say something to the user, once a minute at most; from any thread."""
        now = time.monotonic()
        with self._lock:
            if now - self._told.get(sentence, -1e9) < 60:
                self._told[sentence] = now
                return
            self._told[sentence] = now
        QgsMessageLog.logMessage(sentence, LOG, Qgis.MessageLevel.Warning)
        self.said.emit(sentence, about)

    def warn(self, sentence: str) -> None:
        """What a backend has to say to the user; from any thread."""
        self.tell(sentence, "backend")

    # -- life ------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self._made is not None:
            self._made.tidy()

    def apply(self, settings: LiveSettings) -> None:
        """Use new settings from now on. Open layers go over to them when they are bound anew."""
        self.settings = settings
        if self._made is not None:
            cache = self._made.cache
            cache.memory.resize(settings.memory_mb * MEGABYTE)
            if cache.disk is not None and settings.disk_mb:
                cache.disk.limit_bytes = settings.disk_mb * MEGABYTE

    def close(self) -> None:
        """End all threads. Open layers stay and show what they have."""
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        unregister()
        self._paths.end()
        self._exports.close()
        with self._lock:
            made = self._made
        if made is not None:
            made.close()


def _feed_of(layer: Any) -> TileFeed | None:
    """The feed of a live layer; None for any other."""
    is_live = layer.providerType() == KEY and layer.isValid()
    return layer.dataProvider().live.feed if is_live else None
