"""Answers that never come to an end do not hold a reader for ever."""

from __future__ import annotations

import time
from typing import Any

import pytest
from qgis.core import Qgis, QgsFeedback
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QTimer

from landcover_plugin.core.errors import CancelledError
from landcover_plugin.live.threads import start_thread
from landcover_plugin.qgis_imagery import fetching
from landcover_plugin.qgis_imagery.access import ServiceAccess
from landcover_plugin.qgis_imagery.fetching import fetch_all
from landcover_plugin.qgis_imagery.network import NetworkFaults
from tests.live.test_provider import wait_for
from tests.tile_server import MapServer


class Losing(ServiceAccess):
    """The reply to an address that is marked goes away, or falls silent, in the middle of it."""

    def prepare(self, reply: Any) -> None:
        if "slow" not in reply.request().url().path():
            return
        if self.user == "at once":
            sip.delete(reply)
        elif self.user == "gone":
            QTimer.singleShot(50, lambda: sip.delete(reply))
        else:
            QTimer.singleShot(50, lambda: reply.blockSignals(True))


@pytest.mark.parametrize("place", [2, 7])
@pytest.mark.parametrize("way", ["at once", "gone", "silent"])
def test_a_reply_whose_end_is_never_told_is_given_up_and_the_others_are_there(
    server: MapServer, way: str, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_MOST_TIMEOUTS", 1)
    monkeypatch.setattr(fetching, "_GRACE_S", 0.5)
    fine = [f"{server.url}/fine/3/1/{row}.png" for row in range(7)]
    urls = [*fine[:place], f"{server.url}/slow-1/3/1/7.png", *fine[place:]]
    started = time.monotonic()
    answers = fetch_all(urls, Losing(user=way), lambda: time.monotonic() - started > 30, 5000)
    faults = [answer.fault for answer in answers]
    assert faults.pop(place) == "its answer was lost" and not any(faults)
    assert all(answer.body for answer in answers if not answer.fault)


@pytest.mark.parametrize("way", ["gone", "silent"])
def test_a_reply_that_is_lost_does_not_keep_a_cancelled_read_from_ending(server: MapServer, way: str) -> None:
    started = time.monotonic()
    with pytest.raises(CancelledError):
        fetch_all(
            [f"{server.url}/slow-9/3/1/{row}.png" for row in range(3)],
            Losing(user=way),
            lambda: time.monotonic() - started > 0.4,
            10_000,
        )
    assert time.monotonic() - started < 5


def test_a_look_for_what_went_wrong_ends_when_it_is_cancelled(server: MapServer) -> None:
    faults = NetworkFaults("", tiled=True)
    url = f"{server.url}/slow-6/3/1/1.png"
    faults.on_message(f"Tile request failed [error: no answer url: {url}]", "WMS", Qgis.MessageLevel.Warning)
    feedback = QgsFeedback()
    join = start_thread(lambda: faults.first(feedback), "looks")
    wait_for(lambda: any("slow-6" in path for path in server.requests))
    feedback.cancel()
    # QGIS' own blocking request would wait for ever here
    assert join(4)
