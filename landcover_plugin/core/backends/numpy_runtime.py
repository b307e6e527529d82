"""NumPy in this process: slower than a real runtime, but always there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import BackendError, ModelError
from ..model import ModelSpec, file_sha256
from ..model_precision import precision_of
from ..onnx_reader import OnnxGraph, read_onnx
from ..protobuf import DamagedError
from .answers import DTYPE_OF, AnswerCheck, shape_fits
from .numpy_network import NotKnownHereError, Program
from .protocol import Arrays, Priority
from .queue import first_line
from .settings import PYTHON_VARIABLE, thread_count

_PROBE_TILE = 32


class NumpyRunner:
    """Runs the operators of a model's graph one after another, one chip at a time."""

    def __init__(self, spec: ModelSpec, threads: int | None = None) -> None:
        """Load the model and try it.

        Args:
            spec: of a model in a folder.
            threads: that share the work; the user's setting where None.

        Raises:
            BackendError: the network has an operator that only a real runtime knows.
            ModelError: the file is not a network, or does not fit its ``model.json``.
        """
        threads = threads or thread_count()
        self._spec, self._check = spec, AnswerCheck(spec)
        self.numeric_kind = f"numpy-{precision_of(spec)}"
        self.description = f"NumPy {np.__version__}, CPU, {threads} thread{'' if threads == 1 else 's'}"
        graph = _load(spec)
        self._input = _check_input(graph, spec)
        _check_outputs(graph, spec)
        try:
            self._program = Program(graph, threads)
            self._probe(graph)
        except NotKnownHereError as e:
            raise _needs_runtime(spec, e) from e
        except DamagedError as e:
            raise ModelError(f"{spec.path} cannot be run: {e}; import the model again.") from e
        except (ModelError, MemoryError):
            raise
        except Exception as e:  # whatever NumPy says about arrays that do not fit
            raise ModelError(f"{spec.path} cannot be run ({first_line(e)}); import the model again.") from e

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
        try:
            parts = [self._program.run({self._input: chips[n : n + 1]}, outputs) for n in range(len(chips))]
        except NotKnownHereError as e:
            raise _needs_runtime(self._spec, e) from e
        answer = {
            name: np.ascontiguousarray(
                parts[0][k] if len(parts) == 1 else np.concatenate([p[k] for p in parts])
            )
            for k, name in enumerate(outputs)
        }
        self._check(answer, chips.shape)
        return answer

    def close(self) -> None:
        """End the threads and free the weights."""
        self._program.close()
        del self._program

    def _probe(self, graph: OnnxGraph) -> None:
        """Run a small picture, or a chip where the network wants that size."""
        spec = self._spec
        sides = graph.inputs[0].shape
        is_free = sides is None or all(side is None for side in sides[2:])
        tile = min(spec.tile, -(-_PROBE_TILE // spec.stride) * spec.stride)
        side = tile + 2 * spec.halo if is_free and spec.task == "segmentation" else spec.chip
        noise = np.random.default_rng(0).integers(0, 256, (1, len(spec.bands), side, side))
        self.run(noise.astype(spec.dtype), spec.outputs, Priority.BATCH)


def _needs_runtime(spec: ModelSpec, error: NotKnownHereError) -> BackendError:
    return BackendError(
        f"Model '{spec.name}' uses {error}, which NumPy alone does not run; use 'Set up local inference' in "
        f"the settings, or name a Python that has onnxruntime in {PYTHON_VARIABLE}."
    )


def _load(spec: ModelSpec) -> OnnxGraph:
    graph = read_onnx(spec.path)
    if file_sha256(spec.path) != spec.sha256:
        raise ModelError(
            f"{spec.path} is not the file that its model.json describes (its SHA-256 differs); "
            "import the model again."
        )
    return graph


def _check_input(graph: OnnxGraph, spec: ModelSpec) -> str:
    """The name of the input, if it takes the spec's chips."""
    if len(graph.inputs) != 1:
        raise ModelError(f"{spec.path} has {len(graph.inputs)} inputs, not one; import the model again.")
    found = graph.inputs[0]
    wanted = (1, len(spec.bands), spec.chip, spec.chip)
    if found.dtype != spec.dtype or not shape_fits(found.shape or (None,) * 4, wanted):
        raise ModelError(
            f"{spec.path} takes {found.dtype} of shape {found.shape}, not {spec.dtype} of shape {wanted} as "
            "its model.json says; import the model again."
        )
    return found.name


def _check_outputs(graph: OnnxGraph, spec: ModelSpec) -> None:
    found = {output.name: output for output in graph.outputs}
    for name in spec.outputs:
        if name not in found:
            raise ModelError(
                f"{spec.path} has no output '{name}' (it has {', '.join(found)[:200]}); import the model again."
            )
        if found[name].dtype != DTYPE_OF[name]:
            raise ModelError(
                f"{spec.path}: output '{name}' is {found[name].dtype}, not {DTYPE_OF[name]}; "
                "import the model again."
            )
