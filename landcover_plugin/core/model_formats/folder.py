"""Model folders, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import LandcoverError, ModelError, OutputError
from ..model import SPEC_FILE, ModelSpec, file_sha256, model_json, read_model
from .plan import Plan
from .readme import readme
from .triton import triton_config


def check_target(folder: Path) -> None:
    """Refuse a folder whose content must not be replaced.

    Raises:
        OutputError: it is a file, or holds anything but a model of the same name.
    """
    if not folder.name:
        raise OutputError(f"{folder} has no name that the model could take; name a new folder.")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a new folder.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        name = read_model(folder, verify=False).name
    except LandcoverError as e:
        raise OutputError(f"{folder} is not empty and holds no model; name a new folder.") from e
    if name != folder.name:
        raise OutputError(f"{folder} holds the model '{name}'; name a new folder.")


def write_model_folder(folder: Path, plan: Plan, model: Any) -> ModelSpec:
    """Write a model folder and read it back.

    Args:
        folder: made, or replaced where it holds a model of the same name.
        plan: what to write.
        model: the wrapped ``onnx.ModelProto``.

    Raises:
        OutputError: it cannot be written there.
    """
    side = model.graph.input[0].type.tensor_type.shape.dim
    try:
        with _new_folder(folder) as new:
            path = new / plan.spec.file
            path.parent.mkdir()
            path.write_bytes(_serialised(model, folder))
            spec = replace(plan.spec, sha256=file_sha256(path))
            config = triton_config(
                spec,
                plan.batch,
                batch_is_free=bool(side[0].dim_param),
                size_is_free=bool(side[2].dim_param),
            )
            (new / "config.pbtxt").write_text(config, "utf-8")
            (new / "README.md").write_text(readme(spec), "utf-8")
            (new / SPEC_FILE).write_text(
                json.dumps(model_json(spec), indent=2, ensure_ascii=False) + "\n", "utf-8"
            )
    except OSError as e:
        raise OutputError(f"The model cannot be written to {folder} ({e.strerror or e}); check it.") from e
    return read_model(folder)


def _serialised(model: Any, folder: Path) -> bytes:
    try:
        data: bytes = model.SerializeToString()
    except ValueError as e:  # protobuf holds at most 2 GB
        raise ModelError(f"The model for {folder} is too large for one file; use a smaller network.") from e
    return data


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder beside the target that takes its place at the end, or is removed."""
    check_target(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        new = work / "new"
        new.mkdir()
        yield new
        if folder.exists():
            os.replace(folder, work / "old")
        os.replace(new, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
