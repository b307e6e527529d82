"""ONNX Runtime in this process."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import BackendError, ModelError
from ..model import ModelSpec
from ..model_precision import precision_of
from .answers import DTYPE_OF, AnswerCheck, shape_fits
from .protocol import Arrays, Priority
from .providers import CPU, PROVIDERS, Provider, available_devices, library_fault
from .queue import first_line
from .settings import thread_count
from .shared_processor import SharedProcessor
from .trial import Candidate, NotStartedError

_ELEMENTS = {
    "uint8": "tensor(uint8)",
    "uint16": "tensor(uint16)",
    "int16": "tensor(int16)",
    "float32": "tensor(float)",
}
_BATCH_PIXELS = 640 * 640
_DEVICE_CHIPS = 8
"""Chips of 640 x 640 pixels that a device with memory of its own runs at once; a processor gains nothing."""
_PROBE_TILE = 32


class OnnxRuntimeRunner:
    """A network in ONNX Runtime, on a processor or on another device.

    On a processor a light network runs several requests at a time, see :class:`SharedProcessor`; a
    heavy one, and any other device, runs one at a time with all it has. The heaviest network known
    here, that of 2018, needs 0.9 GB of activations for a chip of 640 x 640 pixels, so no run on the
    processor holds more pixels than that, unless one chip does; larger requests are split, which is
    as quick there. Other devices get eight times as many.
    """

    def __init__(
        self,
        spec: ModelSpec,
        device: str = "cpu",
        threads: int | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        """Load the model and try it.

        Args:
            spec: of a model in a folder.
            device: short name of an execution provider.
            threads: of the network; the user's setting where None.
            remarks: why other devices are not used; part of the description.

        Raises:
            BackendError: no ONNX Runtime, or no such execution provider.
            ModelError: the file is not a network, or its outputs do not fit its ``model.json``.
        """
        ort = _import_runtime()
        self._spec, self._check = spec, AnswerCheck(spec)
        threads = threads or thread_count()
        self._provider = provider = _provider(ort, device)
        file = _read(spec)
        self._processor = SharedProcessor(lambda count: _load(ort, spec, file, provider, count), threads)
        precision = precision_of(spec)
        if precision == "float32":
            precision = provider.precision
        self.numeric_kind = f"onnxruntime-{device}-{precision}"
        plural = "" if threads == 1 else "s"
        label = f"{provider.label}, {threads} thread{plural}" if provider is CPU else provider.label
        others = f" (not {'; not '.join(remarks)})" if remarks else ""
        self.description = f"ONNX Runtime {ort.__version__}, {label}{others}"
        self._input = _check_input(self._processor.whole, spec)
        _check_outputs(self._processor.whole, spec)
        self._probe()

    def follow(self, waiting: Callable[[], int]) -> None:
        """Learn from the queue how many requests wait behind those that run."""
        self._processor.follow(waiting)

    @property
    def in_flight(self) -> int:
        """Those that run and one that waits."""
        return self._processor.ways + 1

    @property
    def concurrency(self) -> int:
        """Requests that run at a time."""
        return self._processor.ways

    @property
    def batch_concurrency(self) -> int:
        """All: none takes long, and a live request goes next."""
        return self._processor.ways

    def run(self, chips: np.ndarray[Any, Any], outputs: Sequence[str], priority: Priority) -> Arrays:
        """Infer, in pieces that are small enough."""
        count, _, height, width = chips.shape
        most = _BATCH_PIXELS * (1 if self._provider is CPU else _DEVICE_CHIPS)
        step = max(1, most // (height * width))
        with self._processor.session(is_live=priority is Priority.LIVE) as session:
            parts = [
                session.run(list(outputs), {self._input: np.ascontiguousarray(chips[n : n + step])})
                for n in range(0, count, step)
            ]
        # copies: what the session gives lies in a pool of its own, which lives as long as one answer in it
        answer = {name: np.concatenate([part[k] for part in parts]) for k, name in enumerate(outputs)}
        self._check(answer, chips.shape)
        return answer

    def close(self) -> None:
        """Free the sessions."""
        del self._processor

    def _probe(self) -> None:
        """Run a small picture, or a chip where the network wants that size, and see how heavy it is."""
        spec = self._spec
        tile = min(spec.tile, -(-_PROBE_TILE // spec.stride) * spec.stride)
        is_fixed = _is_fixed(self._processor.whole.get_inputs()[0].shape[2:])
        side = spec.chip if is_fixed else tile + 2 * spec.halo
        noise = np.random.default_rng(0).integers(0, 256, (1, len(spec.bands), side, side))
        began = time.thread_time()
        try:
            self.run(noise.astype(spec.dtype), spec.outputs, Priority.LIVE)
        except (ModelError, MemoryError):
            raise
        except Exception as e:  # ONNX Runtime's errors have no common class
            if self._provider is not CPU:
                raise _not_started(self._provider, first_line(e)) from e
            raise ModelError(
                f"{spec.path} cannot run on a chip of {side} x {side} pixels ({first_line(e)}); "
                "import the model again."
            ) from e
        seconds = (time.thread_time() - began) * (spec.chip / side) ** 2
        self._processor.weigh(seconds if self._provider is CPU else math.inf)


def candidates(spec: ModelSpec) -> list[Candidate]:
    """Devices that may be faster than the CPU for a model, the most promising first.

    Raises:
        BackendError: no ONNX Runtime.
    """
    ort = _import_runtime()
    found = []
    for device in available_devices(ort):
        provider = PROVIDERS[device]
        if provider.is_tried:
            found.append(candidate(spec, provider.device))
        elif not library_fault(ort, provider):
            asked = f"opens for minutes, so only 'onnxruntime:{device}' takes it"
            found.append(candidate(spec, provider.device, fault=asked))
    return [c for c in found if c.device != CPU.device]


def candidate(spec: ModelSpec, device: str, fault: str = "") -> Candidate:
    """A device, to be tried for a model."""
    return Candidate(device, PROVIDERS[device].label, lambda: OnnxRuntimeRunner(spec, device), fault)


def is_installed() -> bool:
    """Whether this Python can import ONNX Runtime; imports it."""
    try:
        _import_runtime()
    except BackendError:
        return False
    return True


def _import_runtime() -> ModuleType:
    try:
        import onnxruntime
    except Exception as e:  # a broken build raises anything from ImportError to OSError
        raise BackendError(
            f"ONNX Runtime cannot be imported into this Python ({first_line(e)}); install onnxruntime "
            "or use the backend 'worker:'."
        ) from e
    onnxruntime.set_default_logger_severity(3)
    onnxruntime.disable_telemetry_events()  # nothing calls home
    module: ModuleType = onnxruntime
    return module


def _provider(ort: ModuleType, device: str) -> Provider:
    available = available_devices(ort)
    if device not in available:
        raise BackendError(
            f"ONNX Runtime has no execution provider '{device}' here (available: {', '.join(available)}); "
            "choose one of those or install the build for that device."
        )
    return PROVIDERS[device]


def _read(spec: ModelSpec) -> bytes:
    """The model's file, read once, so that all its sessions are of the same."""
    try:
        file = spec.path.read_bytes()
    except OSError as e:
        raise ModelError(
            f"The model file {spec.path} cannot be read ({e.strerror or e}); import it again."
        ) from e
    if hashlib.sha256(file).hexdigest() != spec.sha256:
        raise ModelError(
            f"{spec.path} is not the file that its model.json describes (its SHA-256 differs); "
            "import the model again."
        )
    return file


def _load(ort: ModuleType, spec: ModelSpec, file: bytes, provider: Provider, threads: int) -> Any:
    fault = library_fault(ort, provider)
    if fault:
        raise _not_started(provider, fault)
    if provider is not CPU:
        ort.set_default_logger_severity(4)  # what it has to say comes as an exception too
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # threads that spin between two requests take the processor from the map and from the readers
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # smaller shares, so that a thread that was interrupted does not keep the others waiting
    options.add_session_config_entry("session.dynamic_block_base", "4")
    if provider.device == "directml":
        options.enable_mem_pattern = False  # which it does not know
    try:
        # without its fallback to the CPU, which it would take silently, even between two runs
        session = ort.InferenceSession(
            file, options, providers=[(provider.name, dict(provider.options))], enable_fallback=0
        )
    except MemoryError:
        raise
    except Exception as e:  # ONNX Runtime's errors have no common class
        if provider is not CPU:
            raise _not_started(provider, first_line(e)) from e
        raise ModelError(
            f"{spec.path} is not a network that ONNX Runtime can load ({first_line(e)}); "
            "import the model again."
        ) from e
    if provider.name not in session.get_providers():
        raise _not_started(provider, "the device or its driver is missing")
    return session


def _not_started(provider: Provider, reason: str) -> NotStartedError:
    return NotStartedError(
        f"ONNX Runtime cannot use {provider.label} ({reason}); check the driver and its libraries, or "
        "choose 'onnxruntime:cpu'.",
        reason,
    )


def _check_input(session: Any, spec: ModelSpec) -> str:
    """The name of the input, if it takes the spec's chips."""
    inputs = session.get_inputs()
    wanted = (None, len(spec.bands), spec.chip, spec.chip)
    if len(inputs) != 1:
        raise ModelError(f"{spec.path} has {len(inputs)} inputs, not one; import the model again.")
    found = inputs[0]
    if found.type != _ELEMENTS[spec.dtype] or not shape_fits(found.shape, wanted):
        raise ModelError(
            f"{spec.path} takes {found.type} of shape {found.shape}, not {spec.dtype} of shape "
            f"(N, {wanted[1]}, {wanted[2]}, {wanted[3]}) as its model.json says; import the model again."
        )
    return str(found.name)


def _check_outputs(session: Any, spec: ModelSpec) -> None:
    found = {output.name: output for output in session.get_outputs()}
    for name in spec.outputs:
        if name not in found:
            raise ModelError(
                f"{spec.path} has no output '{name}' (it has {', '.join(found)}); import the model again."
            )
        if found[name].type != _ELEMENTS[DTYPE_OF[name]]:
            raise ModelError(
                f"{spec.path}: output '{name}' is {found[name].type}, not {DTYPE_OF[name]}; "
                "import the model again."
            )


def _is_fixed(sides: Sequence[Any]) -> bool:
    return any(isinstance(side, int) for side in sides)
