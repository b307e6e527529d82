"""The execution providers of ONNX Runtime, and why one of them cannot be loaded here."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Provider:
    """A way of ONNX Runtime to run a network.

    Args:
        device: its short name in a backend's URL.
        name: as ONNX Runtime has it.
        label: for people.
        precision: of what the network has as float32; part of the numeric kind.
        options: of ONNX Runtime for it.
        is_tried: whether it is tried where the user leaves the choice open.
    """

    device: str
    name: str
    label: str
    precision: str = "float32"
    options: Mapping[str, str] = field(default_factory=dict)
    is_tried: bool = True


CPU = Provider("cpu", "CPUExecutionProvider", "CPU")

PROVIDERS: Mapping[str, Provider] = {
    provider.device: provider
    for provider in (
        # races kernels against each other when a model is opened: that takes minutes, and the bits
        # depend on who won
        Provider("tensorrt", "TensorrtExecutionProvider", "TensorRT", "tf32", is_tried=False),
        # without TF32 the numbers are float32; without a race of algorithms they are always the same
        Provider("cuda", "CUDAExecutionProvider", "CUDA",
                 options={"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}),
        Provider("migraphx", "MIGraphXExecutionProvider", "MIGraphX"),
        Provider("rocm", "ROCMExecutionProvider", "ROCm"),
        Provider("directml", "DmlExecutionProvider", "DirectML"),
        # takes the precision that the chosen part of the chip is made for
        Provider("coreml", "CoreMLExecutionProvider", "CoreML", "mixed"),
        Provider("openvino", "OpenVINOExecutionProvider", "OpenVINO", options={"precision": "FP32"}),
        CPU,
    )
}  # fmt: skip
"""By device, the most promising first."""


def available_devices(ort: ModuleType) -> list[str]:
    """Devices that this build of ONNX Runtime lists, which does not say that they work."""
    names = ort.get_available_providers()
    return [device for device, provider in PROVIDERS.items() if provider.name in names]


def library_fault(ort: ModuleType, provider: Provider) -> str:
    """Why the library of a provider cannot be loaded; empty where it can, or where it has none.

    ONNX Runtime itself only logs the reason, and goes on without the provider.
    """
    prefix, suffix = ("", ".dll") if sys.platform == "win32" else ("lib", ".so")
    path = (
        Path(str(ort.__file__)).parent / "capi" / f"{prefix}onnxruntime_providers_{provider.device}{suffix}"
    )
    if not path.is_file():
        return ""
    preload = getattr(ort, "preload_dlls", None)  # CUDA's own libraries may lie in packages beside it
    if preload is not None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
            preload()
    try:
        ctypes.CDLL(str(path))
    except OSError as e:
        text = str(e).strip().splitlines()[0] if str(e).strip() else "its library cannot be loaded"
        return text.replace(": No such file or directory", "")[:200]
    return ""
