"""What an ArcGIS ImageServer says of itself: bands, pixels, and what is wrong."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import ImageryError
from ..core.imagery import SourceBand
from ..core.raster_io.fingerprint import short_reason
from .access import ServiceAccess
from .fetching import Answer, fetch_text
from .frame import Frame

_TIMEOUT_MS = 10_000
_KEPT_S = 300.0
_FAULT_KEPT_S = 10.0
_MOST_BYTES = 8 << 20
_MOST_BANDS = 1000
_MOST_PX = 4096
_MAX_IMAGE_PX = 1024
_DTYPES = {
    "U1": ("U8", "uint8"),
    "U2": ("U8", "uint8"),
    "U4": ("U8", "uint8"),
    "U8": ("U8", "uint8"),
    "U16": ("U16", "uint16"),
    "S16": ("S16", "int16"),
    "U32": ("U32", "uint32"),
    "S32": ("S32", "int32"),
    "F32": ("F32", "float32"),
    "F64": ("F64", "float64"),
}
_NUMBERED = re.compile(r"(band)?[ _-]?\d*", re.I)


@dataclass(frozen=True)
class ImageServerInfo:
    """An image service in numbers.

    Args:
        bands: names, types and NoData values.
        pixel_type: to ask for, as ArcGIS calls it.
        spatial_reference: of its extent, as a request names it.
        frame: its own pixels; None where it does not state them.
        max_width: columns of the largest picture that it makes.
        max_height: rows of that.
        has_plain_function: whether it can be told to send pixels as they are.
        extent: xmin, ymin, xmax, ymax; None where it states none.
        reference: of its extent, as it says it.
    """

    bands: tuple[SourceBand, ...]
    pixel_type: str
    spatial_reference: str
    frame: Frame | None
    max_width: int
    max_height: int
    has_plain_function: bool
    extent: tuple[float, float, float, float] | None = field(default=None, repr=False)
    reference: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


Fetch = Callable[[str, ServiceAccess, int], Answer]
"""Asks an address with an access and a limit in milliseconds, and waits for the answer."""

_known: dict[tuple[str, ServiceAccess], tuple[float, ImageServerInfo | ImageryError]] = {}
_lock = threading.Lock()


def image_server_info(
    url: str, access: ServiceAccess, name: str, fetch: Fetch = fetch_text
) -> ImageServerInfo:
    """What a service says of itself; asked at most every five minutes. The calling thread waits.

    Args:
        url: that ends in ``/ImageServer``.
        access: what it is asked with.
        name: of the layer, for people.
        fetch: asks it.

    Raises:
        ImageryError: it does not answer, or says nothing that can be used.
        CancelledError: ``fetch`` was stopped.
    """
    known = known_info(url, access)
    if known is not None:
        return known
    found: ImageServerInfo | ImageryError
    try:
        found = _asked(url, access, name, fetch)
    except ImageryError as e:
        found = e
    with _lock:
        _known[url, access] = (time.monotonic(), found)
    if isinstance(found, ImageryError):
        raise found
    return found


def known_info(url: str, access: ServiceAccess) -> ImageServerInfo | None:
    """What a service said of itself lately; None where it was not asked. Never waits.

    Raises:
        ImageryError: it was asked a moment ago, in vain.
    """
    with _lock:
        since, found = _known.get((url, access), (0.0, None))
    kept_s = _FAULT_KEPT_S if isinstance(found, ImageryError) else _KEPT_S
    if found is None or time.monotonic() - since > kept_s:
        return None
    if isinstance(found, ImageryError):
        raise ImageryError(str(found))
    return found


def known_band_count(url: str, access: ServiceAccess) -> int | None:
    """How many bands a service has, where it was asked before; never waits."""
    with _lock:
        _, found = _known.get((url, access), (0.0, None))
    return len(found.bands) if isinstance(found, ImageServerInfo) else None


def _asked(url: str, access: ServiceAccess, name: str, fetch: Fetch) -> ImageServerInfo:
    said = _json(url, "", access, name, fetch)
    bands = said.get("bandCount")
    names = _names(said)
    wavelengths: list[float | None] = []
    if isinstance(bands, int) and bands > 3 and not any(not _NUMBERED.fullmatch(n) for n in names):
        names, wavelengths = _key_properties(url, access, name, names, fetch)
    return read_info(said, names, wavelengths, name)


def _json(url: str, page: str, access: ServiceAccess, name: str, fetch: Fetch) -> dict[str, Any]:
    path, _, given = url.partition("?")
    answer = fetch(f"{path}{page}?f=json" + (f"&{given}" if given else ""), access, _TIMEOUT_MS)
    fault = answer.fault if answer.fault and not answer.body else ""
    said: Any = None
    if not fault and len(answer.body) <= _MOST_BYTES:
        try:
            said = json.loads(answer.body)
        except ValueError:
            fault = answer.fault or f"it sent {answer.kind or 'something'}, not its description"
    if isinstance(said, dict) and "error" in said:
        fault = error_in(answer)
    if fault or not isinstance(said, dict):
        raise ImageryError(f"{name} did not say what it has ({fault or 'it sent nonsense'}); "
                           "try again later or choose other imagery.")  # fmt: skip
    return said


def error_in(answer: Answer) -> str:
    """What is wrong with an answer that should hold pixels; empty where nothing can be seen to be.

    The service answers with status 200 also where it fails, and says why in JSON.
    """
    start = answer.body[:200].lstrip()
    if start.startswith(b"{") and len(answer.body) <= _MOST_BYTES:
        try:
            error = json.loads(answer.body).get("error", {})
            words = " ".join([str(error.get("message") or ""), *map(str, error.get("details") or [])]).strip()
        except (ValueError, AttributeError, TypeError):
            words = ""
        return f"it said: {short_reason(Exception(words))[:120]}" if words else "it sent text, not a picture"
    if answer.fault:
        return answer.fault
    if answer.kind.startswith("text/") or start[:1] == b"<":
        return f"it sent {answer.kind or 'text'}, not a picture"
    return "" if answer.body else "it sent nothing"


def _names(said: dict[str, Any]) -> list[str]:
    names = said.get("bandNames")
    if not isinstance(names, list) or not names:
        infos = said.get("bandInfos")
        names = [b.get("name") for b in infos if isinstance(b, dict)] if isinstance(infos, list) else []
    return [n[:80] if isinstance(n, str) else "" for n in names[:_MOST_BANDS]]


def _key_properties(
    url: str, access: ServiceAccess, name: str, names: list[str], fetch: Fetch
) -> tuple[list[str], list[float | None]]:
    """Names and wavelengths from the page that has them where the first has none; what there is else."""
    try:
        found = _json(url, "/keyProperties", access, name, fetch).get("BandProperties")
    except ImageryError:
        return names, []
    if not isinstance(found, list) or not all(isinstance(b, dict) for b in found):
        return names, []
    middles: list[float | None] = []
    for band in found[:_MOST_BANDS]:
        ends = [_number(band.get(key)) for key in ("WavelengthMin", "WavelengthMax")]
        middles.append((ends[0] + ends[1]) / 2000 if ends[0] and ends[1] else None)
    return [str(band.get("BandName") or "")[:80] for band in found[:_MOST_BANDS]], middles


def read_info(
    said: dict[str, Any], names: Sequence[str], wavelengths: Sequence[float | None], name: str
) -> ImageServerInfo:
    """From what a service says to numbers.

    Args:
        said: its JSON.
        names: of its bands, as far as they are known.
        wavelengths: of their middles in micrometres, as far as they are known.
        name: of the layer, for people.

    Raises:
        ImageryError: pixels of a kind that is not imagery, or nothing that makes sense.
    """
    count, pixel_type = said.get("bandCount"), str(said.get("pixelType"))
    if not isinstance(count, int) or not 0 < count <= _MOST_BANDS or pixel_type not in _DTYPES:
        raise ImageryError(f"{name} holds {count} bands of type '{pixel_type[:20]}', "
                           "which is not imagery; choose another layer.")  # fmt: skip
    asked_type, dtype = _DTYPES[pixel_type]
    nodata = _nodata(said, count)
    bands = tuple(
        SourceBand(
            number=n + 1,
            name=names[n] if n < len(names) else "",
            dtype=dtype,
            nodata=nodata[n],
            wavelength_um=wavelengths[n] if n < len(wavelengths) else None,
        )
        for n in range(count)
    )
    extent = said.get("extent") if isinstance(said.get("extent"), dict) else said.get("fullExtent")
    extent = extent if isinstance(extent, dict) else {}
    reference = extent.get("spatialReference") or said.get("spatialReference")
    reference = reference if isinstance(reference, dict) else {}
    functions = said.get("rasterFunctionInfos")
    return ImageServerInfo(
        bands,
        asked_type,
        _reference(reference, name),
        _frame(said, _sides(extent)),
        _limit(said.get("maxImageWidth")),
        _limit(said.get("maxImageHeight")),
        isinstance(functions, list)
        and any(isinstance(f, dict) and f.get("name") == "None" for f in functions),
        _sides(extent),
        reference,
    )


def _nodata(said: dict[str, Any], count: int) -> list[float | None]:
    """NoData value of each band; one for all is said so too."""
    values = said.get("noDataValues")
    if not isinstance(values, list):
        values = [said.get("noDataValue")]
    numbers = [_number(v) for v in values]
    return numbers * count if len(numbers) == 1 else [*numbers[:count], *[None] * (count - len(numbers))]


def _reference(found: dict[str, Any], name: str) -> str:
    if isinstance(found.get("wkid"), int):
        return str(found["wkid"])
    if isinstance(found.get("wkt"), str):
        return json.dumps({"wkt": found["wkt"]})
    raise ImageryError(f"{name} has no CRS; choose other imagery.")


def _sides(extent: dict[str, Any]) -> tuple[float, float, float, float] | None:
    xmin, ymin, xmax, ymax = (_number(extent.get(key)) for key in ("xmin", "ymin", "xmax", "ymax"))
    if xmin is None or ymin is None or xmax is None or ymax is None:
        return None
    return xmin, ymin, xmax, ymax


def _frame(said: dict[str, Any], sides: tuple[float, float, float, float] | None) -> Frame | None:
    """The pixels of the service, where it states them."""
    width, height = _number(said.get("pixelSizeX")), _number(said.get("pixelSizeY"))
    if not width or not height or width < 0 or height < 0 or sides is None:
        return None
    xmin, ymin, xmax, ymax = sides
    cols, rows = round((xmax - xmin) / width), round((ymax - ymin) / height)
    return Frame(xmin, ymax, width, height, cols, rows, is_service=True) if cols > 0 and rows > 0 else None


def _limit(value: Any) -> int:
    """Side of the largest picture."""
    return min(value, _MOST_PX) if isinstance(value, int) and value > 0 else _MAX_IMAGE_PX


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < float("inf") else None
