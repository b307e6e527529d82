"""Which build of ONNX Runtime suits a computer, and what else the worker process needs."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

WORKER_PACKAGES = ("numpy", "onnx>=1.15", "starlette>=0.37", "uvicorn>=0.29")
"""Of the worker's Python, beside a build of ONNX Runtime; the one list of them."""

_INTEL = ("x86_64", "amd64")


@dataclass(frozen=True)
class RuntimeBuild:
    """A build of ONNX Runtime, and what is installed with it.

    Args:
        name: short, for settings and the environment's marker.
        requirements: what pip installs.
    """

    name: str
    requirements: tuple[str, ...]


CPU = RuntimeBuild("cpu", ("onnxruntime>=1.17",))
CUDA = RuntimeBuild("cuda", ("onnxruntime-gpu[cuda,cudnn]>=1.21",))
DIRECTML = RuntimeBuild("directml", ("onnxruntime-directml>=1.17",))
OPENVINO = RuntimeBuild("openvino", ("onnxruntime>=1.17", "openvino>=2024.1"))


@dataclass(frozen=True)
class Machine:
    """What the choice of a build depends on.

    Args:
        system: ``Linux``, ``Windows`` or ``Darwin``.
        processor: such as ``x86_64``.
        has_nvidia: whether NVIDIA's driver is installed.
    """

    system: str
    processor: str
    has_nvidia: bool = False


def this_machine() -> Machine:
    """The computer this runs on."""
    return Machine(platform.system(), platform.machine(), _has_nvidia_driver())


def builds_for(machine: Machine) -> tuple[RuntimeBuild, ...]:
    """Builds that can be installed on a computer, the best first.

    Each also has the processor; the worker tries what there is and takes the fastest that works.
    """
    if machine.processor.lower() not in _INTEL or machine.system not in ("Linux", "Windows"):
        return (CPU,)  # on a Mac it holds CoreML too
    first = (CUDA,) if machine.has_nvidia else ()
    rest = (CPU, OPENVINO) if machine.system == "Linux" else (DIRECTML, CPU, OPENVINO)
    return first + rest


def build_named(name: str) -> RuntimeBuild:
    """The build of that name; the processor's where there is none."""
    return next((b for b in (CUDA, DIRECTML, OPENVINO) if b.name == name), CPU)


def requirements_of(build: RuntimeBuild) -> tuple[str, ...]:
    """All that the worker's Python needs, as pip takes it."""
    return build.requirements + WORKER_PACKAGES


def _has_nvidia_driver() -> bool:
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "System32" / "nvcuda.dll").is_file()
    return any(
        Path(p).exists()
        for p in ("/proc/driver/nvidia/version", "/dev/nvidia0", "/usr/lib/wsl/lib/libcuda.so.1")
    )
