"""A backend whose answer and service time are known."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from landcover_plugin.core.backends.protocol import Arrays, Priority
from landcover_plugin.core.legend import LandClass, Legend
from landcover_plugin.core.model import Band, ModelSpec, PixelSize

LEGEND = Legend(
    (
        LandClass(1, "Water", "#0000ff"),
        LandClass(2, "Trees & shrubs", "#008000"),
        LandClass(3, "Grass", "#80ff80"),
    )
)
BANDS = (Band("red", "red"), Band("green", "green"), Band("blue", "blue"), Band("nir", "nir"))


def fake_spec(tile: int = 64, halo: int = 8, **changes: Any) -> ModelSpec:
    """A spec for :class:`FakeBackend`."""
    values: dict[str, Any] = {
        "name": "fake",
        "title": "Fake model",
        "task": "segmentation",
        "file": "1/model.onnx",
        "sha256": "0" * 64,
        "bands": BANDS,
        "dtype": "uint8",
        "fill": "reflect",
        "pixel_size_m": PixelSize(0.6, 0.4, 1.2),
        "tile": tile,
        "halo": halo,
        "stride": 1,
        "outputs": ("classes", "probabilities8", "probabilities"),
        "legend": LEGEND,
    }
    return ModelSpec(**{**values, **changes})


def scores_of(chip: npt.NDArray[Any], reach: int) -> npt.NDArray[np.float32]:
    """``(3, row, col)``: a box mean of reach ``reach`` over each of the first three bands, as scores."""
    window = np.lib.stride_tricks.sliding_window_view
    values = chip[:3].astype(np.float32) / 255
    if reach:
        side = 2 * reach + 1
        values = window(values, side, axis=1).mean(axis=-1, dtype=np.float32)
        values = window(values, side, axis=2).mean(axis=-1, dtype=np.float32)
    return values / np.maximum(values.sum(axis=0), 1e-6)


class FakeBackend:
    """Classes are the brightest of red, green and blue around a pixel, answered after ``seconds``."""

    description = "fake"
    numeric_kind = "fake"

    def __init__(
        self,
        spec: ModelSpec,
        *,
        reach: int = 0,
        seconds: float = 0.0,
        in_flight: int = 2,
        fail: Callable[[int], Exception | None] = lambda n: None,
    ) -> None:
        self.spec, self.reach, self.seconds, self.in_flight = spec, reach, seconds, in_flight
        self.fail = fail
        self.requests = 0
        self.priorities: list[Priority] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1)

    def submit(
        self,
        chips: npt.NDArray[Any],
        outputs: Sequence[str] = ("classes",),
        priority: Priority = Priority.BATCH,
    ) -> Future[Arrays]:
        """Answer in a thread of its own."""
        with self._lock:
            self.requests += 1
            number = self.requests
            self.priorities.append(priority)
        return self._pool.submit(self._answer, chips, tuple(outputs), number)

    def _answer(self, chips: npt.NDArray[Any], outputs: tuple[str, ...], number: int) -> Arrays:
        if self.seconds:
            time.sleep(self.seconds)
        error = self.fail(number)
        if error is not None:
            raise error
        cut = self.spec.halo - self.reach
        inner = chips[..., cut : chips.shape[-2] - cut, cut : chips.shape[-1] - cut]
        scores = np.stack([scores_of(chip, self.reach) for chip in inner])
        ids = np.array([c.id for c in self.spec.legend], np.uint8)
        answers = {
            "classes": ids[scores.argmax(axis=1)],
            "probabilities": scores,
            "probabilities8": np.floor(scores * 254 + 0.5).astype(np.uint8),
        }
        return {name: answers[name] for name in outputs}

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True)
