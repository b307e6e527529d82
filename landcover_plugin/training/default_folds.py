"""The near-infrared network trained five times from nothing, each time without one fold.

What is counted is every point once, by a network that never saw its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import default_data as data
from .default_models import measure, read_default_data, train_from_nothing
from .default_run import Say, figures_text, soft_labels
from .evaluation import Measured
from .loop import Place, Report
from .prediction import classes

_POINT_SETS = 2
"""Of what is measured on a fold: California and Ohio. West Virginia's quad is the same in all."""


def pooled_folds(
    runs: Path, where: Place, steps: int, say: Say, report: Report | None = None
) -> list[Measured]:
    """Train without each fold and count its points.

    Args:
        runs: folder of the runs; one that has ended there is not trained again.
        where: this process.
        steps: of each run; those in which it is taught are shared, see :data:`.default_data.TAUGHT_WITHOUT`.
        say: gets the figures of each fold.
        report: called at every check.
    """
    given = read_default_data()
    found = []
    for fold in range(data.FOLDS):
        soft = soft_labels(given, fold, runs / "cache", where, say)
        network = train_from_nothing(
            given, soft, runs / f"fold_{fold}", where, steps, hold=fold, report=report
        )
        found.append(measure(lambda images, net=network: classes(net, images), given, fold)[:_POINT_SETS])
        if where.leads:
            say(f"Fold {fold}: " + "; ".join(f"{m.title} {m.overall}" for m in found[-1]))
    result = pooled(found)
    if where.leads:
        (runs / "folds.md").write_text(figures_text(result), "utf-8")
    return result


def pooled(found: Sequence[Sequence[Measured]]) -> list[Measured]:
    """The counts of several folds put together, set by set."""
    result = []
    for sets in zip(*found):
        matrix = sum((m.matrix for m in sets[1:]), start=sets[0].matrix)
        result.append(Measured(f"{sets[0].title}, {len(sets)} folds", sets[0].names, matrix))
    return result
