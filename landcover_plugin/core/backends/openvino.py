"""OpenVINO in this process, an option beside ONNX Runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import BackendError, ModelError
from ..model import ModelSpec, file_sha256
from ..model_precision import precision_of
from .answers import AnswerCheck
from .protocol import Arrays, Priority
from .queue import first_line
from .settings import thread_count
from .trial import Candidate, NotStartedError, trial_chip

_PROBE_TILE = 32


class OpenVinoRunner:
    """A network compiled by OpenVINO; one request runs at a time and uses all threads.

    Only what is asked for is computed: each choice of outputs is compiled when it is first asked for.
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
            device: ``cpu``, ``gpu`` or ``npu``.
            threads: of the network on a CPU; the user's setting where None.
            remarks: why other devices are not used; part of the description.

        Raises:
            BackendError: no OpenVINO, or no such device.
            ModelError: the file is not a network, or its outputs do not fit its ``model.json``.
        """
        module = _import_runtime()
        threads = threads or thread_count()
        self._spec, self._check = spec, AnswerCheck(spec)
        self._core, self._device = module.Core(), _device(module, device)
        # the default may be bfloat16, and several chips at once, which keeps other programs waiting
        self._options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if device == "cpu":
            self._options.update(INFERENCE_NUM_THREADS=threads, NUM_STREAMS=1)
        self._requests: dict[tuple[str, ...], Any] = {}
        self._make_model = module.Model
        self.numeric_kind = f"openvino-{device}-{precision_of(spec)}"
        plural = "" if threads == 1 else "s"
        label = f"CPU, {threads} thread{plural}" if device == "cpu" else device.upper()
        others = f" (not {'; not '.join(remarks)})" if remarks else ""
        self.description = f"OpenVINO {module.__version__.partition('-')[0]}, {label}{others}"
        if file_sha256(spec.path) != spec.sha256:
            raise ModelError(
                f"{spec.path} is not the file that its model.json describes (its SHA-256 differs); "
                "import the model again."
            )
        self._probe()

    @property
    def in_flight(self) -> int:
        """One that runs and one that waits."""
        return 2

    @property
    def concurrency(self) -> int:
        """One: a request uses all threads by itself."""
        return 1

    @property
    def batch_concurrency(self) -> int:
        """That one."""
        return 1

    def run(self, chips: np.ndarray[Any, Any], outputs: Sequence[str], priority: Priority) -> Arrays:
        """Infer, chip by chip, so that a chip's bits do not depend on its neighbours."""
        parts = [self._run_one(chips[n : n + 1], tuple(outputs)) for n in range(len(chips))]
        answer = {
            name: parts[0][k] if len(parts) == 1 else np.concatenate([part[k] for part in parts])
            for k, name in enumerate(outputs)
        }
        self._check(answer, chips.shape)
        return answer

    def close(self) -> None:
        """Free the network."""
        self._requests.clear()

    def _run_one(self, chip: np.ndarray[Any, Any], outputs: tuple[str, ...]) -> list[np.ndarray[Any, Any]]:
        if outputs not in self._requests:
            self._requests[outputs] = self._compile(outputs)
        request = self._requests[outputs]
        request.infer({0: np.ascontiguousarray(chip)})
        return [np.array(request.get_output_tensor(k).data) for k in range(len(outputs))]

    def _compile(self, outputs: tuple[str, ...]) -> Any:
        """A request that computes these outputs alone."""
        try:
            network = self._core.read_model(str(self._spec.path))
        except Exception as e:  # OpenVINO's errors are RuntimeErrors of several lines
            raise ModelError(
                f"{self._spec.path} is not a network that OpenVINO can load ({_reason(e)}); use "
                "'onnxruntime:cpu' or import the model again."
            ) from e
        found = {name: output for output in network.outputs for name in output.get_names()}
        missing = [name for name in outputs if name not in found]
        if missing:
            raise ModelError(
                f"{self._spec.path} has no output '{missing[0]}' (it has {', '.join(sorted(found))}); import "
                "the model again."
            )
        part = self._make_model([found[name] for name in outputs], network.get_parameters())
        return self._core.compile_model(part, self._device, self._options).create_infer_request()

    def _probe(self) -> None:
        """Run a small picture, or a chip where the network wants that size."""
        spec = self._spec
        try:
            request = self._requests[spec.outputs] = self._compile(spec.outputs)
            sides = list(request.get_compiled_model().inputs[0].partial_shape)[2:]
            tile = min(spec.tile, -(-_PROBE_TILE // spec.stride) * spec.stride)
            is_free = all(side.is_dynamic for side in sides) and spec.task == "segmentation"
            side = tile + 2 * spec.halo if is_free else spec.chip
            self.run(trial_chip(spec)[:, :, :side, :side], spec.outputs, Priority.BATCH)
        except (BackendError, ModelError, MemoryError):
            raise
        except Exception as e:  # OpenVINO's errors are RuntimeErrors of several lines
            raise NotStartedError(
                f"OpenVINO cannot run model '{self._spec.name}' ({_reason(e)}); use 'onnxruntime:cpu'.",
                _reason(e),
            ) from e


def candidate(spec: ModelSpec) -> Candidate:
    """OpenVINO on the CPU, to be tried for a model."""
    return Candidate("openvino:cpu", "OpenVINO", lambda: OpenVinoRunner(spec))


def is_installed() -> bool:
    """Whether this Python has OpenVINO; does not import it."""
    return importlib.util.find_spec("openvino") is not None


def _import_runtime() -> ModuleType:
    try:
        import openvino
    except Exception as e:  # a broken build raises anything from ImportError to OSError
        raise BackendError(
            f"OpenVINO cannot be imported into this Python ({first_line(e)}); install openvino, or use the "
            "backend 'auto'."
        ) from e
    module: ModuleType = openvino
    return module


def _device(module: ModuleType, device: str) -> str:
    available = [str(name).partition(".")[0].lower() for name in module.Core().available_devices]
    if device not in available:
        raise BackendError(
            f"OpenVINO has no device '{device[:20]}' here (available: {', '.join(sorted(set(available)))}); "
            "choose one of those."
        )
    return device.upper()


def _reason(error: BaseException) -> str:
    """The last line, for OpenVINO begins with where in its sources it happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200].rstrip(".")
