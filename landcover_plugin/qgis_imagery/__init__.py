"""Imagery of QGIS' layers, for the live layer and for the Toolbox."""

from __future__ import annotations

from .layers import LayerImagery, band_count, request_count
from .network import host_of

__all__ = ["LayerImagery", "band_count", "host_of", "request_count"]
