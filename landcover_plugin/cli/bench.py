"""``landcover bench``: how fast backends are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class _Numbers(click.ParamType):
    """Whole numbers parted by commas."""

    name = "numbers"

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(dict.fromkeys(int(part) for part in str(value).split(",")))
        except ValueError:
            self.fail(f"'{value}' is no list such as 1,2,4", param, ctx)
        if not all(1 <= n <= self._most for n in found):
            self.fail(f"each must be 1 to {self._most}", param, ctx)
        return found


@click.command()
@click.option("--model", "models", multiple=True, required=True,
              help="Name or folder; repeat it for others, such as the 8-bit form.")  # fmt: skip
@click.option("--backend", "backends", multiple=True, default=("auto",), show_default=True,
              help="Where the network runs: onnxruntime:, numpy:, worker:, http://…; repeat it.")  # fmt: skip
@click.option("--in-flight", type=_Numbers(1024), default="1,2,4,8", show_default=True,
              help="Requests kept under way.")  # fmt: skip
@click.option("--batch", type=_Numbers(256), default="1", show_default=True, help="Chips a request.")
@click.option("--seconds", type=click.FloatRange(0.05, 600), default=2.0, show_default=True,
              help="Of one sample, at least.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Samples of each.")
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path), help="Also write a table for a spreadsheet."
)
@click.option("--plot", "plot_path", type=click.Path(path_type=Path), help="Also write a picture, SVG.")
@click.option("-q", "--quiet", is_flag=True, help="No remarks.")
def bench(
    models: tuple[str, ...], backends: tuple[str, ...], csv_path: Path | None, plot_path: Path | None,
    quiet: bool, **options: Any,
) -> None:  # fmt: skip
    """Measure how many chips a second backends answer, against requests in flight.

    Every model runs on every backend. All are warmed up first and then measured in turns; the table
    has medians, and the slowest and fastest round. A server must serve the same model folder. Requests
    in flight are the caller's: a fleet sends no more than raise its servers' throughput.

    \b
    landcover bench --model naip-landcover
    landcover bench --model naip-landcover --model naip-landcover-8bit \\
        --backend onnxruntime:cpu --backend http://gpu:8000 --batch 1,4 --plot bench.svg
    """
    from ..core.backends import configure
    from ..core.bench import as_csv, as_text, chart, measure
    from ..core.model_library import find_model
    from .terminal import TerminalReporter

    reporter = TerminalReporter(quiet=quiet)
    configure(warn=reporter.warn)
    found = measure([find_model(name) for name in models], list(dict.fromkeys(backends)),
                    in_flight=options["in_flight"], batches=options["batch"], seconds=options["seconds"],
                    rounds=options["rounds"], say=reporter.info)  # fmt: skip
    for path, make in ((csv_path, as_csv), (plot_path, chart)):
        if path is not None:
            _write(path, make(found))
    click.echo(as_text(found))


def _write(path: Path, text: str) -> None:
    from ..core.errors import OutputError

    try:
        path.write_text(text, "utf-8")
    except OSError as e:
        raise OutputError(
            f"{path} cannot be written ({e.strerror or e}); name another file or folder."
        ) from e
