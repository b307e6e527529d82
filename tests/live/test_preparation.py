from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from landcover_plugin.core.errors import ImageryError
from landcover_plugin.live.preparation import Preparation
from tests.fake_backend import FakeBackend, fake_spec
from tests.live.feeds import IO, make_feed, predicted, whole_view
from tests.rasters import noise, write_raster


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "image.tif", noise(4, 300, 421))


class Slow:
    """A backend whose opening waits until it is let go on; counts its openings and closings."""

    def __init__(self) -> None:
        self.go_on, self.opened, self.closed = threading.Event(), 0, 0

    def open(self, spec: Any) -> FakeBackend:
        assert self.go_on.wait(30)
        self.opened += 1
        backend = FakeBackend(spec)
        real = backend.close

        def close() -> None:
            self.closed += 1
            real()

        backend.close = close  # type: ignore[method-assign]
        return backend


def left_of_opening() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "landcover-live-opening"]


def test_the_imagery_is_sampled_while_the_backend_is_being_opened(image: Path):
    slow = Slow()

    def sampled(source: Any) -> Any:
        slow.go_on.set()  # would never be reached if the backend came first
        return source

    preparation = Preparation(fake_spec(), slow.open, sampled, "", None)
    preparation.begin()
    setup, is_new = preparation.ready(IO.open(str(image)))
    assert is_new
    assert preparation.ready(IO.open(str(image))) == (setup, False)
    preparation.close()
    assert (slow.opened, slow.closed) == (1, 1)


def test_a_backend_that_opens_when_nobody_wants_it_any_more_is_closed(image: Path):
    slow = Slow()
    feed = make_feed(image, open_backend=slow.open)
    feed.prepare()
    feed.close()
    slow.go_on.set()
    assert feed.join(30)
    assert (slow.opened, slow.closed) == (1, 1)
    assert left_of_opening() == []


def test_imagery_that_does_not_fit_leaves_the_backend_for_the_next_try(image: Path):
    slow = Slow()
    slow.go_on.set()

    def refused(source: Any) -> Any:
        raise ImageryError("It does not fit.")

    preparation = Preparation(fake_spec(), slow.open, refused, "", None)
    for _ in range(2):
        with pytest.raises(ImageryError):
            preparation.ready(IO.open(str(image)))
    preparation.close()
    assert (slow.opened, slow.closed) == (1, 1)


def test_a_feed_that_was_prepared_says_nothing_of_trouble_until_somebody_looks(image: Path):
    def fails(spec: Any) -> Any:
        raise ImageryError("It cannot be opened.")

    feed = make_feed(image, open_backend=fails)
    said: list[Any] = []
    feed.listeners.append(lambda f: said.append(f.error))
    feed.prepare()
    while feed._preparation.reopening.error is None:
        threading.Event().wait(0.01)
    assert feed.error is None
    assert said == []
    with pytest.raises(ImageryError):
        predicted(feed, whole_view(feed))
    feed.close()
    assert feed.join(30)
