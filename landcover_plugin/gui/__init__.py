"""Toolbar, dock, comparison views, settings: what the user sees in QGIS."""
