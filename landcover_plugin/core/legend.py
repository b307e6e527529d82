"""Land cover classes and the legend that lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NODATA = 255
"""The map's value where there is no valid imagery."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class LandClass:
    """One class of a legend.

    Args:
        id: its value in the map, 0 to 254.
        name: its name, as a map user would read it.
        colour: ``#rrggbb``.
        is_land_cover: False for "no data" or "unknown" classes, which no area counts as cover.
    """

    id: int
    name: str
    colour: str
    is_land_cover: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.id < NODATA:
            raise ValueError(f"class id {self.id} is not between 0 and 254")
        if not self.name.strip():
            raise ValueError(f"class {self.id} has no name")
        if not _COLOUR.fullmatch(self.colour):
            raise ValueError(f"colour {self.colour!r} of class {self.id} is not like #1a2b3c")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        return int(self.colour[1:3], 16), int(self.colour[3:5], 16), int(self.colour[5:7], 16)


@dataclass(frozen=True)
class Legend:
    """The classes of a model, in the order of the network's channels."""

    classes: tuple[LandClass, ...]

    def __post_init__(self) -> None:
        ids = [c.id for c in self.classes]
        if not ids:
            raise ValueError("a legend needs at least one class")
        if len(set(ids)) != len(ids):
            raise ValueError("two classes of the legend have the same id")

    def __iter__(self) -> Iterator[LandClass]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def by_id(self, class_id: int) -> LandClass | None:
        """The class with this id, or None."""
        return next((c for c in self.classes if c.id == class_id), None)

    def name_of(self, class_id: int) -> str:
        """The name of the class with this id; "class N" for one the legend does not know."""
        found = self.by_id(class_id)
        return found.name if found else f"class {class_id}"

    def colour_table(self) -> npt.NDArray[np.uint8]:
        """(256, 4) uint8: red, green, blue, alpha of each map value; unknown ones transparent."""
        import numpy as np  # legends are read when QGIS starts, which should not wait for it

        table = np.zeros((256, 4), np.uint8)
        for c in self.classes:
            table[c.id] = (*c.rgb, 255)
        return table
