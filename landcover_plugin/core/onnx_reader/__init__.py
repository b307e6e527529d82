"""ONNX files read with the standard library and NumPy alone, without trusting anything in them."""

from __future__ import annotations

from .file import read_onnx, read_onnx_bytes
from .graph import OnnxGraph, OnnxNode, OnnxValue

__all__ = ["OnnxGraph", "OnnxNode", "OnnxValue", "read_onnx", "read_onnx_bytes"]
