from __future__ import annotations

import threading

import pytest

from landcover_plugin.core.backends.numpy_network import blas_threads
from landcover_plugin.core.backends.numpy_network.blas_threads import one_blas_thread


def test_blas_runs_one_thread_inside_and_as_many_as_before_outside() -> None:
    control = blas_threads._control()
    if control is None:
        pytest.skip("this NumPy's BLAS cannot be told how many threads to use")
    set_threads, get_threads = control
    given = get_threads()
    try:
        set_threads(2)
        before = get_threads()
        with one_blas_thread():
            with one_blas_thread():
                assert get_threads() == 1
            assert get_threads() == 1
        assert get_threads() == before
        with pytest.raises(ValueError), one_blas_thread():
            raise ValueError
        assert get_threads() == before
    finally:
        set_threads(given)


def test_runs_that_overlap_put_the_setting_back_once() -> None:
    control = blas_threads._control()
    if control is None:
        pytest.skip("this NumPy's BLAS cannot be told how many threads to use")
    before = control[1]()
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with one_blas_thread():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=hold)
    with one_blas_thread():
        other.start()
        assert entered.wait(10)
    assert control[1]() == 1
    leave.set()
    other.join(10)
    assert control[1]() == before


def test_a_blas_without_such_a_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas_threads, "_control", lambda: None)
    with one_blas_thread():
        pass
