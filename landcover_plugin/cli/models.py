"""``landcover models``, ``import-model``, ``export-model`` and ``get-model``."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import click


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(name: str | None, as_json: bool) -> None:
    """List the models, or show the one called NAME.

    \b
    landcover models
    landcover models naip-landcover
    """
    from ..core.model import model_json
    from ..core.model_library import find_model, list_models
    from ..core.model_text import describe_model

    if name:
        spec = find_model(name)
        click.echo(json.dumps(model_json(spec), indent=1) if as_json else describe_model(spec))
        return
    found = list_models()
    if as_json:
        click.echo(json.dumps([model_json(spec) for spec in found]))
        return
    for spec in found:
        click.echo(f"{spec.name:<24} {spec.title}  ({len(spec.bands)} bands, {spec.pixel_size_m.best:g} m)")
    if not found:
        click.echo("No models yet; landcover get-model chesapeake-2018 downloads one.", err=True)


@click.command("import-model")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--window", type=int, help="Side of the network's window, in pixels (2018 model: 256).")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a field, such as pixel_size_m=0.5.",
)
def import_model(source: Path, folder: Path, window: int | None, overrides: tuple[str, ...]) -> None:
    """Make the model FOLDER from SOURCE: an ONNX file, an Esri .emd or a CNTK 2018 .model.

    \b
    landcover import-model 250epochs.model models/chesapeake-2018
    """
    from ..core import model_formats

    with warnings.catch_warnings(record=True) as assumed:
        warnings.simplefilter("always", model_formats.AssumptionWarning)
        spec = model_formats.import_model(source, folder, window=window, overrides=_overrides(overrides))
    for warning in assumed:
        click.echo(f"Warning: {warning.message}", err=True)
    click.echo(f"{spec.title}: {len(spec.bands)} bands, {len(spec.legend)} classes.", err=True)
    click.echo(str(folder))


def _overrides(pairs: tuple[str, ...]) -> dict[str, object]:
    from ..core.errors import OptionError

    values: dict[str, object] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise OptionError(f"--set {pair} must be KEY=VALUE.")
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    return values


@click.command("export-model")
@click.argument("name")
@click.argument("out", type=click.Path(path_type=Path))
def export_model(name: str, out: Path) -> None:
    """Write the model NAME as an ONNX file OUT that other programs open.

    The file takes values 0 to 1 and carries Deepness' keys; a STAC item lies beside it.

    \b
    landcover export-model naip-landcover naip.onnx
    """
    from ..core import model_formats
    from ..core.model_library import find_model

    model_formats.export_model(find_model(name), out)
    click.echo(str(out))


@click.command("get-model")
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
def get_model(name: str, folder: Path | None) -> None:
    """Download the published model NAME, check it and import it.

    \b
    landcover get-model chesapeake-2018
    """
    from ..core import model_formats
    from ..core.model_library import user_models_folder

    folder = folder or user_models_folder() / name
    spec = model_formats.get_model(name, folder)
    click.echo(f"{spec.title}. Licence: {spec.licence}.", err=True)
    click.echo(str(folder))
