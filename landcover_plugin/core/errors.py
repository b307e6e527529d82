"""What can go wrong, one class a kind of fault.

Every message is one sentence that names the thing, says what is wrong with it and what to do.
"""

from __future__ import annotations


class LandcoverError(Exception):
    """Base of every error that this package raises on purpose; its text is for the user."""


class ImageryError(LandcoverError):
    """The imagery cannot be read, or cannot be used with this model."""


class NoCrsError(ImageryError):
    """The raster has no coordinate reference system, so lengths and areas are unknown."""


class ModelError(LandcoverError):
    """A model folder or model file is missing, damaged or contradicts itself."""


class BackendError(LandcoverError):
    """The network cannot be run: no runtime, an unknown device, a worker that died."""


class OutputError(LandcoverError):
    """The map cannot be written where it was asked for."""


class OptionError(LandcoverError):
    """An argument of a door makes no sense, alone or with the others."""


class CancelledError(LandcoverError):
    """The user stopped the job; finished tiles stay in the spool."""
