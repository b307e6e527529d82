"""The command ``landcover`` and its verbs; each verb's module is imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from .. import __version__
from ..core.errors import CancelledError, LandcoverError

_VERBS = {
    "classify": ("Map the land cover of an image.", "classify"),
    "areas": ("Area of each class of a map, also by zone.", "areas"),
    "models": ("List the models, or show one.", "models"),
    "import-model": ("Make a model folder from an ONNX, .emd or CNTK file.", "models"),
    "export-model": ("Write a model for other programs.", "models"),
    "get-model": ("Download a published model.", "models"),
    "bench": ("Measure how fast backends are.", "bench"),
    "serve": ("Serve models to clients elsewhere (needs the extra 'server').", "serve"),
    "train": ("Train and evaluate models (needs the extra 'train').", "train"),
}


class _Verbs(click.Group):
    """Verbs by name; nothing is imported before one is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module = importlib.import_module(f".{_VERBS[cmd_name][1]}", __package__)
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (text, _) in _VERBS.items()])


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="landcover")
def landcover() -> None:
    """Land cover from aerial and satellite imagery.

    \b
    landcover classify image.tif landcover.tif
    landcover areas landcover.tif
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; exit status 0 done, 1 an error, 2 a wrong call, 130 stopped."""
    # GDAL would keep a twentieth of the computer's memory in blocks; a row of tiles is what is read twice
    os.environ.setdefault("GDAL_CACHEMAX", "32")
    try:
        landcover.main(arguments, standalone_mode=False)
    except click.ClickException as e:
        e.show()
        sys.exit(e.exit_code)
    except (click.Abort, KeyboardInterrupt, CancelledError) as e:
        click.echo(str(e) or "Stopped.", err=True)
        sys.exit(130)
    except LandcoverError as e:
        click.echo(f"Error: {e}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
