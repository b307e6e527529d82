"""Loss and accuracy over the steps of a run, as a table and as a picture."""

from __future__ import annotations

import csv
from pathlib import Path


class Curves:
    """Figures of a run by step, kept in ``folder/curves.csv`` and ``folder/curves.png``."""

    def __init__(self, folder: Path) -> None:
        self._table = folder / "curves.csv"
        self._picture = folder / "curves.png"
        self.rows: list[dict[str, float]] = []

    def keep_until(self, step: int) -> None:
        """Read the table of an earlier run, without what came after its last checkpoint."""
        if not self._table.is_file():
            return
        with self._table.open(newline="", encoding="utf-8") as f:
            rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(f)]
        self.rows = [row for row in rows if row["step"] <= step]

    def add(self, step: int, figures: dict[str, float]) -> None:
        """Note the figures of a step and write the table."""
        self.rows.append({"step": float(step), **figures})
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with self._table.open("w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, names, restval="")
            writer.writeheader()
            writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in self.rows)

    def draw(self) -> Path:
        """Write the picture: losses on the left, accuracies on the right."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 4))
        FigureCanvasAgg(figure)
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        losses = [n for n in names if "loss" in n]
        others = [n for n in names if n not in losses and n not in ("step", "crops_per_s")]
        for axes, wanted, title in zip(figure.subplots(1, 2), (losses, others), ("loss", "accuracy, recall")):
            for name in wanted:
                rows = [row for row in self.rows if name in row]
                axes.plot([row["step"] for row in rows], [row[name] for row in rows], label=name)
            axes.set_xlabel("step")
            axes.set_title(title)
            if wanted:
                axes.legend(fontsize=7)
        figure.tight_layout()
        figure.savefig(self._picture, dpi=100)
        return self._picture
