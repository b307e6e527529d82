"""All that live layers share in this QGIS: feeds, the tile cache, and what is said to the user."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from qgis.core import Qgis, QgsApplication, QgsMessageLog
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.backends import Backend
from ..core.backends.opening import open_backend
from ..core.errors import LandcoverError, ModelError
from ..core.model import ModelSpec
from ..core.model_library import find_model, model_folders
from ..translation import tr
from .disk_tiles import DiskTiles
from .feed import TileFeed
from .imagery import feed_source, open_layer
from .live_settings import MEGABYTE, LiveSettings, cache_file, read_settings
from .live_source import LiveSource
from .memory_tiles import MemoryTiles
from .provider import LandcoverProvider
from .rated_backend import RatedBackend
from .registry import register, unregister
from .threads import start_thread
from .tile_cache import TileCache
from .uri import LiveUri, parse_uri

LOG = "Land cover"
_TICK_MS = 250
_IDLE_S = 20.0
_END_S = 10.0


class LiveSession(QObject):
    """Feeds by what they predict, and the cache behind them.

    Made and closed in the main thread, one at a time. It owns the feeds: providers hold them too,
    and a feed that no provider has held for a while is closed here, never in a render thread.

    Signals:
        changed: a tile came, or the state of a feed changed (the feed). In the main thread.
        said: a sentence for the user, and a word for what would help (``model``, ``imagery``,
            ``backend``, ``export``, ``cache``). The same sentence comes once.
    """

    changed = pyqtSignal(object)
    said = pyqtSignal(str, str)
    _fault = pyqtSignal(object)

    def __init__(self, settings: LiveSettings | None = None, cache_path: Path | None = None) -> None:
        super().__init__()
        self.settings = settings or read_settings()
        self._told: dict[str, float] = {}
        self._feeds: dict[tuple[str, ...], TileFeed] = {}
        self._idle_since: dict[tuple[str, ...], float] = {}
        self._leaving: list[TileFeed] = []
        self._lock = threading.RLock()
        self._closed = False
        self._openings = 0
        self.cache = self._make_cache(cache_path or cache_file())
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_TICK_MS)
        register(self.make_provider)
        QgsApplication.instance().aboutToQuit.connect(self.close)

    def _make_cache(self, path: Path) -> TileCache:
        limit = self.settings.disk_mb * MEGABYTE
        disk = DiskTiles(path, limit, lambda text: self.tell(text, "cache")) if limit else None
        cache = TileCache(MemoryTiles(self.settings.memory_mb * MEGABYTE), disk)
        cache.is_busy = self._is_busy
        return cache

    def _is_busy(self) -> bool:
        return any(feed.queue.is_busy for feed in list(self._feeds.values()))

    # -- what layers stand for -------------------------------------------------------------------

    def make_provider(self, text: str) -> LandcoverProvider:
        """For QGIS: the provider of a data source. It is returned even where it is invalid."""
        return LandcoverProvider(text, self.source_of(text))

    def source_of(self, text: str) -> LiveSource:
        """What a data source stands for; what is wrong with it is said and kept in ``problem``."""
        try:
            uri = parse_uri(text)
        except LandcoverError as e:
            self.tell(str(e), "imagery")
            return LiveSource(LiveUri("", "", ""), str(e), self._report)
        source = LiveSource(uri, "", self._report)
        try:
            self._fill(source)
        except LandcoverError as e:
            source.problem = str(e)
            self.tell(str(e), "model" if isinstance(e, ModelError) else "imagery")
        return source

    def _fill(self, source: LiveSource) -> None:
        uri = source.uri
        layer = open_layer(uri.provider, uri.source)
        source.name = layer.source().rsplit("/", 1)[-1] if uri.provider == "gdal" else uri.provider
        source.crs, source.extent = layer.crs(), layer.extent()
        source.width, source.height = layer.width(), layer.height()
        source.is_valid = True
        source.spec = self.model(uri.model)
        imagery = feed_source(layer, source.spec.pixel_size_m.best, uri.at)
        key = (uri.provider, uri.source, uri.bands, source.spec.name, source.spec.sha256,
               self.settings.backend, str(self._openings), repr(uri.at),
               imagery.sources[0].fingerprint)  # fmt: skip
        with self._lock:
            feed = self._feeds.get(key)
            if feed is None:
                feed = self._feeds[key] = TileFeed(
                    imagery, source.spec, self._open_backend, self.cache, start_thread, uri.bands
                )
                feed.listeners.append(self._on_change)
            else:
                for unused in imagery.sources:
                    unused.close()
            self._idle_since.pop(key, None)
        source.feed = feed
        grid = feed.grid.extent()
        source.extent.set(grid.xmin, grid.ymin, grid.xmax, grid.ymax)
        source.width, source.height = feed.grid.width, feed.grid.height

    def model(self, name: str) -> ModelSpec:
        """An installed model.

        Raises:
            ModelError: there is none of that name, or it does not label pixels.
        """
        spec = find_model(name, self.folders())
        if spec.task != "segmentation":
            raise ModelError(f"Model '{name}' labels whole chips, not pixels; choose a segmentation model.")
        return spec

    def folders(self) -> list[Path]:
        """Where models are looked for."""
        own = self.settings.models_folder
        return model_folders(Path(own) if own else None)

    def _open_backend(self, spec: ModelSpec) -> Backend:
        return RatedBackend(open_backend(self.settings.backend, spec), spec.tile)

    def reopen_backends(self) -> None:
        """What runs models has changed: layers that are bound anew open it, with no feed of before."""
        self._openings += 1

    # -- news ------------------------------------------------------------------------------------

    def _on_change(self, feed: TileFeed) -> None:
        """From any thread."""
        if not self._closed:
            self.changed.emit(feed)
            if feed.error is not None:
                self.tell(str(feed.error), "backend")

    def _report(self, source: LiveSource, error: Exception) -> None:
        """From any thread: somebody who waited for predictions did not get them."""
        self.tell(tr("A picture or file with live land cover is not complete: {}").format(error), "export")

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

    @property
    def feeds(self) -> list[TileFeed]:
        """Those that are open."""
        return list(self._feeds.values())

    def _tick(self) -> None:
        now = time.monotonic()
        for key, feed in list(self._feeds.items()):
            feed.queue.tidy()
            if len(feed.users):
                self._idle_since.pop(key, None)
            elif now - self._idle_since.setdefault(key, now) > _IDLE_S:
                self._drop(key)
        self._leaving = [feed for feed in self._leaving if not feed.join(0)]

    def _drop(self, key: tuple[str, ...]) -> None:
        with self._lock:
            feed = self._feeds.pop(key)
            self._idle_since.pop(key, None)
        feed.close()
        self._leaving.append(feed)

    def apply(self, settings: LiveSettings) -> None:
        """Use new settings from now on. Open layers go over to them when they are bound anew."""
        self.settings = settings
        self.cache.memory.resize(settings.memory_mb * MEGABYTE)
        if self.cache.disk is not None and settings.disk_mb:
            self.cache.disk.limit_bytes = settings.disk_mb * MEGABYTE

    def close(self) -> None:
        """End all threads. Open layers stay and show what they have."""
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        unregister()
        for key in list(self._feeds):
            self._drop(key)
        until = time.monotonic() + _END_S
        for feed in self._leaving:
            feed.join(max(0.0, until - time.monotonic()))
        self.cache.close()
