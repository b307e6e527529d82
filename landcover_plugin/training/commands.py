"""``landcover train``: segmentation, the default models, scene classification, evaluation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from tqdm import tqdm

from ..core.errors import OptionError
from ..core.legend import LandClass, Legend
from ..core.model_library import find_model
from .augmentation import Radiometry
from .crops import CropPlan
from .default_legend import LEGEND
from .loop import LoopPlan, Report, place


@click.group()
def train() -> None:
    """Train and evaluate land cover models.

    \b
    One processor or one GPU:   landcover train segment IMAGES LABELS RUN
    One label a chip:           landcover train scenes CHIPS RUN
    Several on one machine:     torchrun --nproc-per-node 2 -m landcover_plugin.cli.main train segment …
    Goes on after a stop:       the same command again

    Training runs write checkpoints, curves.csv and curves.png, figures.md, sheet.png and a model
    folder into RUN.
    """


_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@train.command()
@click.argument("images", type=_FOLDER)
@click.argument("labels", type=_FOLDER)
@click.argument("run", type=_FOLDER)
@click.option("--table", help="What label values mean: chesapeake, nlcd, or a CSV file (from,to).")
@click.option(
    "--legend", "legend_file", type=_FILE, help="JSON list of id, name, colour; else the default classes."
)
@click.option("--bands", default="1,2,3,4", show_default=True, help="Band numbers of the imagery.")
@click.option("--points", type=_FILE, help="Labelled points: CSV with image,col,row,class and maybe weight.")
@click.option("--polygons", type=_FILE, help="Labelled polygons: GeoJSON with a property class.")
@click.option("--teacher", help="Model whose opinion is learned as soft labels.")
@click.option("--teacher-weight", default=1.0, show_default=True)
@click.option(
    "--from",
    "start",
    help="Model of ours that goes on learning, such as naip-landcover; else a fresh network.",
)
@click.option("--steps", default=3000, show_default=True, help="Steps of the whole run.")
@click.option("--batch", default=32, show_default=True, help="Crops a step, over all processes.")
@click.option("--crop", default=128, show_default=True, help="Side of a crop, a multiple of 16.")
@click.option("--rate", default=2e-3, show_default=True, help="Learning rate.")
@click.option("--check-every", default=250, show_default=True, help="Steps between checkpoints.")
@click.option(
    "--zoom", type=(float, float), default=(0.67, 1.67), show_default=True, help="Pixel sizes, in pixels."
)
@click.option(
    "--without-infrared", default=0.0, show_default=True, help="Share of crops whose fourth band is lost."
)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--name", default="model", show_default=True, help="Of the model folder in RUN.")
def segment(
    images: Path, labels: Path, run: Path, table: str | None, legend_file: Path | None, bands: str,
    points: Path | None, polygons: Path | None, teacher: str | None, teacher_weight: float,
    start: str | None, steps: int, batch: int, crop: int, rate: float, check_every: int,
    zoom: tuple[float, float], without_infrared: float, seed: int, precision: str, device: str, name: str,
) -> None:  # fmt: skip
    """Train a network that maps land cover pixel by pixel.

    IMAGES and LABELS are folders of rasters of any size, NAME.tif with NAME.tif or NAME_labels.tif;
    pixels without a label (255) are not learned. A fifth of the images is kept for checks.
    """
    from .segment import SegmentJob, finish, read_job, train_segmentation

    if crop % 16 or crop < 32:
        raise OptionError(
            f"A crop of {crop} pixels does not fit the network; give a multiple of 16 from 32 on."
        )
    job = SegmentJob(
        images, labels, run,
        LoopPlan(steps=steps, batch=batch, rate=rate, check_every=check_every, seed=seed, precision=precision),
        table=table, bands=_numbers(bands), legend=_legend(legend_file), points=points, polygons=polygons,
        teacher=find_model(teacher) if teacher else None, teacher_weight=teacher_weight,
        start=find_model(start) if start else None,
        radiometry=Radiometry(without_infrared=without_infrared), crops=CropPlan(side=crop, zoom=zoom),
        device=device,
    )  # fmt: skip
    training, validation = read_job(job, _say)
    with place(device) as where, _progress(steps, where.leads) as report:
        network = train_segmentation(job, training, validation, where, report)
        if where.leads:
            spec = finish(job, network, validation, name)
            _say((run / "figures.md").read_text("utf-8"))
            _say(f"The model is in {spec.folder}.")


@train.command()
@click.argument("chips", type=click.Path(path_type=Path))
@click.argument("run", type=_FOLDER)
@click.option(
    "--encoder", default="naip-landcover", show_default=True, help="Model that describes the chips."
)
@click.option("--folds", default=5, show_default=True, help="Parts that are held out in turn, by place.")
@click.option("--tune", default=0, show_default=True, help="Steps in which the encoder learns on too.")
@click.option("--seed", default=1, show_default=True)
@click.option("--name", default="model", show_default=True, help="Of the model folder in RUN.")
def scenes(chips: Path, run: Path, encoder: str, folds: int, tune: int, seed: int, name: str) -> None:
    """Train a classifier that gives each chip one label.

    CHIPS is a folder with a folder of square 8-bit chips for each class, or a CSV file with the columns
    image, scene and, where several chips show one place, place. Features of a frozen network are computed once.
    """
    from .scene_job import SceneJob, train_scene_model

    if folds < 2 or tune < 0:
        raise OptionError("Give at least 2 folds, and 0 or more steps of fine-tuning.")
    spec = train_scene_model(SceneJob(chips, run, find_model(encoder), folds, tune, seed), name, _say)
    _say((run / "figures.md").read_text("utf-8"))
    _say(f"The model is in {spec.folder}.")


@train.command()
@click.argument("name", type=click.Choice(["naip-landcover", "rgb-landcover", "naip-scene"]))
@click.option(
    "--runs", type=_FOLDER, default=Path("runs"), show_default=True, help="Checkpoints and kept labels."
)
@click.option(
    "--models", type=_FOLDER, default=Path("models"), show_default=True, help="Where the model goes."
)
@click.option("--steps", type=int, help="Steps of the whole run, if not the usual ones.")
@click.option("--hold", default=0, show_default=True, help="Fold of five that is kept out and measured.")
@click.option(
    "--from",
    "start",
    type=_FOLDER,
    help="Model folder to go on from, of a model that never saw the fold held out; else from nothing.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
def default(
    name: str,
    runs: Path,
    models: Path,
    steps: int | None,
    hold: int,
    start: Path | None,
    seed: int,
    device: str,
) -> None:
    """Make one of the shipped models from the data that LANDCOVER_DATA names.

    rgb-landcover and naip-scene start from the run of naip-landcover, or from its model.
    """
    from .default_run import STEPS, run_default

    with place(device) as where, _progress(steps or STEPS.get(name, 1), where.leads) as report:
        run_default(name, runs, models, where, _say, report, steps=steps, hold=hold, seed=seed, start=start)


@train.command()
@click.option(
    "--runs", type=_FOLDER, default=Path("runs"), show_default=True, help="Checkpoints and kept labels."
)
@click.option("--steps", default=2000, show_default=True, help="Of each of the five runs.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
def folds(runs: Path, steps: int, device: str) -> None:
    """Measure how naip-landcover is trained: runs from nothing, each without one fold of five.

    The data are those that LANDCOVER_DATA names. Stopped runs go on where they were.
    """
    from .default_folds import pooled_folds
    from .default_run import figures_text

    with place(device) as where, _progress(steps, where.leads) as report:
        found = pooled_folds(runs, where, steps, _say, report)
    if where.leads:
        click.echo(figures_text(found))


@train.command()
@click.argument("model")
@click.option("--hold", default=0, show_default=True, help="Fold of five that the model did not see.")
def evaluate(model: str, hold: int) -> None:
    """Measure a shipped model on the data that LANDCOVER_DATA names."""
    from .default_evaluation import evaluate_model

    click.echo(evaluate_model(find_model(model), hold))


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as e:
        raise OptionError(f"The bands '{text}' must be numbers such as 1,2,3,4.") from e
    if not numbers or min(numbers) < 1:
        raise OptionError(f"The bands '{text}' must be numbers from 1 on, such as 1,2,3,4.")
    return numbers


def _legend(path: Path | None) -> Legend:
    if path is None:
        return LEGEND
    try:
        entries = json.loads(path.read_text("utf-8"))
        return Legend(tuple(LandClass(int(e["id"]), str(e["name"]), str(e["colour"])) for e in entries))
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise OptionError(
            f"The legend {path} must be a JSON list of id, name and colour ({e}); correct it."
        ) from e


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


@contextmanager
def _progress(steps: int, shown: bool) -> Iterator[Report]:
    """A bar of steps with the figures of the last check."""
    with tqdm(total=steps, desc="Training", disable=not shown, file=sys.stderr) as bar:

        def report(step: int, _: int, figures: dict[str, float]) -> None:
            bar.n = step
            line = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
            tqdm.write(f"step {step}: {line}", file=sys.stderr)
            bar.refresh()

        yield report
