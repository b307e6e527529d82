"""What must be known before the first tile: how chips are made, and what runs the model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from ..core.backends import Backend
from ..core.errors import BackendError, LandcoverError
from ..core.imagery import ImagerySource
from ..core.model import ModelSpec
from ..core.recipe import choose_recipe
from .tile_store import series_of
from .workers import Reopening, Setup


class Preparation:
    """Samples the imagery once, and opens the backend again whenever it was lost. Any thread may call.

    The backend is opened in a thread of its own, which ends with that, while the imagery is sampled.

    Args:
        spec: the model.
        open_backend: opens it; may take seconds.
        to_sample: what the choice of a recipe gets to see of a source.
        bands: the user's mapping, guessed where empty.
        keeps_for_s: how long tiles stay good.
    """

    def __init__(
        self,
        spec: ModelSpec,
        open_backend: Callable[[ModelSpec], Backend],
        to_sample: Callable[[ImagerySource], ImagerySource],
        bands: str,
        keeps_for_s: float | None,
    ) -> None:
        self._spec, self._open_backend, self._to_sample = spec, open_backend, to_sample
        self._bands, self._keeps_for_s = bands, keeps_for_s
        self._lock = threading.Lock()
        self._lost: Backend | None = None
        self._opening: Future[Backend] | None = None
        self.reopening = Reopening()
        self.setup: Setup | None = None

    def begin(self) -> None:
        """Start opening the backend, where nobody has; returns at once."""
        with self._lock:
            if self.setup is None and self.reopening.error is None:
                self._open()

    def _open(self) -> Future[Backend]:
        """With the lock held: the backend that is being opened."""
        if self._opening is None:
            opening = self._opening = Future()
            threading.Thread(
                target=_carry_out,
                args=(opening, lambda: self._open_backend(self._spec)),
                name="landcover-live-opening",
                daemon=True,
            ).start()
        return self._opening

    def ready(self, source: ImagerySource) -> tuple[Setup, bool]:
        """The setup, and whether it is new.

        Raises:
            LandcoverError: it cannot be had now; it is tried again after a while.
        """
        with self._lock:
            failed = self.reopening.error
            if self.setup is not None and failed is None:
                return self.setup, False
            if failed is not None and not self.reopening.is_due:
                raise failed
            if self._lost is not None:
                self._lost.close()
                self._lost = None
            try:
                self.setup = self._prepare(source)
            except LandcoverError as e:
                self.reopening.failed(e)
                raise
            self.reopening.succeeded()
            return self.setup, True

    def _prepare(self, source: ImagerySource) -> Setup:
        opening = self._open()
        if self.setup is not None:
            choice = self.setup.choice
        else:
            choice = choose_recipe(self._to_sample(source), self._spec, bands=self._bands)
        try:
            backend = opening.result()
        finally:
            self._opening = None
        series = series_of(
            source.fingerprint, choice.recipe, self._spec, backend.numeric_kind, self._keeps_for_s
        )
        return Setup(choice, series, backend)

    def lose_backend(self, error: BackendError) -> None:
        """The backend failed: it is opened again for a later tile."""
        with self._lock:
            if self.setup is not None and self.reopening.error is None:
                self.reopening.failed(error)
                # closed by a worker later: we may be in a thread of the backend's own
                self._lost = self.setup.backend

    def close(self) -> None:
        """Give the backend back; nobody uses it any more."""
        with self._lock:
            if self._opening is not None and self._opening.exception() is None:
                self._opening.result().close()
            self._opening = None
            left = self._lost
            if left is None and self.setup is not None and self.reopening.error is None:
                left = self.setup.backend
            if left is not None:
                left.close()
            self._lost = None


def _carry_out(future: Future[Backend], work: Callable[[], Backend]) -> None:
    try:
        future.set_result(work())
    except BaseException as e:  # whoever asks for the result raises it
        future.set_exception(e)
