"""What a request to a model may look like, and what its answer must."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BackendError, ModelError
from ..model import ModelSpec

DTYPE_OF = {"classes": "uint8", "probabilities8": "uint8", "probabilities": "float32"}


def answer_shape(spec: ModelSpec, output: str, chips_shape: Sequence[int]) -> tuple[int, ...]:
    """Shape of an output for chips of ``(N, band, row, col)``."""
    count, _, height, width = chips_shape
    channels = () if output == "classes" else (len(spec.legend),)
    if spec.task == "chip-classification":
        return (count, *channels)
    return (count, *channels, height - 2 * spec.halo, width - 2 * spec.halo)


def answer_bytes(spec: ModelSpec, outputs: Sequence[str], chips_shape: Sequence[int]) -> int:
    """Bytes of an answer's arrays."""
    total = 0
    for output in outputs:
        cells = 1
        for side in answer_shape(spec, output, chips_shape):
            cells *= side
        total += cells * np.dtype(DTYPE_OF[output]).itemsize
    return total


def check_request(spec: ModelSpec, chips: np.ndarray[Any, Any], outputs: Sequence[str]) -> None:
    """Refuse chips and output names that the model cannot take.

    Raises:
        BackendError: says what does not fit.
    """
    fault = request_fault(spec, chips.dtype.name, chips.shape, outputs)
    if fault:
        raise BackendError(f"Model '{spec.name}' cannot run this request: {fault}.")


def request_fault(spec: ModelSpec, dtype: str, shape: Sequence[int], outputs: Sequence[str]) -> str:
    """What does not fit, or an empty text."""
    if dtype != spec.dtype:
        return f"chips must be {spec.dtype}, not {dtype}"
    if len(shape) != 4 or shape[1] != len(spec.bands):
        return f"chips must have the shape (N, {len(spec.bands)}, row, col), not {tuple(shape)}"
    if shape[0] < 1:
        return "there is no chip in it"
    for side in shape[2:]:
        if side <= 2 * spec.halo or side % spec.stride:
            return (
                f"a chip side of {side} pixels must be above {2 * spec.halo} and a multiple of {spec.stride}"
            )
    if not outputs or len(set(outputs)) != len(outputs):
        return "each output must be named once"
    unknown = set(outputs) - set(spec.outputs)
    if unknown:
        return f"the model has no output {', '.join(sorted(unknown))} (it has {', '.join(spec.outputs)})"
    return ""


def shape_fits(shape: Sequence[Any], wanted: Sequence[int | None]) -> bool:
    """Whether a shape with free sides (texts or None) holds the wanted one."""
    return len(shape) == len(wanted) and all(
        not isinstance(side, int) or want is None or side == want for side, want in zip(shape, wanted)
    )


class AnswerCheck:
    """Refuses answers that do not fit the model spec: shape, type, ids outside the legend, NaN."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._known = np.zeros(256, np.bool_)
        self._known[[c.id for c in spec.legend]] = True

    def __call__(self, answer: Mapping[str, npt.NDArray[Any]], chips_shape: Sequence[int]) -> None:
        """Check one answer.

        Raises:
            ModelError: says which output does not fit.
        """
        for name, array in answer.items():
            wanted = answer_shape(self._spec, name, chips_shape)
            if array.dtype != np.dtype(DTYPE_OF[name]):
                raise self._wrong(name, f"is {array.dtype.name}, not {DTYPE_OF[name]}")
            if array.shape != wanted:
                raise self._wrong(
                    name,
                    f"has the shape {array.shape}, not {wanted}, which its tile, halo and legend "
                    f"of {len(self._spec.legend)} classes call for",
                )
            if name == "classes" and not self._known[array].all():
                unknown = int(array[~self._known[array]].flat[0])
                raise self._wrong(name, f"holds class {unknown}, which is not in its legend")
            if name == "probabilities" and not np.isfinite(array).all():
                raise self._wrong(name, "holds values that are no numbers")

    def _wrong(self, name: str, what: str) -> ModelError:
        return ModelError(
            f"Model '{self._spec.name}' does not fit its model.json: output '{name}' {what}; "
            "import the model again."
        )
