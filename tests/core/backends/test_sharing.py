from __future__ import annotations

import gc
import importlib.util
import os
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.backends.sharing import close_all, shared_backend
from landcover_plugin.core.errors import BackendError
from tests.core.backends.test_queue import Oven
from tests.tiny_model import write_tiny_model


class Baker(Oven):
    """An oven that takes chips of the tiny model."""

    def run(self, chips, outputs, priority):
        return super().run(np.array([chips.shape[0]]), outputs, priority)


@pytest.fixture()
def spec(tmp_path: Path):
    pytest.importorskip("onnx")
    return write_tiny_model(tmp_path / "tiny")


def chips(spec, count=1):
    return np.zeros((count, len(spec.bands), spec.chip, spec.chip), np.uint8)


def test_one_runner_serves_all_handles_and_ends_with_the_last(spec) -> None:
    ovens: list[Baker] = []

    def make() -> Baker:
        time.sleep(0.05)
        ovens.append(Baker())
        ovens[-1].lit.set()
        return ovens[-1]

    handles = []
    threads = [
        threading.Thread(target=lambda: handles.append(shared_backend("k", spec, make))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ovens) == 1
    for handle in handles[:3]:
        handle.close()
        handle.close()
    assert handles[3].submit(chips(spec, 3)).result(5)["classes"] == [4]
    handles[3].close()
    deadline = time.monotonic() + 5
    while not ovens[0].closed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ovens[0].closed == 1
    again = shared_backend("k", spec, make)
    assert len(ovens) == 2
    again.close()


def test_closing_a_handle_cancels_its_own_requests_only(spec) -> None:
    oven = Baker()
    one, two = (shared_backend("own", spec, lambda: oven) for _ in range(2))
    one.submit(chips(spec))
    assert oven.busy.wait(5)
    mine, theirs = one.submit(chips(spec)), two.submit(chips(spec))
    one.close()
    assert mine.cancelled()
    oven.lit.set()
    theirs.result(5)
    with pytest.raises(BackendError, match="closed"):
        one.submit(chips(spec))
    two.close()


def test_a_runner_that_cannot_be_made_is_tried_again_by_the_next(spec) -> None:
    def fail() -> Baker:
        raise BackendError("No.")

    with pytest.raises(BackendError, match="No"):
        shared_backend("bad", spec, fail)
    shared_backend("bad", spec, Baker).close()


def test_what_does_not_fit_the_model_is_refused_at_once(spec) -> None:
    handle = shared_backend("check", spec, Baker)
    wrong = [
        (chips(spec).astype(np.float32), ("classes",), "must be uint8, not float32"),
        (chips(spec)[:, :3], ("classes",), r"shape \(N, 4, row, col\)"),
        (chips(spec)[:0], ("classes",), "no chip"),
        (chips(spec)[:, :, :16], ("classes",), "side of 16 pixels must be above 16"),
        (chips(spec), ("heights",), "no output heights"),
        (chips(spec), (), "named once"),
    ]
    for array, outputs, sentence in wrong:
        with pytest.raises(BackendError, match=sentence):
            handle.submit(array, outputs)
    handle.close()


def test_close_all_ends_everything(spec) -> None:
    oven = Baker()
    oven.lit.set()
    shared_backend("all", spec, lambda: oven)
    close_all()
    assert oven.closed == 1


def test_python_keeps_no_module_whose_backends_were_closed(spec) -> None:
    # as QGIS does it when a plugin is reloaded: the module is imported once more, and forgotten
    found = importlib.util.find_spec("landcover_plugin.core.backends.sharing")
    module = importlib.util.module_from_spec(found)
    sys.modules["sharing_of_before"] = module  # where dataclasses look their module up
    module.__spec__.loader.exec_module(module)
    oven = Baker()
    oven.lit.set()
    with module.shared_backend("again", spec, lambda: oven) as handle:
        handle.submit(chips(spec)).result(5)
    kept = weakref.ref(type(handle))
    del handle, module, found, sys.modules["sharing_of_before"]

    def is_gone() -> bool:
        gc.collect()
        return kept() is None

    deadline = time.monotonic() + 5
    while not is_gone() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_gone()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_has_a_queue_of_its_own(spec) -> None:
    def lit() -> Baker:
        oven = Baker()
        oven.lit.set()
        return oven

    parent = shared_backend("fork", spec, lit)
    parent.submit(chips(spec)).result(5)
    child = os.fork()
    if child == 0:
        try:
            shared_backend("fork", spec, lit).submit(chips(spec)).result(5)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    parent.close()
