"""``landcover train``: hands over to the training room, which needs the extra ``train``."""

from __future__ import annotations

import click

from ..core.errors import OptionError

try:
    from ..training.commands import train
except ImportError as missing:
    _reason = str(missing)

    @click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def train() -> None:
        """Train and evaluate models."""
        raise OptionError(
            f"Training needs more packages ({_reason}); run: pip install 'landcover-plugin[train]'."
        )


__all__ = ["train"]
