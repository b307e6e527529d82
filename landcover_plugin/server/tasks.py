"""What the worker does for its owner besides inference: work that needs packages QGIS lacks."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..core.model import read_model

_one_at_a_time = threading.Lock()  # catching warnings is not for several threads


def _import_model(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from ..core.model_formats import AssumptionWarning, import_model

    with _one_at_a_time, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", AssumptionWarning)
        spec = import_model(
            Path(arguments["source"]),
            Path(arguments["folder"]),
            window=arguments.get("window"),
            overrides=arguments.get("overrides"),
        )
    notes = [str(w.message) for w in said if issubclass(w.category, AssumptionWarning)]
    return {"name": spec.name, "folder": str(arguments["folder"]), "warnings": notes}


def _export_model(arguments: Mapping[str, Any]) -> dict[str, Any]:
    from ..core.model_formats import export_model

    export_model(read_model(Path(arguments["folder"])), Path(arguments["out"]))
    return {"out": str(arguments["out"])}


TASKS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "import_model": _import_model,
    "export_model": _export_model,
}
