"""Training of land cover models: `landcover train` (extra ``train``; not in the plugin zip)."""
