"""What a model wants and gives: the model spec, read from and written to ``model.json``.

A model folder is data: nothing in it is executed, its paths stay inside it, and sizes are bounded
before anything is read.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Union

from .errors import ModelError
from .json_fields import Fields
from .legend import LandClass, Legend

FORMAT = 1
SPEC_FILE = "model.json"
MAX_SPEC_BYTES = 1 << 20
MAX_MODEL_BYTES = 1 << 30
MAX_TILE = 4096
OUTPUTS = ("classes", "probabilities8", "probabilities")
DTYPES = ("uint8", "uint16", "int16", "float32")
TASKS = ("segmentation", "chip-classification")

Fill = Union[float, Literal["mean", "reflect"]]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Band:
    """One band that a model reads.

    Args:
        name: what the model calls it.
        common_name: STAC's common name (``red``, ``nir`` …), or None.
        wavelength_um: centre wavelength in micrometres, or None.
    """

    name: str
    common_name: str | None = None
    wavelength_um: float | None = None


@dataclass(frozen=True)
class PixelSize:
    """Ground pixel sizes a model was made for, in metres."""

    best: float
    min: float
    max: float

    def contains(self, pixel_size_m: float) -> bool:
        """Whether a ground pixel size lies in the range (1 % of grace for rounding)."""
        return self.min * 0.99 <= pixel_size_m <= self.max * 1.01


@dataclass(frozen=True)
class ModelSpec:
    """Everything the engine knows about a model.

    Chips are ``(N, band, tile + 2 halo, tile + 2 halo)`` in ``dtype``; the graph gives
    ``classes`` ``(N, tile, tile)`` uint8 holding legend ids, ``probabilities8``
    ``(N, class, tile, tile)`` uint8 (0 to 254 for 0 to 1) and ``probabilities`` float32.

    Args:
        name: the folder's name, also the name in a server's model repository.
        task: ``segmentation``, or ``chip-classification`` (one label a chip).
        file: the ONNX file, relative to the folder.
        sha256: of that file, lower case hex.
        bands: in the order of the network's channels.
        dtype: of the chips, ``uint8`` unless the model wants wider imagery.
        fill: what a chip holds where there is no imagery: a number, ``mean`` of the chip's valid
            pixels, or ``reflect``.
        pixel_size_m: best, smallest and largest ground pixel size.
        tile: side of the predicted square in pixels.
        halo: imagery around a tile, in pixels.
        stride: chips' sides must be a multiple of it.
        outputs: those of ``classes``, ``probabilities8``, ``probabilities`` that the graph has.
        legend: classes in the order of the network's channels.
        figures: measured figures, for people.
        provenance: where the model came from, for people.
        folder: where ``model.json`` was read, None for a spec not yet on disk.
    """

    name: str
    title: str
    task: str
    file: str
    sha256: str
    bands: tuple[Band, ...]
    dtype: str
    fill: Fill
    pixel_size_m: PixelSize
    tile: int
    halo: int
    stride: int
    outputs: tuple[str, ...]
    legend: Legend
    description: str = ""
    version: str = "1"
    licence: str = ""
    citation: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict, compare=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, compare=False)
    folder: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for wrong, sentence in _contradictions(self):
            if wrong:
                raise ModelError(f"Model '{self.name}': {sentence}.")

    @property
    def chip(self) -> int:
        """Side of a chip: tile and halo on both sides, in pixels."""
        return self.tile + 2 * self.halo

    @property
    def path(self) -> Path:
        """The ONNX file on disk.

        Raises:
            ModelError: the spec was not read from a folder.
        """
        if self.folder is None:
            raise ModelError(f"Model '{self.name}' is not in a folder, so it has no file to run.")
        return self.folder / self.file

    def with_folder(self, folder: Path) -> ModelSpec:
        """The same spec, living in ``folder``."""
        return replace(self, folder=folder)


def _contradictions(spec: ModelSpec) -> list[tuple[bool, str]]:
    """Pairs of (is wrong, what is wrong) that one field alone does not show."""
    size = spec.pixel_size_m
    fill_is_number = not isinstance(spec.fill, str)
    return [
        (not _NAME.fullmatch(spec.name), "its name must be letters, digits, '.', '_' and '-'"),
        (spec.task not in TASKS, f"task '{spec.task}' is not one of {', '.join(TASKS)}"),
        (spec.dtype not in DTYPES, f"dtype '{spec.dtype}' is not one of {', '.join(DTYPES)}"),
        (not _SHA256.fullmatch(spec.sha256), "sha256 must be 64 lower-case hex digits"),
        (not 1 <= len(spec.bands) <= 64, "it must read 1 to 64 bands"),
        (not 1 <= spec.tile <= MAX_TILE, f"tile must be 1 to {MAX_TILE} pixels"),
        (not 0 <= spec.halo <= MAX_TILE, f"halo must be 0 to {MAX_TILE} pixels"),
        (not 1 <= spec.stride <= MAX_TILE, f"stride must be 1 to {MAX_TILE} pixels"),
        (
            spec.stride > 0 and bool(spec.tile % spec.stride or spec.halo % spec.stride),
            f"tile {spec.tile} and halo {spec.halo} must be multiples of the stride {spec.stride}",
        ),
        (isinstance(spec.fill, str) and spec.fill not in ("mean", "reflect"), "fill must be a number, "
         "'mean' or 'reflect'"),
        (fill_is_number and not math.isfinite(float(spec.fill) if fill_is_number else 0.0),
         "fill must be a finite number"),
        (not 0 < size.min <= size.best <= size.max < math.inf,
         "pixel_size_m must hold 0 < min <= best <= max"),
        ("classes" not in spec.outputs, "outputs must name 'classes'"),
        (bool(set(spec.outputs) - set(OUTPUTS)), f"outputs must be among {', '.join(OUTPUTS)}"),
        (_leaves_folder(spec.file), f"file '{spec.file}' must be a relative path inside the model folder"),
    ]  # fmt: skip


def _leaves_folder(file: str) -> bool:
    parts = file.replace("\\", "/").split("/")
    return not file or file.startswith(("/", "\\", "~")) or ":" in file or ".." in parts or "\0" in file


def read_model(folder: Path, *, verify: bool = True) -> ModelSpec:
    """The model in a folder.

    Args:
        folder: holds ``model.json``.
        verify: also check the size and SHA-256 of the model file.

    Raises:
        ModelError: no model there, a key missing, unknown or of the wrong kind, or a file that is
            not the one that ``model.json`` describes.
    """
    path = Path(folder) / SPEC_FILE
    spec = parse_model(_read_json(path), str(path)).with_folder(Path(folder))
    real, inside = spec.path.resolve(), Path(folder).resolve()
    if inside not in real.parents:
        raise ModelError(f"{path}: file '{spec.file}' leads out of the model folder; put the file inside it.")
    if verify:
        _verify_file(spec)
    return spec


def _read_json(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_SPEC_BYTES:
            raise ModelError(f"{path} is larger than 1 MB, so it is not a model.json; check the folder.")
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as e:
        raise ModelError(f"There is no model in {path.parent}: {SPEC_FILE} is missing.") from e
    except OSError as e:
        raise ModelError(f"{path} cannot be read ({e.strerror or e}); check its permissions.") from e
    except (ValueError, RecursionError) as e:
        raise ModelError(f"{path} is not valid JSON ({_first_line(e)}); repair it or import again.") from e


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _verify_file(spec: ModelSpec) -> None:
    path = spec.path
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{path} is larger than 1 GB; this plugin does not load such models.")
        found = file_sha256(path)
    except OSError as e:
        raise ModelError(f"The model file {path} cannot be read ({e.strerror or e}); import it again.") from e
    if found != spec.sha256:
        raise ModelError(f"{path} is not the file that {SPEC_FILE} describes (its SHA-256 differs); "
                         "import the model again.")  # fmt: skip


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as f:
        for piece in iter(lambda: f.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def parse_model(data: Any, where: str) -> ModelSpec:
    """The spec that decoded JSON describes.

    Args:
        data: what ``json.loads`` gave.
        where: names the source in errors.

    Raises:
        ModelError: names the key that is missing, unknown or of the wrong kind.
    """
    top = Fields(data, where)
    version = top.integer("format")
    if version != FORMAT:
        raise ModelError(f"{where}: format {version} is not known here (only {FORMAT}); update the plugin.")
    given = top.section("input")
    sizes = given.section("pixel_size_m")
    try:
        spec = ModelSpec(
            name=top.text("name"),
            title=top.text("title"),
            description=top.text("description", ""),
            version=top.text("version", "1"),
            licence=top.text("licence", ""),
            citation=top.text("citation", ""),
            task=top.text("task"),
            file=top.text("file"),
            sha256=top.text("sha256"),
            bands=tuple(_parse_band(b) for b in given.sections("bands")),
            dtype=given.text("dtype"),
            fill=given.text_or_number("fill"),  # type: ignore[arg-type]
            pixel_size_m=PixelSize(sizes.number("best"), sizes.number("min"), sizes.number("max")),
            tile=top.integer("tile"),
            halo=top.integer("halo"),
            stride=top.integer("stride"),
            outputs=tuple(top.texts("outputs")),
            legend=Legend(tuple(_parse_class(c) for c in top.sections("legend"))),
            figures=top.mapping("figures", {}),
            provenance=top.mapping("provenance", {}),
        )
    except ValueError as e:
        raise ModelError(f"{where}: {e}.") from e
    for section in (sizes, given, top):
        section.finish()
    return spec


def _parse_band(fields: Fields) -> Band:
    band = Band(
        fields.text("name"), fields.optional_text("common_name"), fields.optional_number("wavelength_um")
    )
    fields.finish()
    return band


def _parse_class(fields: Fields) -> LandClass:
    land_class = LandClass(
        fields.integer("id"), fields.text("name"), fields.text("colour"), fields.boolean("land_cover", True)
    )
    fields.finish()
    return land_class


def model_json(spec: ModelSpec) -> dict[str, Any]:
    """What ``model.json`` holds for a spec; :func:`parse_model` reads it back equal."""
    size = spec.pixel_size_m
    return {
        "format": FORMAT,
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "version": spec.version,
        "licence": spec.licence,
        "citation": spec.citation,
        "task": spec.task,
        "file": spec.file,
        "sha256": spec.sha256,
        "input": {
            "bands": [_band_json(b) for b in spec.bands],
            "dtype": spec.dtype,
            "fill": spec.fill,
            "pixel_size_m": {"best": size.best, "min": size.min, "max": size.max},
        },
        "tile": spec.tile,
        "halo": spec.halo,
        "stride": spec.stride,
        "outputs": list(spec.outputs),
        "legend": [
            {"id": c.id, "name": c.name, "colour": c.colour, "land_cover": c.is_land_cover}
            for c in spec.legend
        ],
        "figures": dict(spec.figures),
        "provenance": dict(spec.provenance),
    }


def _band_json(band: Band) -> dict[str, Any]:
    entries: Sequence[tuple[str, Any]] = (
        ("name", band.name),
        ("common_name", band.common_name),
        ("wavelength_um", band.wavelength_um),
    )
    return {key: value for key, value in entries if value is not None}
