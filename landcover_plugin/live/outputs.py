"""Names of what a live layer keeps of a tile, and of what it can show; nothing to import, so they cost nothing."""

from __future__ import annotations

CLASSES, PROBABILITIES = "classes", "probabilities8"
BLEND, CONFIDENCE = "blend", "confidence"
OUTPUTS = (CLASSES, BLEND, CONFIDENCE)
