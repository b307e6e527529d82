"""Models of other formats: imported into model folders, and exported from them.

Importing and exporting need the package ``onnx``; this module does not.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError
from ..model import ModelSpec
from .importing import AssumptionWarning, import_model
from .published import get_model, published_models

__all__ = ["AssumptionWarning", "export_model", "get_model", "import_model", "published_models"]


def export_model(spec: ModelSpec, out: Path) -> None:
    """Write a model as an ONNX file that other programs open, and a STAC MLM item beside it.

    The file takes (N, band, H, W) float32, imagery divided by 255, gives probabilities, and carries
    Deepness' keys. The item has the same name with ``.json``.

    Args:
        spec: of a model in a folder.
        out: the file to write; replaced where it exists.

    Raises:
        ModelError: the model gives no probabilities, or its file is damaged.
        OutputError: the file cannot be written.
    """
    try:
        from .export import write_export
    except ImportError as e:
        raise ModelError(f"Exporting '{spec.name}' needs the package onnx; pip install onnx.") from e
    write_export(spec, Path(out))
