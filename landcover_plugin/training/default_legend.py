"""The five classes of the default models, and how they relate to other legends."""

from __future__ import annotations

from ..core.legend import LandClass, Legend

LEGEND = Legend(
    (
        LandClass(1, "water", "#0000FF"),
        LandClass(2, "tree and shrub", "#008000"),
        LandClass(3, "low vegetation", "#80FF80"),
        LandClass(4, "barren", "#C8A878"),
        LandClass(5, "impervious", "#806060"),
    )
)
"""Water, trees and low vegetation have the colours of the 2018 model."""

POINT_CLASSES = ("water", "tree", "low_vegetation", "barren", "impervious")
"""How interpreted points call the classes, in the legend's order."""

MERGED = (0, 1, 2, 3, 3)
"""Channel of each class where barren and impervious are one, as in the 2018 model."""
