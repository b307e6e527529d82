"""The engine: imagery in, a land cover map out. No QGIS, no Qt."""
