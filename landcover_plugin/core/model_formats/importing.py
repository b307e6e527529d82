"""A model file of any known format made into a model folder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cntk import read_cntk
from ..errors import ModelError
from ..model import ModelSpec, file_sha256
from .chesapeake import cntk_fields, cntk_network
from .deepness import deepness_fields, is_deepness
from .esri import emd_fields, model_file, read_emd
from .folder import check_target, write_model_folder
from .plan import KEYS, Assumptions, make_plan
from .published import licence_of

if TYPE_CHECKING:
    from .network import Network

_CNTK_SUFFIXES = (".model", ".cntk", ".dnn")
_BARE = "ONNX"
_ANY_PIXEL_SIZE = {"best": 1.0, "min": 0.01, "max": 100.0}


class AssumptionWarning(UserWarning):
    """What an import assumed because neither the file nor the user said it."""


@dataclass(frozen=True)
class _Found:
    """What a reader made of a file: the network, what is known about it, and the format's name."""

    network: Network
    known: Mapping[str, Any]
    format: str


def import_model(
    source: Path, folder: Path, *, window: int | None = None, overrides: Mapping[str, Any] | None = None
) -> ModelSpec:
    """Make a model folder from a CNTK v2 file, an Esri .emd, or an ONNX file with or without keys.

    What nobody said is assumed, listed in one :class:`AssumptionWarning` and in the spec's
    provenance under ``assumed``.

    Args:
        source: the file.
        folder: to be made; its last part becomes the model's name.
        window: side of the picture that the network gets, in pixels; 256 gives the published
            behaviour of the 2018 model.
        overrides: values for the keys in :data:`~landcover_plugin.core.model_formats.plan.KEYS`,
            over those of the file.

    Raises:
        ModelError: the file is damaged, is of no known format, or lacks a key; it is named.
        OutputError: the folder cannot be written, or holds something else.
    """
    source, folder = Path(source), Path(folder)
    given = dict(overrides or {})
    unknown = sorted(set(given) - set(KEYS))
    if unknown:
        raise ModelError(f"There is no key '{unknown[0][:40]}' to override; there are {', '.join(KEYS)}.")
    check_target(folder)
    found = _read(source, window, given)
    sha256 = file_sha256(source)
    assumptions = Assumptions()
    known = _known(found, given, assumptions, window=window, licence=licence_of(sha256), where=str(source))
    provenance = {"source": source.name, "source_sha256": sha256, "format": found.format}
    plan = make_plan(found.network, known, folder.name, str(source), provenance, assumptions)
    spec = write_model_folder(folder, plan, _wrapped(found.network, plan.wrapping))
    if assumptions.found:
        warnings.warn(
            f"{source.name} does not say everything; assumed: {'; '.join(assumptions.found)}.",
            AssumptionWarning,
            stacklevel=2,
        )
    return spec


def _read(source: Path, window: int | None, overrides: Mapping[str, Any]) -> _Found:
    suffix = source.suffix.lower()
    if not source.is_file():
        raise ModelError(f"There is no file {source}; check the path.")
    if suffix == ".emd":
        return _read_emd(source, window, overrides)
    if suffix in _CNTK_SUFFIXES:
        return _read_cntk(source, window)
    if suffix == ".onnx":
        return _read_onnx(source, overrides)
    raise ModelError(
        f"{source} is no model file that is known here; give an .onnx, .emd or CNTK .model file."
    )


def _read_cntk(source: Path, window: int | None) -> _Found:
    network = cntk_network(read_cntk(source))
    return _Found(network, cntk_fields(network, window, str(source)), "CNTK v2")


def _read_onnx(source: Path, overrides: Mapping[str, Any]) -> _Found:
    onnx_file = _onnx_file(source)
    model = onnx_file.read_onnx(source)
    metadata = {_text(entry.key): _text(entry.value) for entry in model.metadata_props}
    network: Network = onnx_file.onnx_network(model, str(source), _output_name(overrides))
    if is_deepness(metadata):
        return _Found(network, deepness_fields(metadata, str(source)), "ONNX with Deepness' keys")
    return _Found(network, {}, _BARE)


def _text(value: str | bytes) -> str:
    """A text of the file; some protobuf versions give bytes where it is not valid UTF-8."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _output_name(overrides: Mapping[str, Any]) -> str | None:
    name = overrides.get("output")
    return name if isinstance(name, str) else None


def _read_emd(source: Path, window: int | None, overrides: Mapping[str, Any]) -> _Found:
    emd = read_emd(source)
    file = model_file(emd, source)
    if file.suffix.lower() not in (".onnx", *_CNTK_SUFFIXES):
        raise ModelError(
            f"{source}: ModelFile '{file.name}' is neither ONNX nor CNTK; convert the network to ONNX."
        )
    inner = _read(file, window, overrides)
    fields = emd_fields(emd, source, inner.network.channels)
    if inner.format == "CNTK v2":
        # the network's own window and scale are better known than what the .emd says of them
        for key in ("chip", "halo", "data_range", "divisor"):
            fields.pop(key, None)
    return _Found(inner.network, {**inner.known, **fields}, f"Esri .emd, {inner.format}")


def _known(
    found: _Found,
    overrides: Mapping[str, Any],
    assumptions: Assumptions,
    *,
    window: int | None,
    licence: str | None,
    where: str,
) -> dict[str, Any]:
    """The user's values over the file's; what they make meaningless goes."""
    known = {**found.known, **({"licence": licence} if licence else {}), **overrides}
    if "class_names" in overrides and "legend" not in overrides:
        known.pop("legend", None)
    if "pixel_size_m" not in known and found.format == _BARE:
        known["pixel_size_m"] = dict(_ANY_PIXEL_SIZE)
        assumptions.add("ground pixels of 1 m, and any from 0.01 to 100 m are let in")
    if window is not None:
        if found.network.side not in (None, window):
            raise ModelError(
                f"{where}: the network only reads {found.network.side} pixels; leave the window out."
            )
        known["chip"] = window
    if {"chip", "tile", "halo"} <= set(known):
        known.pop("chip" if "tile" in overrides or window is None else "tile")
    return known


def _onnx_file(source: Path) -> Any:
    try:
        from . import onnx_file
    except ImportError as e:
        raise ModelError(f"{source}: importing a model needs the package onnx; pip install onnx.") from e
    return onnx_file


def _wrapped(network: Network, wrapping: Any) -> Any:
    from .wrap import wrapped

    return wrapped(network, wrapping)
