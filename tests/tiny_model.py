"""Small real models for tests: whole model folders with an ONNX graph in the raw-imagery form.

Every graph takes ``chips`` ``(N, band, H, W)``, gives ``classes``, ``probabilities8`` and
``probabilities`` and crops the halo itself, with N, H and W free. The network is one convolution of a
known kernel, so its receptive field is known, and optional 1 x 1 layers that make it slower.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from landcover_plugin.core.legend import LandClass, Legend
from landcover_plugin.core.model import (
    SPEC_FILE,
    Band,
    ModelSpec,
    PixelSize,
    file_sha256,
    model_json,
    read_model,
)

COLOURS = ("#2b6cb0", "#1f6e3a", "#a3c65c", "#c9a36b", "#6b6b6b", "#b03a2e", "#7d3c98", "#f1c40f")
_BANDS = (
    Band("red", "red", 0.65),
    Band("green", "green", 0.56),
    Band("blue", "blue", 0.48),
    Band("near infrared", "nir", 0.83),
)


def write_tiny_model(
    folder: Path,
    *,
    bands: int = 4,
    classes: int = 3,
    tile: int = 64,
    halo: int = 8,
    kernel: int = 3,
    depth: int = 0,
    width: int = 16,
    stride: int = 1,
    ids: Sequence[int] | None = None,
    dtype: str = "uint8",
    fill: float | str = 0.0,
    pixel_size_m: tuple[float, float, float] = (1.0, 0.5, 2.0),
    outputs: Sequence[str] = ("classes", "probabilities8", "probabilities"),
    weights: npt.NDArray[np.float32] | None = None,
    seed: int = 1,
    name: str | None = None,
) -> ModelSpec:
    """A segmentation model: one ``kernel`` x ``kernel`` convolution, softmax, argmax.

    Args:
        folder: made where it is missing; its last part is the model's name.
        bands: of the imagery.
        classes: of the legend.
        tile: side of the predicted square.
        halo: at least ``kernel // 2``.
        kernel: odd; the receptive field in pixels.
        depth: further 1 x 1 layers, which cost time but add no receptive field.
        width: channels of those layers.
        stride: only written into the spec.
        ids: class ids in channel order; 1, 2, 3 … where None.
        dtype: of the chips.
        fill: see :class:`ModelSpec`.
        pixel_size_m: best, smallest, largest.
        outputs: those that the graph has.
        weights: ``(class, band, kernel, kernel)`` of the convolution; random where None.
        seed: of the random weights.
        name: overrides the folder's name.

    Returns:
        The spec as :func:`read_model` gives it.
    """
    ids = list(range(1, classes + 1)) if ids is None else list(ids)
    model = tiny_graph(bands, ids, halo, kernel, depth, width, dtype, outputs, weights, seed)
    path = folder / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    best, low, high = pixel_size_m
    spec = ModelSpec(
        name=name or folder.name,
        title="A tiny model",
        task="segmentation",
        file="1/model.onnx",
        sha256=file_sha256(path),
        bands=tuple(_BANDS[:bands]) + tuple(Band(f"band {n}") for n in range(len(_BANDS), bands)),
        dtype=dtype,
        fill=fill,  # type: ignore[arg-type]
        pixel_size_m=PixelSize(best, low, high),
        tile=tile,
        halo=halo,
        stride=stride,
        outputs=tuple(outputs),
        legend=Legend(tuple(LandClass(i, f"class {i}", COLOURS[n % 8]) for n, i in enumerate(ids))),
    )
    (folder / SPEC_FILE).write_text(json.dumps(model_json(spec), indent=2), "utf-8")
    return read_model(folder)


def write_brightest_band_model(folder: Path, *, bands: int = 4, **options: Any) -> ModelSpec:
    """A model of receptive field 1: class n + 1 where band n is the brightest, the first on a tie."""
    weights = np.eye(bands, dtype=np.float32).reshape(bands, bands, 1, 1) * 8
    options = {"halo": 0, "classes": bands, **options}
    return write_tiny_model(folder, bands=bands, kernel=1, weights=weights, **options)


def write_box_model(folder: Path, *, bands: int = 4, reach: int = 5, **options: Any) -> ModelSpec:
    """A model of receptive field ``2 reach + 1``: the band whose mean over that square is brightest."""
    kernel = 2 * reach + 1
    weights = np.zeros((bands, bands, kernel, kernel), np.float32)
    for n in range(bands):
        weights[n, n] = 40 / kernel**2
    options = {"halo": reach, "classes": bands, **options}
    return write_tiny_model(folder, bands=bands, kernel=kernel, weights=weights, **options)


def tiny_graph(
    bands: int,
    ids: Sequence[int],
    halo: int,
    kernel: int,
    depth: int,
    width: int,
    dtype: str,
    outputs: Sequence[str],
    weights: npt.NDArray[np.float32] | None,
    seed: int,
) -> Any:
    """The ONNX model of :func:`write_tiny_model`."""
    from onnx import TensorProto, helper

    if kernel % 2 == 0 or kernel // 2 > halo:
        raise ValueError("the kernel must be odd and its half must fit the halo")
    graph = _Graph()
    rng = np.random.default_rng(seed)
    x = graph.node("Cast", "chips", to=TensorProto.FLOAT)
    x = graph.node("Mul", x, graph.constant(np.float32(1 / 255)))
    crop = halo - kernel // 2
    if crop:
        spans = [np.array(v, np.int64) for v in ([crop, crop], [-crop, -crop], [2, 3])]
        x = graph.node("Slice", x, *(graph.constant(v) for v in spans))
    channels, grey = bands, np.full(bands, 0.5, np.float32)
    for _ in range(depth):
        layer = rng.normal(0, 1.4 / channels**0.5, (width, channels, 1, 1)).astype(np.float32)
        grey = np.maximum(layer[:, :, 0, 0] @ grey, 0)
        x, channels = graph.node("Relu", graph.node("Conv", x, graph.constant(layer))), width
    if weights is None:
        scale = 12 / (channels**0.5 * kernel)
        weights = rng.normal(0, scale, (len(ids), channels, kernel, kernel)).astype(np.float32)
    bias = -np.einsum("ocij,c->o", weights, grey)  # grey imagery is equally like every class
    scores = graph.node("Conv", x, graph.constant(weights), graph.constant(bias))
    probabilities = graph.node("Softmax", scores, axis=1, name="probabilities")
    best = graph.node("ArgMax", probabilities, axis=1, keepdims=0)
    graph.node("Gather", graph.constant(np.array(ids, np.uint8)), best, axis=0, name="classes")
    scaled = graph.node("Round", graph.node("Mul", probabilities, graph.constant(np.float32(254))))
    graph.node("Cast", scaled, to=TensorProto.UINT8, name="probabilities8")
    shapes = {
        "classes": (TensorProto.UINT8, ["N", "h", "w"]),
        "probabilities8": (TensorProto.UINT8, ["N", len(ids), "h", "w"]),
        "probabilities": (TensorProto.FLOAT, ["N", len(ids), "h", "w"]),
    }
    element = getattr(TensorProto, {"float32": "FLOAT"}.get(dtype, dtype.upper()))
    built = helper.make_graph(
        graph.nodes,
        "tiny",
        [helper.make_tensor_value_info("chips", element, ["N", bands, "H", "W"])],
        [helper.make_tensor_value_info(key, *shapes[key]) for key in outputs],
        graph.constants,
    )
    return helper.make_model(built, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class _Graph:
    """Nodes and constants under way."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: npt.ArrayLike) -> str:
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        output = name or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output
