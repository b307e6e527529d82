"""From what is known about a model to its spec: given fields, the graph's shapes, and assumptions.

Every reader of a format gives a dictionary with some of the keys below; the user's overrides replace
them one by one; what is still missing comes from the graph or is assumed and listed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ..errors import ModelError
from ..json_fields import Fields
from ..legend import LandClass, Legend
from ..model import OUTPUTS, Band, Fill, ModelSpec, PixelSize
from .network import Network

if TYPE_CHECKING:
    from .wrap import Wrapping

KEYS = (
    "title", "description", "version", "licence", "citation", "bands", "dtype", "fill", "pixel_size_m",
    "tile", "halo", "stride", "chip", "overlap_percent", "divisor", "data_range", "mean", "std",
    "activation", "threshold", "legend", "class_names", "output", "batch",
)  # fmt: skip
"""What a reader or an override may set."""

NO_FILE = "0" * 64
MODEL_FILE = "1/model.onnx"

_ACTIVATIONS = ("softmax", "sigmoid", "none")
_DEFAULT_OVERLAP_PERCENT = 15
_FREE_TILE, _FREE_HALO, _FREE_STRIDE = 512, 64, 32
_BATCH = 4
_NOT_COVER = (
    "background",
    "_background_",
    "no data",
    "nodata",
    "unknown",
    "unlabelled",
    "unlabeled",
    "ignore",
)
_COLOURS = (
    "#2b6cb0", "#1f6e3a", "#a3c65c", "#c9a36b", "#6b6b6b", "#b03a2e",
    "#7d3c98", "#f1c40f", "#16a085", "#e67e22", "#d98cb3", "#34495e",
)  # fmt: skip
_RGB_NIR = (
    Band("red", "red", 0.65),
    Band("green", "green", 0.56),
    Band("blue", "blue", 0.48),
    Band("near infrared", "nir", 0.83),
)


@dataclass(frozen=True)
class Plan:
    """A model folder to be written.

    Args:
        spec: still without the SHA-256 of its file.
        wrapping: how its graph is made.
        batch: pictures that a server may run at once.
    """

    spec: ModelSpec
    wrapping: Wrapping
    batch: int


@dataclass
class Assumptions:
    """What nobody said, for the one warning that lists it."""

    found: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """Note one."""
        self.found.append(sentence)


def make_plan(
    network: Network,
    known: Mapping[str, Any],
    name: str,
    where: str,
    provenance: Mapping[str, Any],
    assumptions: Assumptions,
) -> Plan:
    """The spec and the wrapping for a network.

    Args:
        network: the imported graph.
        known: values for :data:`KEYS`, those of the format with the user's laid over them.
        name: of the model folder.
        where: names the source in errors.
        provenance: where the network came from.
        assumptions: gets what was assumed.

    Raises:
        ModelError: names the key that is missing, unknown or wrong, or says what contradicts the graph.
    """
    from .wrap import Wrapping

    fields = Fields({k: v for k, v in known.items() if v is not None}, where)
    legend = _legend(fields, network, assumptions)
    tile, halo, stride = _sizes(fields, network, assumptions)
    gain, offset = _scaling(fields, network, assumptions)
    dtype, bands = fields.text("dtype", "uint8"), _bands(fields, network, assumptions)
    size = _pixel_size(fields)
    fill = cast(Fill, fields.text_or_number("fill") if fields.has("fill") else "reflect")
    activation, threshold = _activation(fields, network, assumptions)
    batch = network.batch or (fields.integer("batch") if fields.has("batch") else _BATCH)
    fields.text("output", "")
    description, licence, citation = (fields.text(key, "") for key in ("description", "licence", "citation"))
    title, version = fields.text("title", name), fields.text("version", "1")
    fields.finish()
    spec = ModelSpec(
        name=name,
        title=title,
        task="segmentation",
        file=MODEL_FILE,
        sha256=NO_FILE,
        bands=bands,
        dtype=dtype,
        fill=fill,
        pixel_size_m=size,
        tile=tile,
        halo=halo,
        stride=stride,
        outputs=OUTPUTS,
        legend=legend,
        version=version,
        provenance={**provenance, **({"assumed": assumptions.found} if assumptions.found else {})},
        description=description,
        licence=licence,
        citation=citation,
    )
    ids = tuple(c.id for c in legend)
    return Plan(spec, Wrapping(dtype, gain, offset, activation, threshold, ids, halo - network.margin), batch)


def _legend(fields: Fields, network: Network, assumptions: Assumptions) -> Legend:
    count = max(2, network.channels)
    try:
        if fields.has("legend"):
            fields.anything("class_names", None)
            classes = [_land_class(item) for item in fields.sections("legend")]
        elif fields.has("class_names"):
            names = fields.texts("class_names")
            names = ["background", *names] if network.channels == 1 == len(names) else names
            classes = [_named(n, name) for n, name in enumerate(names)]
        else:
            assumptions.add("classes are named by their number")
            classes = [_named(n, f"class {n}") for n in range(count)]
        legend = Legend(tuple(classes))
    except ValueError as e:
        raise ModelError(f"{fields.where}: {e}; correct the classes.") from e
    if len(legend) != count:
        raise ModelError(
            f"{fields.where} names {len(legend)} classes, but the network tells {count} apart; give 'legend' or "
            "'class_names' with one entry for each."
        )
    return legend


def _named(number: int, name: str) -> LandClass:
    return LandClass(number, name, _COLOURS[number % len(_COLOURS)], name.strip().lower() not in _NOT_COVER)


def _land_class(fields: Fields) -> LandClass:
    found = LandClass(
        fields.integer("id"), fields.text("name"), fields.text("colour"), fields.boolean("land_cover", True)
    )
    fields.finish()
    return found


def _sizes(fields: Fields, network: Network, assumptions: Assumptions) -> tuple[int, int, int]:
    """Tile, halo and stride."""
    given = {key: fields.integer(key) for key in ("tile", "halo", "stride", "chip") if fields.has(key)}
    overlap = fields.number("overlap_percent") if fields.has("overlap_percent") else None
    side = network.side or given.get("chip")
    if side is None and "tile" in given and "halo" in given:
        side = given["tile"] + 2 * given["halo"]
    stride = given.get("stride") or network.stride or (1 if side else _FREE_STRIDE)
    if side is None:
        side, halo = _free_sizes(given, stride, network.margin, assumptions)
    elif "halo" in given:
        halo = given["halo"]
    elif "tile" in given:
        halo = (side - given["tile"]) // 2
    else:
        halo = _halo(side, overlap, network.margin, assumptions)
    tile = (
        given["tile"] if "tile" in given and network.side is None and "chip" not in given else side - 2 * halo
    )
    if given.get("tile", tile) != tile or tile < 1:
        raise ModelError(
            f"{fields.where}: tile {given.get('tile', tile)} and halo {halo} do not make up the {side} pixels that the "
            "network reads; correct 'tile' or 'halo'."
        )
    if halo < network.margin:
        raise ModelError(
            f"{fields.where}: halo {halo} is smaller than the {network.margin} pixels that the network cuts off; "
            f"set 'halo' to {network.margin} or more."
        )
    return tile, halo, stride


def _free_sizes(
    given: Mapping[str, int], stride: int, margin: int, assumptions: Assumptions
) -> tuple[int, int]:
    """Side and halo for a network of any size, when nobody said them."""
    stride = max(1, stride)
    tile = given.get("tile", -(-_FREE_TILE // stride) * stride)
    halo = given.get("halo", -(-max(margin, _FREE_HALO) // stride) * stride)
    assumptions.add(f"tiles of {tile} pixels with {halo} pixels around them, sides in steps of {stride}")
    return tile + 2 * halo, halo


def _halo(side: int, overlap: float | None, margin: int, assumptions: Assumptions) -> int:
    if overlap is None and margin == 0:
        overlap = _DEFAULT_OVERLAP_PERCENT
        assumptions.add(f"tiles overlap by {overlap} %")
    return max(margin, math.ceil(side * min(max(overlap or 0, 0), 90) / 200))


def _scaling(
    fields: Fields, network: Network, assumptions: Assumptions
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Gain and offset of each band: imagery / divisor, into the data range, then (x - mean) / std."""
    if not any(fields.has(key) for key in ("divisor", "data_range", "mean")):
        assumptions.add("the network reads values of 0 to 1")
    divisor = fields.number("divisor") if fields.has("divisor") else 255.0
    low, high = _numbers(fields, "data_range", 2, (0.0, 1.0))
    mean = _numbers(fields, "mean", network.bands, (0.0,) * network.bands)
    std = _numbers(fields, "std", network.bands, (1.0,) * network.bands)
    if (fields.has("mean")) != (fields.has("std")):
        missing = "std" if fields.has("mean") else "mean"
        raise ModelError(f"{fields.where}: the key '{missing}' is missing; mean and std go together.")
    if divisor <= 0 or min(std) <= 0 or low >= high:
        raise ModelError(f"{fields.where}: 'divisor', 'std' and the width of 'data_range' must be above 0.")
    scale = (high - low) / divisor
    return tuple(scale / s for s in std), tuple((low - m) / s for m, s in zip(mean, std))


def _numbers(fields: Fields, key: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
    if not fields.has(key):
        return default
    if not isinstance(fields.anything(key), list):
        return (fields.number(key),) * count
    found = fields.numbers(key)
    if len(found) != count:
        raise ModelError(f"{fields.where}: '{key}' has {len(found)} numbers instead of {count}.")
    return tuple(found)


def _bands(fields: Fields, network: Network, assumptions: Assumptions) -> tuple[Band, ...]:
    if not fields.has("bands"):
        usual = _RGB_NIR if network.bands in (3, 4) else ()
        found = [*usual, *(Band(f"band {n + 1}") for n in range(network.bands))][: network.bands]
        assumptions.add(f"bands are {', '.join(b.name for b in found)}")
        return tuple(found)
    items = fields.anything("bands")
    if not isinstance(items, list) or len(items) != network.bands:
        raise ModelError(
            f"{fields.where}: 'bands' must be a list of the {network.bands} bands that the network reads."
        )
    return tuple(_band(item, fields.where) for item in items)


def _band(item: Any, where: str) -> Band:
    if isinstance(item, str):
        return next((b for b in _RGB_NIR if item.lower() in (b.name, b.common_name)), Band(item[:100]))
    fields = Fields(item, f"{where}: 'bands'")
    found = Band(
        fields.text("name"), fields.optional_text("common_name"), fields.optional_number("wavelength_um")
    )
    fields.finish()
    return found


def usual_band(index: int) -> Band:
    """The band at a place of ordinary aerial imagery: red, green, blue, near infrared."""
    return _RGB_NIR[index] if 0 <= index < len(_RGB_NIR) else Band(f"band {index + 1}")


def _pixel_size(fields: Fields) -> PixelSize:
    if not fields.has("pixel_size_m"):
        raise ModelError(
            f"{fields.where}: the key 'pixel_size_m' is missing and the file does not say it; give the ground pixel size "
            "in metres."
        )
    if isinstance(fields.anything("pixel_size_m"), dict):
        sizes = fields.section("pixel_size_m")
        found = PixelSize(sizes.number("best"), sizes.number("min"), sizes.number("max"))
        sizes.finish()
        return found
    best = fields.number("pixel_size_m")
    return PixelSize(best, best / 2, best * 2)


def _activation(fields: Fields, network: Network, assumptions: Assumptions) -> tuple[str, float]:
    if not fields.has("activation") and network.activation != "none":
        assumptions.add(f"the scores become probabilities by {network.activation}")
    activation = fields.text("activation", network.activation)
    if activation not in _ACTIVATIONS or (activation == "softmax" and network.channels == 1):
        raise ModelError(
            f"{fields.where}: 'activation' must be one of {', '.join(_ACTIVATIONS)}, and fit the channels."
        )
    threshold = fields.number("threshold") if fields.has("threshold") else 0.5
    if not 0 < threshold < 1:
        threshold = min(max(threshold, 1e-6), 1 - 1e-6)
    return activation, threshold
