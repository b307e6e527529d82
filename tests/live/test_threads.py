from __future__ import annotations

import gc
import weakref

import pytest

pytest.importorskip("qgis.core")


class Held:
    """Something that a thread works on."""


def test_a_thread_that_has_ended_holds_nothing_of_its_work(qgis_app):
    from landcover_plugin.live.threads import running, start_thread

    held = Held()
    alive = weakref.ref(held)
    join = start_thread(lambda held=held: None, "short")
    del held
    assert join(30)
    gc.collect()
    assert alive() is None
    assert "short" not in running()
