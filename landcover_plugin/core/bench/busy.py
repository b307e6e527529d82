"""The share of the time that a device was busy, where this process can tell."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from statistics import mean
from types import TracebackType
from typing import Any

from ..backends import Backend
from ..backends.addresses import is_loopback, read_addresses
from ..errors import LandcoverError

_EVERY_S = 0.1
_GPU_DEVICES = ("cuda", "tensorrt")


class BusyMeter:
    """Measures nothing: the device is elsewhere, or has no way to be asked.

    Attributes:
        share: 0 to 1 after the measurement; None where it was not measured.
        what: the device, ``CPU`` or ``GPU``; empty where it was not measured.
    """

    what = ""

    def __init__(self) -> None:
        self.share: float | None = None

    def __enter__(self) -> BusyMeter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the measurement."""


class _CpuMeter(BusyMeter):
    """Processor time of this process, of all that it may use."""

    what = "CPU"

    def __enter__(self) -> BusyMeter:
        self._started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        wall, processor = self._started
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        elapsed = max(time.perf_counter() - wall, 1e-9)
        self.share = min(1.0, (time.process_time() - processor) / elapsed / cpus)


class _GpuMeter(BusyMeter):
    """What NVIDIA's driver says of the busiest GPU, ten times a second."""

    what = "GPU"

    def __init__(self, nvml: Any) -> None:
        super().__init__()
        self._nvml = nvml
        self._seen: list[float] = []
        self._ended = threading.Event()

    def __enter__(self) -> BusyMeter:
        count = self._nvml.nvmlDeviceGetCount()
        self._devices = [self._nvml.nvmlDeviceGetHandleByIndex(n) for n in range(count)]
        self._thread = threading.Thread(target=self._watch, name="landcover-busy", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.share = mean(self._seen) if self._seen else None

    def _watch(self) -> None:
        with contextlib.suppress(self._nvml.NVMLError):  # a share that cannot be asked for is not measured
            while not self._ended.wait(_EVERY_S):
                shares = [self._nvml.nvmlDeviceGetUtilizationRates(device).gpu for device in self._devices]
                self._seen.append(max(shares) / 100)


def busy_meter(backend: Backend, url: str) -> BusyMeter:
    """What measures the device of a backend while it is entered.

    Args:
        backend: opened.
        url: it was opened with.
    """
    words = backend.numeric_kind.split("-")
    if any(device in words for device in _GPU_DEVICES) and _is_here(url):
        nvml = _nvml()
        return BusyMeter() if nvml is None else _GpuMeter(nvml)
    is_in_process = not backend.description.startswith("Worker") and "://" not in url
    if is_in_process and ("cpu" in words or "numpy" in words):
        return _CpuMeter()
    return BusyMeter()


def _is_here(url: str) -> bool:
    """Whether the device is that of this computer."""
    try:
        return "://" not in url or all(is_loopback(a.host) for a in read_addresses(url))
    except LandcoverError:
        return False


def _nvml() -> Any:
    """NVIDIA's own package where it is installed and finds a GPU."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml if pynvml.nvmlDeviceGetCount() else None
    except Exception:  # no package, no driver, no device: whatever it raises, nothing can be measured
        return None
