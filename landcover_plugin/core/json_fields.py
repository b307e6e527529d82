"""Reading decoded JSON key by key, with errors that name the key."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .errors import ModelError

_MAX_ITEMS = 4096
_MAX_TEXT = 100_000


class Fields:
    """One JSON object whose keys are taken out one by one; what is left over is an error."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise ModelError(f"{where} must be a JSON object; see docs/models.md for its keys.")
        self._data: dict[str, Any] = data
        self._where = where
        self._taken: set[str] = set()

    @property
    def where(self) -> str:
        """What the object is called in errors."""
        return self._where

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._data

    def anything(self, key: str, *default: Any) -> Any:
        """The value of a key as it is, for the caller to check."""
        return self._take(key, *default)

    def _take(self, key: str, *default: Any) -> Any:
        self._taken.add(key)
        if key in self._data:
            return self._data[key]
        if default:
            return default[0]
        raise ModelError(f"{self._where}: the key '{key}' is missing; add it (see docs/models.md).")

    def _wrong(self, key: str, wanted: str) -> ModelError:
        return ModelError(f"{self._where}: '{key}' must be {wanted}.")

    def text(self, key: str, *default: str) -> str:
        """A string."""
        value = self._take(key, *default)
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise self._wrong(key, "text")
        return value

    def optional_text(self, key: str) -> str | None:
        """A string, or None where the key is absent or null."""
        return None if self._take(key, None) is None else self.text(key)

    def number(self, key: str) -> float:
        """A finite number."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
            raise self._wrong(key, "a number")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """A finite number, or None where the key is absent or null."""
        return None if self._take(key, None) is None else self.number(key)

    def text_or_number(self, key: str) -> str | float:
        """A string or a finite number."""
        return self.text(key) if isinstance(self._take(key), str) else self.number(key)

    def integer(self, key: str) -> int:
        """A whole number of at most nine digits."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**9:
            raise self._wrong(key, "a whole number")
        return value

    def boolean(self, key: str, *default: bool) -> bool:
        """True or false."""
        value = self._take(key, *default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of strings."""
        value = self._list(key)
        if not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts")
        return value

    def numbers(self, key: str) -> list[float]:
        """A list of finite numbers."""
        return [Fields({key: item}, self._where).number(key) for item in self._list(key)]

    def mapping(self, key: str, *default: Mapping[str, Any]) -> Mapping[str, Any]:
        """An object, taken as it is."""
        value = self._take(key, *default)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return value

    def section(self, key: str) -> Fields:
        """An object, to be read key by key."""
        return Fields(self._take(key), f"{self._where}: '{key}'")

    def sections(self, key: str) -> list[Fields]:
        """A list of objects, each to be read key by key."""
        return [Fields(item, f"{self._where}: '{key}' item {n}") for n, item in enumerate(self._list(key), 1)]

    def _list(self, key: str) -> list[Any]:
        value = self._take(key)
        if not isinstance(value, list) or len(value) > _MAX_ITEMS:
            raise self._wrong(key, f"a list of at most {_MAX_ITEMS} items")
        return value

    def finish(self) -> None:
        """Raise for keys that nobody asked for."""
        unknown = sorted(set(self._data) - self._taken)
        if unknown:
            names = ", ".join(f"'{k[:40]}'" for k in unknown[:5])
            raise ModelError(f"{self._where}: unknown key {names}; remove it or correct its name.")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
