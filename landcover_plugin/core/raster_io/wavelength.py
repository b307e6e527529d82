"""The wavelength that band metadata declares, under the names in use."""

from __future__ import annotations

from collections.abc import Mapping

_KEYS = ("central_wavelength_um", "wavelength", "centerwavelength", "center_wavelength")
_LARGEST_UM = 100.0


def wavelength_um(tags: Mapping[str, str]) -> float | None:
    """Centre wavelength in micrometres from band metadata with lower-case keys, or None.

    Values above 100 are taken for nanometres.
    """
    for key in _KEYS:
        try:
            value = float(tags.get(key, ""))
        except ValueError:
            continue
        return value if value < _LARGEST_UM else value / 1000
    return None
