"""The feeds that are open in this QGIS, and the tile cache behind them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..core.backends import Backend
from ..core.backends.opening import open_backend
from ..core.errors import LandcoverError, ModelError
from ..core.model import ModelSpec
from ..qgis_imagery import LayerImagery, host_of
from ..qgis_imagery.image_server import image_address
from ..qgis_imagery.image_service_imagery import ImageServiceImagery
from ..translation import tr
from .disk_tiles import DiskTiles
from .feed import TileFeed
from .imagery import feed_source, layer_imagery, open_layer, short_name
from .live_settings import MEGABYTE, LiveSettings
from .live_source import LiveSource
from .memory_tiles import MemoryTiles
from .rated_backend import RatedBackend
from .service_inquiries import ServiceInquiries, place_of_service
from .threads import is_main_thread, start_thread
from .tile_cache import TileCache
from .uri import LiveUri, parse_uri

_IDLE_S = 20.0
_END_S = 10.0

Tell = Callable[[str, str], None]
"""Says a sentence to the user, with a word for what would help; from any thread."""


class LiveFeeds:
    """Feeds by what they predict. Made at the first live layer, for it brings numpy and the database in.

    It owns the feeds: providers hold them too, and a feed that no provider has held for a while is
    closed by :meth:`tidy`, never in a render thread. :meth:`open` may be called from any thread,
    all else belongs to the main thread.

    Args:
        settings: of now, whenever they are asked for.
        find_model: an installed model by name; raises a ModelError.
        cache_path: of the tiles on disk.
        tell: what the user is to know.
        changed: a tile came to a feed, or its state changed; called in any thread.
        incomplete: somebody who waited for predictions did not get them; from any thread.
        answered: a service that was asked has said what it has, or has failed to; from any thread.
        has_window: whether the main thread belongs to a window, so that it is not to wait for a service.
    """

    def __init__(
        self,
        settings: Callable[[], LiveSettings],
        find_model: Callable[[str], ModelSpec],
        cache_path: Path,
        tell: Tell,
        changed: Callable[[TileFeed], None],
        incomplete: Callable[[LiveSource, Exception], None],
        answered: Callable[[], None],
        has_window: bool,
    ) -> None:
        self._settings, self._find_model, self._tell = settings, find_model, tell
        self._changed, self._incomplete = changed, incomplete
        self._has_window = has_window
        self._services = ServiceInquiries(answered)
        self._feeds: dict[tuple[str, ...], TileFeed] = {}
        self._idle_since: dict[tuple[str, ...], float] = {}
        self._leaving: list[TileFeed] = []
        self._lock = threading.RLock()
        self._openings = 0
        self._closed = False
        self.cache = self._make_cache(cache_path)

    def _make_cache(self, path: Path) -> TileCache:
        settings = self._settings()
        limit = settings.disk_mb * MEGABYTE
        disk = DiskTiles(path, limit, lambda text: self._tell(text, "cache")) if limit else None
        cache = TileCache(MemoryTiles(settings.memory_mb * MEGABYTE), disk)
        cache.is_busy = self._is_busy
        return cache

    def _is_busy(self) -> bool:
        return any(feed.queue.is_busy for feed in self.all())

    def all(self) -> list[TileFeed]:
        """Those that are open."""
        return list(self._feeds.values())

    # -- what layers stand for -------------------------------------------------------------------

    def open(self, text: str, *, quietly: bool = False) -> LiveSource:
        """What a data source stands for; what is wrong with it is kept in ``problem``, and said unless quietly."""
        source = LiveSource(LiveUri("", "", ""), "", self._incomplete)
        try:
            source.uri = parse_uri(text)
            self._fill(source)
        except LandcoverError as e:
            source.problem = str(e)
            if not quietly:
                self._tell(str(e), "model" if isinstance(e, ModelError) else "imagery")
        return source

    def _fill(self, source: LiveSource) -> None:
        uri = source.uri
        address = image_address(uri.provider, uri.source)
        if address is None:
            layer = open_layer(uri.provider, uri.source)
            source.name = layer.source().rsplit("/", 1)[-1] if uri.provider == "gdal" else uri.provider
            source.crs, source.extent = layer.crs(), layer.extent()
            source.width, source.height = layer.width(), layer.height()
            source.is_valid = True
            source.spec = self._find_model(uri.model)
            self._feed(source, source.spec, layer_imagery(layer))
            return
        # without QGIS' own provider, which asks the service while the main thread waits
        source.name = uri.provider
        source.crs, source.extent = place_of_service(uri.provider, uri.source)
        source.is_valid = True
        source.spec = self._find_model(uri.model)
        name = short_name(uri.provider, uri.source)
        service = address.known() if self._has_window and is_main_thread() else address.service(name)
        if service is not None:
            imagery = ImageServiceImagery(service, name)
            source.crs = imagery.crs
            self._feed(source, source.spec, imagery)
            return
        source.is_awaited = True
        source.problem = tr("Asking {} what imagery it has…").format(host_of(uri.source))
        self._services.ask(address, name)

    def _feed(self, source: LiveSource, spec: ModelSpec, opened: LayerImagery | ImageServiceImagery) -> None:
        """Give a layer the feed of its imagery and model, a new one where there is none."""
        uri = source.uri
        imagery = feed_source(opened, spec.pixel_size_m.best, uri.at)
        key = (uri.provider, uri.source, uri.bands, spec.name, spec.sha256,
               self._settings().backend, str(self._openings), repr(uri.at),
               imagery.sources[0].fingerprint)  # fmt: skip
        with self._lock:
            feed = self._feeds.get(key)
            if self._closed:  # nobody would end its threads
                for unused in imagery.sources:
                    unused.close()
                return
            if feed is None:
                feed = self._feeds[key] = TileFeed(
                    imagery, spec, self._open_backend, self.cache, start_thread, uri.bands
                )
                feed.listeners.append(self._changed)
            else:
                feed.try_again()  # a project that is opened again after its model was put back
                for unused in imagery.sources:
                    unused.close()
            self._idle_since.pop(key, None)
        source.feed = feed
        grid = feed.grid.extent()
        source.extent.set(grid.xmin, grid.ymin, grid.xmax, grid.ymax)
        source.width, source.height = feed.grid.width, feed.grid.height

    def _open_backend(self, spec: ModelSpec) -> Backend:
        return RatedBackend(open_backend(self._settings().backend, spec), spec.tile)

    def reopen_backends(self) -> None:
        """Whoever opens a data source from now on gets a feed, and so a backend, that is opened anew."""
        self._openings += 1

    # -- life ------------------------------------------------------------------------------------

    def tidy(self) -> None:
        """Close feeds that nobody has held for a while; to be called now and then."""
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

    def close(self) -> None:
        """End all threads; data sources that are opened from now on have no feed."""
        with self._lock:
            self._closed = True
        self._services.stop()
        for key in list(self._feeds):
            self._drop(key)
        until = time.monotonic() + _END_S
        self._services.join(_END_S)
        for feed in self._leaving:
            feed.join(max(0.0, until - time.monotonic()))
        self.cache.close()
