from __future__ import annotations

import itertools
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landcover_plugin.core.backends import open_backend
from landcover_plugin.core.backends.trial import Candidate, NotStartedError, fastest, trial_chip
from landcover_plugin.core.errors import BackendError
from tests.fake_backend import fake_spec
from tests.tiny_model import write_brightest_band_model

SPEC = fake_spec()
_keys = itertools.count()


class Device:
    """A runner that takes its time and gives the wrong class to a share of the pixels."""

    opened: list[str] = []

    def __init__(self, label: str, seconds: float, wrong: float = 0.0, fault: str = "") -> None:
        Device.opened.append(label)
        self.seconds, self.wrong, self.fault = seconds, wrong, fault
        self.closed = False

    def run(self, chips: Any, outputs: Any, priority: Any) -> dict[str, np.ndarray]:
        if self.fault:
            raise RuntimeError(self.fault)
        time.sleep(self.seconds)
        classes = np.zeros((len(chips), 100, 100), np.uint8)
        classes[:, : round(100 * self.wrong)] = 1
        return {"classes": classes}

    def close(self) -> None:
        self.closed = True


def candidate(device: str, *arguments: Any, **options: Any) -> Candidate:
    return Candidate(device, device.upper(), lambda: Device(device, *arguments, **options))  # type: ignore


def outcome(*candidates: Candidate, cpu_s: float = 0.05) -> Any:
    Device.opened.clear()
    return fastest(next(_keys), SPEC, candidate("cpu", cpu_s), candidates)


def test_the_fastest_that_gives_the_same_classes_is_chosen() -> None:
    found = outcome(candidate("a", 0.1), candidate("b", 0.0), candidate("c", 0.0, wrong=0.02), cpu_s=0.4)
    assert found.device == "b"
    assert found.remarks[1] == "C: only 98.0 % of its classes are the CPU's"
    assert found.remarks[0].startswith("A: ") and found.remarks[0].endswith(" x the speed of the CPU")


def test_what_is_hardly_faster_is_not_chosen_as_chance_would_decide() -> None:
    found = outcome(candidate("a", 0.04))
    assert found.device == "cpu" and found.remarks[0][:4] in ("A: 0", "A: 1")


def test_what_does_not_open_or_does_not_run_is_said_and_does_no_harm() -> None:
    def refuse() -> Any:
        raise NotStartedError("X cannot be used (libx: missing); buy one.", "libx: missing")

    def break_() -> Any:
        raise SystemError("driver\nline 2")

    found = outcome(
        Candidate("x", "X", refuse),
        Candidate("y", "Y", break_),
        candidate("z", 0.0, fault="out of memory"),
        Candidate("w", "W", lambda: pytest.fail("opened"), fault="asked for only"),
    )
    assert found.device == "cpu"
    assert found.remarks == ("X: libx: missing", "Y: driver", "Z: out of memory", "W: asked for only")


def test_the_cpu_is_not_even_loaded_where_nothing_else_opens() -> None:
    def refuse() -> Any:
        raise BackendError("No.")

    assert outcome().device == "cpu" and Device.opened == []
    assert outcome(Candidate("x", "X", refuse)).device == "cpu" and Device.opened == []


def test_a_trial_happens_once_in_a_process_and_everything_is_closed() -> None:
    made: list[Device] = []
    lock = threading.Lock()

    def make(seconds: float) -> Any:
        device = Device("d", seconds)
        with lock:
            made.append(device)
        return device

    key = next(_keys)
    cpu, gpu = Candidate("cpu", "CPU", lambda: make(0.03)), Candidate("gpu", "GPU", lambda: make(0.0))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fastest(key, SPEC, cpu, [gpu]), range(4)))
    assert {f.device for f in found} == {"gpu"}
    assert len(made) == 2 and all(d.closed for d in made)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_the_chip_of_a_trial_is_always_the_same_and_varied(dtype: str) -> None:
    spec = fake_spec(dtype=dtype)
    chip = trial_chip(spec)
    assert chip.shape == (1, 4, spec.chip, spec.chip) and chip.dtype == dtype
    assert np.array_equal(chip, trial_chip(spec)) and len(np.unique(chip)) > 100


# -- ONNX Runtime with devices that are not there ----------------------------------------------------


class FakeSessions:
    """Sessions of ONNX Runtime that claim to run elsewhere."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, available: list[str]) -> None:
        ort = pytest.importorskip("onnxruntime")
        pytest.importorskip("onnx")
        self.real = ort.InferenceSession
        self.cpu_s, self.works = 0.4, set(available)
        self.asked: list[tuple[str, dict[str, str]]] = []
        names = [*available, "AzureExecutionProvider", "CPUExecutionProvider"]
        monkeypatch.setattr(ort, "get_available_providers", lambda: names)
        monkeypatch.setattr(ort, "InferenceSession", self._open)

    def _open(self, path: str, options: Any, providers: Any, enable_fallback: int) -> Any:
        ((name, given),) = providers
        self.asked.append((name, given))
        assert enable_fallback == 0
        session = self.real(path, options, providers=["CPUExecutionProvider"])
        delay = self.cpu_s if name == "CPUExecutionProvider" else 0.0
        run = session.run

        class Session:
            get_inputs, get_outputs = session.get_inputs, session.get_outputs

            def get_providers(_) -> list[str]:
                return [name] if name in self.works else ["CPUExecutionProvider"]

            def run(_, *arguments: Any) -> Any:
                time.sleep(delay)
                return run(*arguments)

        return Session()


@pytest.mark.parametrize("url", ["auto", "onnxruntime:"])
def test_the_device_that_works_runs_and_the_description_tells_why_a_better_one_does_not(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    fake = FakeSessions(monkeypatch, ["CUDAExecutionProvider", "DmlExecutionProvider"])
    fake.works.discard("CUDAExecutionProvider")
    spec = replace(write_brightest_band_model(tmp_path / "m"), title=url)  # else the outcome is known
    with open_backend(url, spec) as backend:
        assert backend.numeric_kind == "onnxruntime-directml-float32"
        assert backend.description.endswith(", DirectML (not CUDA: the device or its driver is missing)")
        chips = trial_chip(spec)
        assert np.array_equal(backend.submit(chips).result(10)["classes"], chips.argmax(1) + 1)
    assert ("CUDAExecutionProvider", {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}) in fake.asked


def test_a_device_that_is_asked_for_runs_or_says_in_one_sentence_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeSessions(monkeypatch, ["TensorrtExecutionProvider", "CUDAExecutionProvider"])
    spec = write_brightest_band_model(tmp_path / "m")
    with open_backend("onnxruntime:tensorrt", spec) as backend:
        assert backend.numeric_kind == "onnxruntime-tensorrt-tf32"
    with open_backend("onnxruntime:cpu", spec) as backend:
        assert backend.numeric_kind == "onnxruntime-cpu-float32"
    fake.works.clear()
    with pytest.raises(BackendError, match=r"^ONNX Runtime cannot use CUDA \(.*\); check .*\.$"):
        open_backend("onnxruntime:cuda", spec)


def test_with_the_cpu_alone_nothing_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    fake = FakeSessions(monkeypatch, [])
    with open_backend("auto", write_brightest_band_model(tmp_path / "m")) as backend:
        assert backend.description.endswith(f" thread{'' if ' 1 thread' in backend.description else 's'}")
    # a light network has two sessions there
    assert {name for name, _ in fake.asked} == {"CPUExecutionProvider"}


def test_a_library_that_cannot_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from landcover_plugin.core.backends.providers import PROVIDERS, library_fault

    ort = SimpleNamespace(__file__=str(tmp_path / "__init__.py"), preload_dlls=lambda: print("noise"))
    assert library_fault(ort, PROVIDERS["cuda"]) == ""  # a build without it
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "capi").mkdir()
    (tmp_path / "capi" / "libonnxruntime_providers_cuda.so").write_bytes(b"no library")
    assert "libonnxruntime_providers_cuda.so" in library_fault(ort, PROVIDERS["cuda"])


def test_8_bit_networks_are_of_a_kind_of_their_own(tmp_path: Path) -> None:
    from landcover_plugin.core.model_library import find_model

    pytest.importorskip("onnxruntime")
    small = find_model("naip-landcover-8bit")
    for url in ("onnxruntime:cpu", "numpy:"):
        with open_backend(url, small) as backend:
            assert backend.numeric_kind.endswith("-int8")
