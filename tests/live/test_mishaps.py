"""What happens to a live layer when its model or its backend changes under it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.live.test_provider import live_layer, wait_for
from tests.tiny_model import write_tiny_model

qgis = pytest.importorskip("qgis.core")


def other_model(models: Path) -> None:
    """Another network under the name of the one that is open."""
    shutil.rmtree(models / "four")
    write_tiny_model(models / "four", bands=4, pixel_size_m=(0.6, 0.3, 5.0), fill="reflect", seed=7)


def predicted(layer, seconds: float = 60) -> np.ndarray:
    """All of a layer's classes at native scale, as a map window that looks at it gets them."""
    feed = layer.dataProvider().live.feed
    view = feed.view(feed.grid.extent(), feed.grid.height, feed.grid.width)

    def is_there() -> bool:
        there = feed.there(view, "classes")
        feed.ask(view, [index for index in view.tiles() if index not in there])
        return len(there) == len(view.tiles())

    wait_for(is_there, seconds)
    return feed.paint(view, feed.there(view, "classes"), "classes")


def test_a_model_replaced_under_its_name_leaves_the_open_layer_and_serves_the_next(session, image, models):
    layer = live_layer(image)
    before = predicted(layer)
    other_model(models)
    session.cache.memory.clear()
    np.testing.assert_array_equal(predicted(layer), before)
    new = predicted(live_layer(image))
    assert (new != before).mean() > 0.1
    np.testing.assert_array_equal(predicted(layer), before)


@pytest.mark.parametrize("was_used", [True, False])
def test_what_is_opened_after_the_session_was_closed_starts_no_thread(session, image, was_used):
    from landcover_plugin.live.uri import LiveUri

    text = LiveUri(str(image), "gdal", "four", "classes").text()
    if was_used:
        assert session.source_of(text).feed is not None
    session.close()
    assert session.source_of(text).feed is None
    assert session.feeds == []


def test_a_layer_that_is_bound_anew_shows_the_model_that_is_there_now(session, image, models):
    from landcover_plugin.gui.live_layers import bind

    layer = live_layer(image)
    before = predicted(layer)
    other_model(models)
    bind(layer)
    assert (predicted(layer) != before).mean() > 0.1


def test_a_model_removed_while_it_is_open_goes_on_until_it_is_bound_anew(session, image, models):
    from landcover_plugin.gui.live_layers import bind

    said = []
    session.said.connect(lambda text, about: said.append((text, about)))
    layer = live_layer(image)
    before = predicted(layer)
    shutil.rmtree(models / "four")
    session.cache.clear()
    np.testing.assert_array_equal(predicted(layer), before)
    assert said == []
    bind(layer)
    assert layer.isValid()
    assert said[0][1] == "model"
    assert "'four'" in layer.dataProvider().lastError()


def test_a_worker_that_is_killed_in_mid_view_is_started_again(session, image, monkeypatch):
    from landcover_plugin.core.backends.settings import PYTHON_VARIABLE
    from landcover_plugin.core.backends.worker import worker_process

    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    expected = predicted(live_layer(image))
    session.cache.clear()
    session.apply(replace(session.settings, backend="worker:"))
    layer = live_layer(image)
    feed = layer.dataProvider().live.feed
    feed.prepare()
    wait_for(lambda: feed.setup is not None, 60)
    process = worker_process(sys.executable)
    view = feed.view(feed.grid.extent(), feed.grid.height, feed.grid.width)
    feed.ask(view, view.tiles())
    first = process.pid
    assert first is not None
    time.sleep(0.05)
    os.kill(first, signal.SIGKILL)
    np.testing.assert_array_equal(predicted(layer), expected)
    session.cache.clear()
    predicted(layer)
    assert process.pid not in (None, first)
