"""Imagery of QGIS' layers, for the live layer and for the Toolbox."""

from __future__ import annotations

from .layers import LayerImagery

__all__ = ["LayerImagery"]
