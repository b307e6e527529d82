"""What GDAL finds wrong while somebody else calls it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from osgeo import gdal


@contextlib.contextmanager
def gdal_complaints() -> Iterator[list[str]]:
    """Collect the errors that GDAL meets in this thread, in place of printing them."""
    said: list[str] = []

    def listen(kind: int, _number: int, text: str) -> None:
        if kind >= gdal.CE_Failure:
            said.append(text)

    gdal.PushErrorHandler(listen)
    try:
        yield said
    finally:
        gdal.PopErrorHandler()
