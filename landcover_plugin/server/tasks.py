"""What the worker does for its owner besides inference: work that needs packages QGIS lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..core.model import read_model


def _import_model(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from ..core.model_formats import import_model

    spec = import_model(
        Path(arguments["source"]),
        Path(arguments["folder"]),
        window=arguments.get("window"),
        overrides=arguments.get("overrides"),
    )
    return {"name": spec.name, "folder": str(arguments["folder"])}


def _export_model(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from ..core.model_formats import export_model

    export_model(read_model(Path(arguments["folder"])), Path(arguments["out"]))
    return {"out": str(arguments["out"])}


TASKS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "import_model": _import_model,
    "export_model": _export_model,
}
