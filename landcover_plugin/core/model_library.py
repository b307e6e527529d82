"""Where models are found, by name or by path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .errors import ModelError
from .model import SPEC_FILE, ModelSpec, read_model

_PACKAGE = Path(__file__).resolve().parents[1]
_specs: dict[Path, tuple[tuple[int, int, int], ModelSpec]] = {}


def model_folders(user_folder: Path | None = None) -> list[Path]:
    """Folders of model folders, the first to be searched first.

    Args:
        user_folder: the user's own, where the door knows one; else ``LANDCOVER_MODELS``, else
            ``~/.local/share/landcover/models`` or what the system has in its place.
    """
    return [user_folder or user_models_folder(), _PACKAGE / "models", _PACKAGE.parent / "models"]


def user_models_folder() -> Path:
    """The folder that imported models go to, where no door names another."""
    given = os.environ.get("LANDCOVER_MODELS")
    if given:
        return Path(given)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "landcover" / "models"


def find_model(name: str, folders: Sequence[Path] | None = None) -> ModelSpec:
    """A model by its name, or by the path of its folder or of its ``model.json``.

    Raises:
        ModelError: there is none of that name (the message lists those that there are), or it is
            not a valid model.
    """
    path = Path(name)
    if path.name == SPEC_FILE and path.is_file():
        return read_model(path.parent)
    if (path / SPEC_FILE).is_file():
        return read_model(path)
    folders = model_folders() if folders is None else folders
    if name and path.name == name and name not in (".", ".."):
        for folder in folders:
            if (folder / name / SPEC_FILE).is_file():
                return read_model(folder / name)
    if path.is_file():
        raise ModelError(f"{name} is a model file, not a model folder; import it first: "
                         f"landcover import-model {path.name} FOLDER.")  # fmt: skip
    known = ", ".join(sorted(s.name for s in list_models(folders))) or "none"
    raise ModelError(
        f"There is no model '{name}' (found: {known}); give one of those or the path of a model folder."
    )


def list_models(folders: Sequence[Path] | None = None) -> list[ModelSpec]:
    """The valid models of all folders, by folder and name; the first of a name wins."""
    found: dict[str, ModelSpec] = {}
    for folder in model_folders() if folders is None else folders:
        for path in sorted(folder.glob(f"*/{SPEC_FILE}")):
            try:
                spec = _listed(path)
            except (ModelError, OSError):  # OSError: gone since the folder was listed
                continue
            found.setdefault(spec.name, spec)
    return list(found.values())


def _listed(path: Path) -> ModelSpec:
    """The spec of a ``model.json``, read again only when the file has changed: menus ask often."""
    found = path.stat()
    mark = (found.st_mtime_ns, found.st_size, found.st_ino)
    known = _specs.get(path)
    if known is None or known[0] != mark:
        known = _specs[path] = mark, read_model(path.parent, verify=False)
    return known[1]


def best_model(band_count: int, models: Sequence[ModelSpec]) -> ModelSpec | None:
    """The segmentation model that uses most of an imagery's bands, shipped ones first on a tie."""
    fitting = [m for m in models if m.task == "segmentation" and len(m.bands) <= band_count]
    return max(fitting, key=lambda m: len(m.bands), default=None)
