"""``landcover serve``: the models of a folder for clients elsewhere."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--models", "folder", type=click.Path(path_type=Path), help="A folder of model folders.")
@click.option("--model", "names", multiple=True, help="Serve this one only; may be repeated.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="0 takes a free one.")
@click.option("--token-file", help="Holds the bearer that clients must send; needed beyond this computer.")
@click.option("--backend", default="onnxruntime:cpu", show_default=True, help="Where the networks run.")
@click.option("--queue", default=64, show_default=True, type=click.IntRange(1, 65536),
              help="Requests of a model that may wait; more get 503.")  # fmt: skip
@click.option("--batch", default=0, type=click.IntRange(0, 256),
              help="Chips of several clients in one run; 0 chooses by the device.")  # fmt: skip
@click.option("--certificate", type=click.Path(path_type=Path, exists=True), help="PEM, for https.")
@click.option("--key", type=click.Path(path_type=Path, exists=True), help="PEM, of the certificate.")
def serve(folder: Path | None, names: tuple[str, ...], token_file: str | None, **options: object) -> None:
    """Serve models over the Open Inference Protocol v2 until stopped.

    \b
    landcover serve --models models
    landcover serve --host 0.0.0.0 --token-file bearer.txt
    """
    from ..core.backends import configure
    from ..core.backends.credentials import read_bearer
    from ..core.model_library import find_model, list_models
    from ..server import serve as server

    folders = [folder] if folder else None
    configure(token_file=token_file)
    bearer = read_bearer()
    configure()
    specs = [find_model(name, folders) for name in names] or list_models(folders)
    server.serve(
        specs,
        server.ServeOptions(bearer=bearer, **options),  # type: ignore[arg-type]
        lambda line: click.echo(line, err=True),
    )
