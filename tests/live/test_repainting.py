"""How far apart paintings of a live layer are."""

from __future__ import annotations

import pytest

pytest.importorskip("qgis.core")

from landcover_plugin.live.repainting import Repainter, _Gate, view_size


def test_paintings_are_four_times_their_cost_apart_while_tiles_are_missing():
    gate = _Gate()
    gate.asked_at, gate.cost_s = 10.0, 0.1
    assert gate.wait_s(10.0, is_whole=False) == pytest.approx(0.4)
    assert gate.wait_s(10.5, is_whole=False) == 0


def test_the_last_tiles_of_a_view_do_not_wait():
    gate = _Gate()
    gate.asked_at, gate.cost_s = 10.0, 0.5
    assert gate.wait_s(10.0, is_whole=True) == 0


def test_a_frame_given_up_for_a_new_view_says_nothing_about_the_costs_of_a_painting():
    """The frame that follows draws the imagery and everything else too."""
    from qgis.PyQt.QtCore import QObject, pyqtSignal

    class Session(QObject):
        changed = pyqtSignal(object)

    session = Session()
    repainter = Repainter(session, lambda: [])
    gate = repainter._gates["layer"] = _Gate()
    gate.is_drawn, gate.cost_s = False, 0.02
    repainter._moved()
    repainter._begins()
    assert gate.is_drawn
    assert gate.begun_at is None
    repainter.close()


def test_a_views_size_is_that_in_which_qgis_asks_for_it():
    """On a fine screen the level of a view hangs on it, so tiles of another level would be asked for."""
    from types import SimpleNamespace

    from qgis.core import Qgis, QgsMapSettings
    from qgis.PyQt.QtCore import QSize

    settings = QgsMapSettings()
    settings.setOutputSize(QSize(300, 200))
    settings.setDevicePixelRatio(2)
    found = view_size(SimpleNamespace(mapSettings=lambda: settings))
    assert found == (QSize(600, 400) if Qgis.QGIS_VERSION_INT >= 33404 else QSize(300, 200))
