"""Deepness' segmentation path, reconstructed from a description, for comparison.

Run as ``python -m benchmarks.deepness '{"image": …, "model": …, "out": …}'``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import rasterio
from rasterio.windows import Window

from benchmarks.references import write_whole
from landcover_plugin.core.model import read_model
from landcover_plugin.core.model_formats import export_model


def main() -> None:
    """Map one image."""
    given = json.loads(sys.argv[1])
    spec = read_model(Path(given["model"]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        export_model(spec, file)
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    with rasterio.open(given["image"]) as image:
        whole = np.zeros((1, image.height, image.width), np.uint8)
        tile, halo = spec.tile, spec.halo
        for row in range(0, image.height, tile):
            for col in range(0, image.width, tile):
                window = Window(col - halo, row - halo, tile + 2 * halo, tile + 2 * halo)
                bands = [image.read(n + 1, window=window, boundless=True) for n in range(len(spec.bands))]
                batch = np.array([np.concatenate([b[..., None] for b in bands], axis=2)])
                scores = session.run(None, {name: _standardised(batch)})[0][0]
                classes = np.argmax(scores, axis=0) + 1
                cut = (classes.shape[0] - tile) // 2
                classes = classes[cut : cut + tile, cut : cut + tile]
                part = whole[0, row : row + tile, col : col + tile]
                part[:] = classes[: part.shape[0], : part.shape[1]]
    write_whole(Path(given["image"]), Path(given["out"]), _median_blur(whole[0]))


def _standardised(batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    values = (batch * 1.0 / 255.0).astype(np.float32)
    values = (values - np.zeros(values.shape[-1], np.float32)) / np.ones(values.shape[-1], np.float32)
    return np.ascontiguousarray(np.transpose(values, (0, 3, 1, 2)))


def _median_blur(classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Median of 9×9 pixels; with the library that Deepness uses where it is installed."""
    try:
        import cv2
    except ImportError:
        return classes
    blurred: npt.NDArray[np.uint8] = cv2.medianBlur(classes, 9)
    return blurred


if __name__ == "__main__":
    main()
