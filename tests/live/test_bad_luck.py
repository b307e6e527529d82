"""Imagery that changes, goes, says little of itself, or lies far below the view."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from tests.live.test_provider import batch, live_layer, render, wait_for
from tests.rasters import noise, write_raster

qgis = pytest.importorskip("qgis.core")


def shown(layer) -> np.ndarray:
    """All of a layer as a layout draws it: with every tile."""
    table = layer.dataProvider().live.spec.legend.colour_table()[:, :3]
    picture = render(layer, (layer.width(), layer.height()))
    classes = np.full(picture.shape[:2], 255, np.uint8)
    for c in layer.dataProvider().live.spec.legend:
        classes[(picture == table[c.id]).all(axis=2)] = c.id
    return classes


@pytest.fixture
def said(session) -> list[str]:
    sentences: list[str] = []
    session.said.connect(lambda text, about: sentences.append(text))
    return sentences


@pytest.fixture
def layer(session, image):
    made = live_layer(image)
    qgis.QgsProject.instance().addMapLayer(made)
    return made


def look_until(layer, condition, seconds: float = 25) -> None:
    """As a map window looks at a layer, again and again."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        feed = layer.dataProvider().live.feed
        view = feed.view(feed.grid.extent(), layer.height(), layer.width())
        feed.ask(view, [index for index in view.tiles() if index not in feed.there(view, "classes")])
        until = time.monotonic() + 0.2
        wait_for(lambda: time.monotonic() > until)  # noqa: B023


@pytest.mark.parametrize("in_place", [False, True])
def test_a_file_that_is_replaced_is_predicted_anew_and_that_is_said_once(
    layer, said, image, models, tmp_path, in_place
):
    before = shown(layer)
    feed = layer.dataProvider().live.feed
    new = write_raster(tmp_path / "new.tif", noise(4, 280, 400, seed=5))
    if in_place:
        image.write_bytes(new.read_bytes())
    else:
        os.replace(new, image)
    look_until(layer, lambda: layer.dataProvider().live.feed is not feed)
    np.testing.assert_array_equal(shown(layer), batch(image, models, tmp_path / "batch.tif"))
    assert shown(layer).shape != before.shape
    assert layer.renderer().type() == "paletted"
    assert said == [f"{image} was replaced; land cover is predicted anew."]


def test_a_file_that_is_deleted_leaves_what_was_predicted_and_one_sentence(layer, said, image):
    before = shown(layer)
    image.unlink()
    look_until(layer, lambda: bool(said))
    assert layer.isValid()
    np.testing.assert_array_equal(shown(layer), before)
    look_until(layer, lambda: layer.dataProvider().live.feed.error is not None, 5)
    assert len(said) == 1
    assert said[0].startswith(f"{image} is not where it was;")


def test_a_file_that_is_moved_and_put_back_goes_on_without_a_new_feed(layer, said, image):
    before = shown(layer)
    feed = layer.dataProvider().live.feed
    image.rename(image.with_name("away.tif"))
    look_until(layer, lambda: bool(said))
    image.with_name("away.tif").rename(image)
    look_until(layer, lambda: feed.error is None)
    assert layer.dataProvider().live.feed is feed
    np.testing.assert_array_equal(shown(layer), before)
    assert len(said) == 1


def test_an_image_without_a_crs_is_predicted_as_in_batch(session, said, models, tmp_path):
    image = write_raster(tmp_path / "bare.tif", noise(4, 150, 200), crs=None)
    layer = live_layer(image)
    assert not layer.crs().isValid()
    feed = layer.dataProvider().live.feed
    view = feed.view(feed.grid.extent(), 150, 200)
    assert view.level == 0
    tiles = feed.wait(view, "classes", lambda: False)
    np.testing.assert_array_equal(
        feed.paint(view, tiles, "classes"), batch(image, models, tmp_path / "batch.tif")
    )
    assert said == []


def test_a_view_without_a_valid_pixel_is_empty_and_done(session, said, tmp_path):
    values = noise(4, 200, 300) + 1
    values[:, :, :200] = 0
    image = write_raster(tmp_path / "holes.tif", values, nodata=0)
    layer = live_layer(image)
    feed = layer.dataProvider().live.feed
    from landcover_plugin.core.grid import Window

    view = feed.view(feed.grid.extent(Window(20, 10, 120, 120)), 120, 120)
    tiles = feed.wait(view, "classes", lambda: False)
    assert (feed.paint(view, tiles, "classes") == 255).all()
    assert feed.queue.waiting == 0
    assert (shown(layer)[:, 200:] != 255).all()
    assert (shown(layer)[:, :200] == 255).all()
    assert said == []


def test_a_view_from_far_out_asks_for_nothing_and_is_drawn_at_once(layer, said):
    centre = layer.extent().center()
    half = 5_000_000 * 0.26 / 2  # a screen of 1000 pixels at 1:5,000,000
    view = qgis.QgsRectangle(centre.x() - half, centre.y() - half, centre.x() + half, centre.y() + half)
    started = time.monotonic()
    picture = render(layer, (1000, 1000), view)
    assert time.monotonic() - started < 2
    assert (picture == 255).all()
    feed = layer.dataProvider().live.feed
    assert feed.queue.waiting == 0
    assert not feed.queue.is_busy
    assert said == []
