"""The models that a server serves."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from ..core.backends import Backend, open_backend
from ..core.backends.agreement import smallest_chip
from ..core.errors import LandcoverError, ModelError, OptionError
from ..core.model import ModelSpec
from .joining import JoiningBackend

VERSION = "1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


@dataclass
class ServedModel:
    """A model, the backend that runs it, and how many requests it has.

    Args:
        name: on the server.
        spec: what it wants and gives.
        backend: runs it.
        pending: requests not yet answered; only the event loop's thread touches it.
        has_fixed_side: whether it takes whole chips only.
    """

    name: str
    spec: ModelSpec
    backend: Backend
    pending: int = 0
    has_fixed_side: bool = False

    def facts(self) -> dict[str, Any]:
        """What a client needs to know beyond the protocol's metadata."""
        return {
            "name": self.name,
            "numeric_kind": self.backend.numeric_kind,
            "description": self.backend.description,
            "in_flight": self.backend.in_flight,
        }


class ServedModels:
    """Models by name. Any thread may call it."""

    def __init__(self, *, join: int = 1) -> None:
        """Args:
        join: chips of several clients that may run together.
        """
        self._join = join
        self._lock = threading.Lock()
        self._models: dict[str, ServedModel] = {}

    def load(self, name: str, spec: ModelSpec, url: str) -> ServedModel:
        """Serve a model; nothing happens where it is served already.

        Args:
            name: on the server.
            spec: of a model in a folder.
            url: of the backend that runs it.

        Raises:
            LandcoverError: the name is not one, or the model cannot be run.
        """
        if not _NAME.fullmatch(name):
            raise OptionError(
                f"'{name[:40]}' cannot be a model's name; use letters, digits, '.', '_' and '-'."
            )
        with self._lock:
            found = self._models.get(name)
            if found is None:
                backend = open_backend(url, spec)
                has_fixed_side = not _runs(backend, smallest_chip(spec))
                if self._join > 1:
                    backend = JoiningBackend(backend, self._join)
                found = ServedModel(name, spec, backend, has_fixed_side=has_fixed_side)
                self._models[name] = found
            elif found.spec != spec:
                raise ModelError(f"Another model is served as '{name}'; unload it first.")
            return found

    def unload(self, name: str) -> None:
        """Serve a model no longer; an unknown name is no error."""
        with self._lock:
            found = self._models.pop(name, None)
        if found is not None:
            found.backend.close()

    def get(self, name: str) -> ServedModel | None:
        """The model of this name."""
        return self._models.get(name)

    def __iter__(self) -> Any:
        return iter(sorted(self._models.values(), key=lambda model: model.name))

    def close(self) -> None:
        """Serve nothing any longer."""
        with self._lock:
            models = list(self._models.values())
            self._models.clear()
        for model in models:
            model.backend.close()


def _runs(backend: Backend, chips: npt.NDArray[Any]) -> bool:
    try:
        backend.submit(chips).result()
    except LandcoverError:
        return False
    return True
