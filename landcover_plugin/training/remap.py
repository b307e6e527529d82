"""Tables that turn a label raster's values into the channels of a legend."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import OptionError
from ..core.legend import Legend
from .chips import UNLABELLED

CHESAPEAKE = {0: None, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 5, 15: None, 255: None}
"""Chesapeake Conservancy land cover 2013/14 onto the five default classes; 15 and 255 are no data."""

NLCD = {
    0: None, 11: 1, 12: None, 21: 3, 22: None, 23: 5, 24: 5, 31: 4,
    41: 2, 42: 2, 43: 2, 51: 2, 52: 2, 71: 3, 72: 3, 73: 3, 74: 3, 81: 3, 82: 3, 90: 2, 95: 3, 255: None,
}  # fmt: skip
"""National Land Cover Database; snow and low-intensity development say nothing about one pixel."""

BUILT_IN: Mapping[str, Mapping[int, int | None]] = {"chesapeake": CHESAPEAKE, "nlcd": NLCD}


class Remap:
    """Values of a label raster to class channels.

    Args:
        table: legend id of each value, None for values that say nothing; None in place of the
            table where values are legend ids already.
        legend: the classes.
        name: of the table, for errors.
    """

    def __init__(self, table: Mapping[int, int | None] | None, legend: Legend, name: str) -> None:
        channels = {c.id: i for i, c in enumerate(legend)}
        table = {**{i: i for i in channels}, 255: None} if table is None else table
        unknown = sorted({to for to in table.values() if to is not None and to not in channels})
        if unknown:
            raise OptionError(f"The table {name} leads to class {unknown[0]}, which the legend does not have; "
                              "correct the table.")  # fmt: skip
        self._channels = np.full(65536, -1, np.int16)
        for value, to in table.items():
            self._channels[value] = UNLABELLED if to is None else channels[to]
        self.name = name

    def channels(self, labels: npt.NDArray[np.integer], file: str) -> npt.NDArray[np.uint8]:
        """Class channels of a label raster, 255 where it says nothing.

        Raises:
            OptionError: a value is not in the table.
        """
        values = np.unique(labels)
        known = (values >= 0) & (values < len(self._channels))
        known[known] = self._channels[values[known].astype(np.int64)] >= 0
        if not known.all():
            raise OptionError(f"{file} holds the label {values[~known][0]}, which the table {self.name} does not "
                              "have; add it to the table (an empty 'to' for no label).")  # fmt: skip
        return self._channels[labels.astype(np.int64)].astype(np.uint8)


def read_remap(table: str | None, legend: Legend) -> Remap:
    """A built-in table by name, or a CSV file with the columns ``from`` and ``to``.

    Raises:
        OptionError: no such table, or a line that is not two numbers.
    """
    if table is None:
        return Remap(None, legend, "of legend ids")
    if table in BUILT_IN:
        return Remap(BUILT_IN[table], legend, table)
    try:
        with Path(table).open(newline="", encoding="utf-8") as f:
            rows = [(row["from"], row["to"]) for row in csv.DictReader(f)]
        return Remap({int(a): int(b) if b else None for a, b in rows}, legend, table)
    except OSError as e:
        names = ", ".join(BUILT_IN)
        raise OptionError(f"There is no table '{table}': give one of {names}, or a CSV file.") from e
    except (KeyError, ValueError) as e:
        raise OptionError(
            f"{table} must have the columns 'from' and 'to' with whole numbers; correct it."
        ) from e
