"""CNTK v2 model files, read without CNTK and turned into ONNX."""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError
from ..protobuf import DamagedError
from .dictionary import read_dictionary
from .function_graph import function_graph
from .network import ImportedNetwork

MAX_BYTES = 256 << 20


def read_cntk(path: Path) -> ImportedNetwork:
    """The network in a CNTK v2 model file.

    Raises:
        ModelError: the file cannot be read, is no such file, or uses an operator that is not known.
    """
    try:
        from .to_onnx import to_onnx
    except ImportError as e:
        raise ModelError(f"{path}: importing a model needs the package onnx; pip install onnx.") from e
    data = _bytes_of(path)
    try:
        return to_onnx(function_graph(read_dictionary(memoryview(data))))
    except DamagedError as e:
        raise ModelError(f"{path} cannot be imported: {e}.") from e


def _bytes_of(path: Path) -> bytes:
    """The file's content; its size is looked at first, as reading allocates what it may get."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path} is larger than {MAX_BYTES >> 20} MB; such models are not imported.")
        return path.read_bytes()
    except OSError as e:
        raise ModelError(f"{path} cannot be read ({e.strerror or e}); check the path.") from e
