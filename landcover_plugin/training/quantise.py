"""The 8-bit form of a segmentation graph: static quantisation, one scale a channel.

Convolutions become 8-bit, and what stands between them. The softmax and the first block of the
pretrained encoder stay in float, as they cost little and lose much (the block two points).
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.model import ModelSpec
from .model_folder import write_model_folder

_ROUNDED = ["Conv", "Add", "Relu", "Clip", "Concat", "Resize"]
_FIRST = ("/pretrained_stem/", "/blocks.0/")


def quantise_graph(path: Path, chips: npt.NDArray[np.uint8], out: Path) -> None:
    """Write the 8-bit (QDQ) form of an ONNX file.

    Args:
        path: of the float graph, input ``chips``.
        chips: ``(N, band, side, side)`` imagery to find the ranges with; never that of a held-out fold.
        out: of the 8-bit graph.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(out), _Chips(chips),
            quant_format=QuantFormat.QDQ, per_channel=True, op_types_to_quantize=_ROUNDED,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax, nodes_to_exclude=_in_float(prepared),
        )  # fmt: skip


def eight_bit_model(
    spec: ModelSpec, chips: npt.NDArray[np.uint8], folder: Path, figures: Mapping[str, Any]
) -> ModelSpec:
    """Write the 8-bit form of a segmentation model as a model folder of its own.

    Args:
        spec: of the float model.
        chips: ``(N, band, tile, tile)`` imagery of training places; it is mirrored at the edges.
        folder: of the 8-bit model; its last part becomes the name.
        figures: measured on the 8-bit model.
    """
    path = folder / spec.file
    path.parent.mkdir(parents=True, exist_ok=True)
    edges = ((0, 0), (0, 0), (spec.halo, spec.halo), (spec.halo, spec.halo))
    quantise_graph(spec.path, np.pad(chips[:, : len(spec.bands)], edges, "symmetric"), path)
    written = replace(
        spec,
        name=folder.name,
        title=f"{spec.title} (8 bit)",
        description=f"{spec.description} Its convolutions are 8-bit: faster than {spec.name} with ONNX Runtime "
        "on most processors, slower with NumPy.",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        figures=dict(figures),
        provenance={**spec.provenance, "quantised from": f"{spec.name}, SHA-256 {spec.sha256}"},
        folder=folder,
    )
    write_model_folder(written, folder)
    return written


def _in_float(path: Path) -> list[str]:
    """The pretrained encoder up to its first block, and sums after the softmax or on class numbers."""
    import onnx

    graph = onnx.load(path).graph
    last: set[str] = set()
    first: set[str] = set()
    names = []
    for node in graph.node:
        given = set(node.input)
        if node.op_type in ("Exp", "ArgMax") or last & given:
            last |= set(node.output)
        elif node.name.startswith(_FIRST) or (node.op_type == "Clip" and first & given):
            first |= set(node.output)
        else:
            continue
        names.append(node.name)
    return names


class _Chips:
    """What the calibration reads: one chip after another."""

    def __init__(self, chips: npt.NDArray[np.uint8]) -> None:
        self._left: Iterator[npt.NDArray[np.uint8]] = iter(chips)

    def get_next(self) -> dict[str, Any] | None:
        chip = next(self._left, None)
        return None if chip is None else {"chips": chip[None]}


def seconds_per_chip(path: Path, side: int, bands: int, threads: int = 2, rounds: int = 5) -> float:
    """Median seconds that ONNX Runtime needs for one chip, ``classes`` asked for."""
    import time

    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    chip = np.random.default_rng(0).integers(0, 256, (1, bands, side, side), dtype=np.uint8)
    taken = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        session.run(["classes"], {session.get_inputs()[0].name: chip})
        taken.append(time.perf_counter() - start)
    return float(np.median(taken[1:]))
