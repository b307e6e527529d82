"""Another backend in the middle of a frame: what the old one predicted does not stay."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.fake_backend import FakeBackend
from tests.live.test_provider import live_layer, wait_for

qgis = pytest.importorskip("qgis.core")

OLD, NEW = "onnxruntime:cpu", "numpy:"


class OneClass(FakeBackend):
    """Sees the same class everywhere; answers when it is let."""

    def __init__(self, spec, class_id: int) -> None:
        super().__init__(spec)
        self.numeric_kind = f"class-{class_id}"
        self.class_id = class_id
        self.may_answer = threading.Event()
        self.may_answer.set()

    def _answer(self, chips, outputs, number):
        self.may_answer.wait(20)
        answers = super()._answer(chips, outputs, number)
        answers["classes"][:] = self.class_id
        return answers


class Stage:
    """A map window with a live layer, and frames that can be held up in a thread that draws."""

    def __init__(self, session, image, monkeypatch) -> None:
        from qgis.gui import QgsMapCanvas
        from qgis.PyQt.QtGui import QColor

        from landcover_plugin.live import feeds
        from landcover_plugin.live.provider import LandcoverProvider
        from landcover_plugin.live.repainting import Repainter

        self.backends: dict[str, OneClass] = {}
        monkeypatch.setattr(feeds, "open_backend", self._open)
        self.may_draw, self.drawing = threading.Event(), threading.Event()
        self.may_draw.set()
        picture = LandcoverProvider._picture

        def held(provider, *args):
            made = picture(provider, *args)
            self.drawing.set()
            self.may_draw.wait(20)
            return made

        monkeypatch.setattr(LandcoverProvider, "_picture", held)
        self.session = session
        self.layer = live_layer(image)
        project = qgis.QgsProject.instance()
        project.addMapLayer(self.layer)
        self.canvas = QgsMapCanvas()
        self.canvas.setCanvasColor(QColor("white"))
        self.canvas.setCachingEnabled(True)
        self.canvas.resize(421, 300)
        self.canvas.setLayers([self.layer])
        self.canvas.setDestinationCrs(self.layer.crs())
        self.canvas.setExtent(self.layer.extent())
        self.canvas.show()
        self.frames = 0
        self.canvas.mapCanvasRefreshed.connect(self._count)
        self.repainter = Repainter(session, lambda: [self.canvas])

    def _open(self, url, spec):
        return self.backends.setdefault(url, OneClass(spec, 1 if url == OLD else 2))

    def _count(self) -> None:
        self.frames += 1

    def close(self) -> None:
        self.may_draw.set()
        for backend in self.backends.values():
            backend.may_answer.set()
        wait_for(lambda: not self.canvas.isDrawing())
        self.repainter.close()
        self.canvas.setLayers([])
        self.canvas.deleteLater()

    @property
    def feed(self):
        return self.layer.dataProvider().live.feed

    def shown(self) -> set[int]:
        """Classes in the window now, by colour; 255 for anything else."""
        picture = self.canvas.grab().toImage()
        legend = self.layer.dataProvider().live.spec.legend
        colours = {c.colour.lower(): c.id for c in legend}
        places = [(x, y) for x in range(40, 380, 20) for y in range(40, 260, 20)]
        return {colours.get(picture.pixelColor(x, y).name(), 255) for x, y in places}

    def change(self) -> None:
        """As the settings do it."""
        from landcover_plugin.gui.live_layers import bind

        self.session.apply(replace(self.session.settings, backend=NEW))
        bind(self.layer)
        self.repainter.paint_anew(self.layer)

    def hold_a_frame(self) -> None:
        self.may_draw.clear()
        self.drawing.clear()
        self.layer.triggerRepaint()
        wait_for(self.drawing.is_set)
        assert self.canvas.isDrawing()

    def settle(self) -> None:
        """Until nothing is drawn any more for a while."""
        seen = [self.frames, time.monotonic()]

        def is_still() -> bool:
            if self.canvas.isDrawing() or self.frames != seen[0]:
                seen[:] = [self.frames, time.monotonic()]
            return time.monotonic() - seen[1] > 0.8

        wait_for(is_still, 20)


@pytest.fixture
def stage(session, image, monkeypatch) -> Iterator[Stage]:
    made = Stage(session, image, monkeypatch)
    wait_for(lambda: made.shown() == {1})
    made.settle()
    yield made
    made.close()


def linger(seconds: float) -> None:
    until = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() > until)


@pytest.mark.parametrize("ends", ["as the backend changes", "a moment later", "long after"])
def test_a_frame_of_the_old_backend_does_not_stay(stage, ends):
    stage.hold_a_frame()
    if ends == "as the backend changes":
        # the picture is done, and the window has not yet heard of it
        stage.may_draw.set()
        time.sleep(0.3)
    stage.change()
    if ends == "long after":
        linger(0.5)
    stage.may_draw.set()
    wait_for(lambda: stage.shown() == {2})
    stage.settle()
    assert stage.shown() == {2}
    stage.canvas.refresh()  # QGIS takes what it has kept of the layer
    stage.settle()
    assert stage.shown() == {2}


def slow_layer(crs, extent, seconds: float):
    """A neighbour that needs its time for a frame, and does not stop when it is told to."""
    kept = []

    class SlowRenderer(qgis.QgsMapLayerRenderer):
        def render(self) -> bool:
            time.sleep(seconds)
            return True

    class SlowLayer(qgis.QgsPluginLayer):
        def __init__(self) -> None:
            super().__init__("slow", "slow")
            self.setValid(True)
            self.setCrs(crs)

        def extent(self):
            return extent

        def setTransformContext(self, context) -> None:
            pass

        def createMapRenderer(self, context):
            kept.append(SlowRenderer(self.id(), context))
            return kept[-1]

    made = SlowLayer()
    made.kept = kept
    return made


def test_a_frame_that_never_ends_does_not_keep_land_cover_from_the_map(stage, monkeypatch):
    from landcover_plugin.live import repainting

    monkeypatch.setattr(repainting, "_longest_frame_s", lambda: 1.0)
    stuck = slow_layer(stage.layer.crs(), stage.layer.extent(), 12)
    stage.canvas.setLayers([stuck, stage.layer])
    linger(0.5)
    assert stage.canvas.isDrawing()
    starts = []
    stage.canvas.renderStarting.connect(lambda: starts.append(time.monotonic()))
    stage.session.changed.emit(stage.feed)  # a tile came
    wait_for(lambda: bool(starts), 8)
    stage.canvas.setLayers([stage.layer])
    stage.settle()


def test_a_frame_whose_slow_neighbour_ends_long_after_the_change_does_not_come_back(stage):
    slow = slow_layer(stage.layer.crs(), stage.layer.extent(), 1.5)
    stage.canvas.setLayers([slow, stage.layer])
    stage.drawing.clear()
    stage.layer.triggerRepaint()
    wait_for(stage.drawing.is_set)
    linger(0.3)  # the live layer is drawn, its neighbour is not
    assert stage.canvas.isDrawing()
    stage.change()
    wait_for(lambda: stage.shown() == {2})
    stage.settle()
    stage.canvas.refresh()
    stage.settle()
    assert stage.shown() == {2}
    stage.canvas.setLayers([stage.layer])
    stage.settle()
    assert stage.shown() == {2}


def test_a_change_in_the_middle_of_a_frame_is_painted_once_or_twice_and_no_more(stage):
    stage.hold_a_frame()
    before = stage.frames
    stage.change()
    stage.may_draw.set()
    wait_for(lambda: stage.shown() == {2})
    stage.settle()
    # the old frame where it was not stopped, one before and one after the tiles came, one to be sure
    assert stage.frames - before <= 4
    still = stage.frames
    linger(1.2)
    assert stage.frames == still


def test_what_the_old_backend_answers_after_the_change_is_not_kept_under_the_new_one(stage):
    old, feed = stage.backends[OLD], stage.feed
    stage.session.cache.clear()
    old.may_answer.clear()
    view = feed.view(feed.grid.extent(), feed.grid.height, feed.grid.width)
    feed.ask(view, view.tiles())
    before = old.requests
    wait_for(lambda: old.requests > before or feed.queue.is_busy)
    stage.change()
    wait_for(lambda: stage.shown() == {2})
    old.may_answer.set()
    wait_for(lambda: not feed.queue.is_busy)
    stage.settle()
    assert stage.feed is not feed
    assert stage.feed.setup.series != feed.setup.series
    for index in view.tiles():
        classes = stage.session.cache.get(stage.feed.setup.series, index, "classes")
        assert set(np.unique(classes)) <= {2, 255}
    assert stage.shown() == {2}
