"""QGIS' looks ahead around a view, while the view's own tiles are awaited."""

from __future__ import annotations

import pytest

pytest.importorskip("qgis.gui")

from qgis.gui import QgsMapCanvas

from landcover_plugin.live.surroundings import Surroundings


@pytest.fixture
def canvas(qgis_app):
    canvas = QgsMapCanvas()
    canvas.setPreviewJobsEnabled(True)  # as in QGIS' window
    return canvas


def test_they_pause_while_tiles_are_awaited(canvas):
    surroundings = Surroundings()
    for is_awaited in (True, True, False, False, True):
        surroundings.update(canvas, is_awaited=is_awaited)
        assert canvas.previewJobsEnabled() is not is_awaited


def test_where_they_were_switched_off_they_stay_off(canvas):
    canvas.setPreviewJobsEnabled(False)
    surroundings = Surroundings()
    surroundings.update(canvas, is_awaited=True)
    surroundings.update(canvas, is_awaited=False)
    surroundings.release()
    assert not canvas.previewJobsEnabled()


def test_who_leaves_in_mid_view_leaves_them_as_they_were(canvas):
    surroundings = Surroundings()
    surroundings.update(canvas, is_awaited=True)
    surroundings.release()
    assert canvas.previewJobsEnabled()
