"""Networks run by NumPy: the operators of the shipped models and their like, and nothing else."""

from __future__ import annotations

from .call import NotKnownHereError
from .program import Program

__all__ = ["NotKnownHereError", "Program"]
