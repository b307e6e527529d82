"""Imagery of QGIS' layers, for the live layer and for the Toolbox."""

from __future__ import annotations

from .access import host_of
from .layers import LayerImagery, band_count, request_count

__all__ = ["LayerImagery", "band_count", "host_of", "request_count"]
