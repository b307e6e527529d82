"""From ``LANDCOVER_DATA`` to the shipped model folders: teacher, networks, scene classifier."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..core.model import ModelSpec
from . import default_data as data
from .checkpoint import network_from
from .default_legend import LEGEND, MERGED
from .default_models import (
    MERGED_NAMES,
    SHAPE,
    DefaultData,
    go_on,
    measure,
    read_default_data,
    short_figures,
    train_from_infrared,
    train_from_nothing,
)
from .default_scenes import train_scenes
from .default_weak_labels import weak_labels
from .earlier_run import HELD_OUT, EarlierRun, fold_held_out, read_earlier_run
from .evaluation import Measured
from .export import export_model, segmentation_spec
from .loop import Place, Report
from .model_folder import write_model_folder
from .network import SegmentationNetwork, reach_px
from .prediction import classes
from .quantise import eight_bit_model
from .sheet import write_sheet
from .shipped import shipped_classes

MODELS = ("naip-landcover", "rgb-landcover", "naip-scene")
STEPS = {"naip-landcover": 2000, "rgb-landcover": 4500}
TITLES = {
    "naip-landcover": "Land cover, aerial imagery with near infrared",
    "rgb-landcover": "Land cover, true-colour aerial imagery",
}
DESCRIPTION = (
    "Water, tree and shrub, low vegetation, barren and impervious ground, for aerial imagery of 0.5 to 1.2 m; "
    f"a lean convolutional network that sees {reach_px(SHAPE)} pixels to each side."
)
MOST_LOST = 0.0055
"""What the 8-bit form may lose in any overall accuracy: half a point; one of 191 points is 0.0052. Recalls are of so
few points that one more would move them further."""
Say = Callable[[str], None]


def model_2018(cache: Path) -> Path:
    """The 2018 model as a model folder in ``cache``, imported from ``LANDCOVER_DATA`` when needed."""
    from ..core.model_formats.importing import import_model

    folder = cache / "chesapeake-2018"
    if not (folder / "model.json").is_file():
        cache.mkdir(parents=True, exist_ok=True)
        import_model(data.data_folder().parent / "models" / "cntk" / "250epochs.model", folder)
    return folder


def run_default(
    name: str, runs: Path, models: Path, where: Place, say: Say, report: Report | None,
    steps: int | None = None, hold: int = 0, seed: int = 1, start: Path | None = None,
) -> None:  # fmt: skip
    """Train one of :data:`MODELS`, measure it on the held-out fold and write its folder.

    What is measured is shipped: weights that then learned from all points for 500 steps did better on other land in
    one trial of three only.

    Args:
        name: of the model; ``rgb-landcover`` and ``naip-scene`` need ``naip-landcover``, its run or its folder.
        runs: folder of the runs: checkpoints, curves, figures, sheets, kept soft labels.
        models: folder of the model folders.
        where: this process.
        say: gets remarks.
        report: called at every check.
        steps: of the run, if not the usual ones.
        hold: fold that is held out.
        seed: of everything random.
        start: folder of the model to go on from, one that never saw the fold.
    """
    given = read_default_data()
    earlier = read_earlier_run(start, name, hold, data.FOLDS, calibration(given, hold)) if start else None
    if name == "naip-scene":
        kept = runs / "cache" / "scene_features.npz"
        network = _infrared(runs, models, given, hold).network
        found, _ = train_scenes(network, given.names, given.images, given.folder, models / name, kept)
        say(found.as_text())
        return
    soft = soft_labels(given, hold, runs / "cache", where, say)
    folder, steps = runs / name, steps or STEPS[name]
    infrared = None
    if name == "rgb-landcover":
        infrared = _infrared(runs, models, given, hold)
        given = replace(given, own=data.read_own_points(files=data.READ_BY_EYE))
    if earlier:
        network = go_on(
            given, soft, folder, where, steps, earlier.network, hold=hold,
            infrared=infrared and infrared.network, seed=seed, report=report,
        )  # fmt: skip
    elif infrared:
        network = train_from_infrared(
            given, soft, folder, where, steps, infrared.network, hold=hold, seed=seed, report=report
        )
    else:
        network = train_from_nothing(given, soft, folder, where, steps, hold=hold, seed=seed, report=report)
    if where.leads:
        first = earlier or infrared
        finish_default(
            name, network, given, folder, models / name, hold, say, first.text if first else "",
            str(earlier.version + 1 if earlier else 1),
        )  # fmt: skip


def _infrared(runs: Path, models: Path, given: DefaultData, hold: int) -> EarlierRun:
    """The network with near infrared of the run in ``runs``, else of the folder in ``models``."""
    kept = runs / "naip-landcover" / "checkpoint.pt"
    if kept.is_file():
        return EarlierRun(network_from(kept), 0, "the run of naip-landcover")
    folder = models / "naip-landcover"
    return read_earlier_run(folder, "naip-landcover", hold, data.FOLDS, calibration(given, hold))


def soft_labels(given: DefaultData, hold: int, cache: Path, where: Place, say: Say) -> npt.NDArray[np.uint8]:
    """The weak teacher's labels, made by one process while the others wait."""
    apart = data.taught_without(hold)
    if where.leads:
        weak_labels(given, model_2018(cache), apart, cache, say)
    if where.world > 1:
        torch.distributed.barrier()
    return weak_labels(given, model_2018(cache), apart, cache, say)


def finish_default(
    name: str,
    network: SegmentationNetwork,
    given: DefaultData,
    run: Path,
    folder: Path,
    hold: int,
    say: Say,
    earlier: str = "",
    version: str = "1",
) -> ModelSpec:
    """Figures, sheet and model folder of a trained default network.

    Args:
        name: of the model.
        network: it never saw the held-out fold.
        given: the data.
        run: folder of the run, for figures and sheet.
        folder: of the model.
        hold: the fold.
        say: gets remarks.
        earlier: what the run went on from, if anything.
        version: of the model.
    """
    bands = slice(0, network.shape.bands)
    found = measure(lambda x: classes(network, x[:, bands]), given, hold)
    (run / "figures.md").write_text(figures_text(found), "utf-8")
    say((run / "figures.md").read_text("utf-8"))
    held_out_sheet(run / "sheet.png", network, given, hold)
    provenance: dict[str, Any] = {
        "trained by": f"landcover train default {name}",
        HELD_OUT: f"{fold_held_out(hold, data.FOLDS)} (places, clusters), and one quad",
        "points": len(given.points) + len(given.own),
        "started from": earlier or "nothing",
        "torch": torch.__version__,
    }
    figures = {m.title: m.as_json() for m in with_merged(found)}
    spec = segmentation_spec(name, TITLES[name], DESCRIPTION, network, figures, provenance)
    spec = replace(spec, version=version)
    written = export_model(network, spec, folder)
    _write_8_bit_form_if_as_good(written, given, hold, found, run, say)
    return written


def _write_8_bit_form_if_as_good(
    spec: ModelSpec, given: DefaultData, hold: int, found: list[Measured], run: Path, say: Say
) -> None:
    """Make and measure the 8-bit form in ``run``; it comes beside the model only where it is as good."""
    made, beside = (folder / f"{spec.name}-8bit" for folder in (run, spec.folder.parent))
    before = short_figures(found)
    after = short_figures(quantise_default(spec, given, hold, made))
    lost = max(before[key] - after[key] for key in before if "recall" not in key)
    say(f"The 8-bit form loses at most {lost:.4f} in any overall accuracy.")
    if lost <= MOST_LOST:
        shutil.copytree(made, beside, dirs_exist_ok=True)
    else:
        say(f"It is left out; what may be in {beside} is of an earlier version.")


def calibration(given: DefaultData, hold: int) -> npt.NDArray[np.uint8]:
    """Chips of training places, by which the ranges of an 8-bit form are set."""
    kept = [i for i, name in enumerate(given.names) if not data.held_out(name, (hold,))]
    return given.images[np.random.default_rng(0).choice(kept, size=48, replace=False)]


def quantise_default(spec: ModelSpec, given: DefaultData, hold: int, folder: Path) -> list[Measured]:
    """The 8-bit form of a default model, and its figures on the held-out fold."""
    small = eight_bit_model(spec, calibration(given, hold), folder, {})
    found = measure(lambda x: shipped_classes(small, x), given, hold)
    small = replace(small, figures={m.title: m.as_json() for m in with_merged(found)})
    write_model_folder(small, folder)
    return found


def with_merged(found: list[Measured]) -> list[Measured]:
    """The point figures also with barren and impervious as one."""
    result: list[Measured] = []
    for m in found:
        result.append(m)
        if len(m.names) == len(LEGEND):
            result.append(m.merged(MERGED, MERGED_NAMES))
    return result


def figures_text(found: list[Measured]) -> str:
    """Everything that was measured, as Markdown."""
    parts = []
    for m in with_merged(found):
        parts.append(m.as_text())
        if len(m.names) == len(MERGED_NAMES):
            parts.append(
                f"Mean recall of tree, low vegetation and built or bare: {m.mean_recall((1, 2, 3)):.3f}.\n"
            )
    return "\n".join(parts)


def held_out_sheet(
    path: Path, network: SegmentationNetwork, given: DefaultData, hold: int, count: int = 24
) -> None:
    """A picture of held-out chips and their maps, drawn evenly over the regions."""
    held = [i for i, name in enumerate(given.names) if data.held_out(name, (hold,))]
    rng = np.random.default_rng(hold)
    chosen = sorted(rng.choice(held, size=min(count, len(held)), replace=False))
    images = given.images[chosen][:, : network.shape.bands]
    write_sheet(path, images, None, classes(network, images), LEGEND, columns=4)
