"""A benchmark as a text table and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from .result import FPGA_POST, Measurement

_HEAD = ("model", "backend", "precision", "batch", "in flight", "chips/s", "from to", "Mpx/s", "ms", "busy")
_LEFT = 3
_COLUMNS = (
    "model",
    "backend",
    "numeric_kind",
    "precision",
    "batch",
    "in_flight",
    "chips_per_s",
    "chips_per_s_least",
    "chips_per_s_most",
    "mpx_per_s",
    "latency_ms",
    "busy_share",
    "busy_of",
    "chips_per_s_rounds",
    "chip_px",
    "note",
)


def as_text(found: Sequence[Measurement]) -> str:
    """A table, what ran, and the published figures below it.

    Args:
        found: at least one measurement.
    """
    rows = [_HEAD, *(_row(m) for m in found)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_HEAD))]
    lines = [
        "  ".join(
            cell.ljust(width) if n < _LEFT else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
    ran = dict.fromkeys(f"{m.point.backend}  is {m.description}; {m.numeric_kind}" for m in found)
    best = max(found, key=lambda m: m.chips_s)
    share = best.chips_s / FPGA_POST.each_chips_s
    notes = [
        f"Medians of {len(found[0].samples)} rounds in turns, and the slowest and fastest of them; ms from "
        "a request to its answer; a chip's halo does not count in Mpx.",
        *(["busy -: not measured."] if any(m.busy is None for m in found) else []),
        FPGA_POST.note,
        f"{best.point.model} on {best.point.backend} gives {best.chips_s:.3g} chips/s of {best.chip_px} px: "
        f"{share:.2g} times as many as one such service, of {best.chip_px**2 / FPGA_POST.chip_px**2:.2g} times "
        "the pixels each.",
    ]
    return "\n".join([*lines, "", *ran, "", *notes])


def as_csv(found: Sequence[Measurement]) -> str:
    """The same for a spreadsheet; the last row holds the published figures, and says so."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(_COLUMNS)
    for m in found:
        least, most = m.spread
        busy = "" if m.busy is None else f"{m.busy:.3f}"
        write([m.point.model, m.point.backend, m.numeric_kind, m.precision, m.point.batch, m.point.in_flight,
               f"{m.chips_s:.4g}", f"{least:.4g}", f"{most:.4g}", f"{m.mpx_s:.4g}",
               f"{1000 * m.latency_s:.4g}", busy, m.busy_of,
               " ".join(f"{sample.chips_s:.4g}" for sample in m.samples), m.chip_px, ""])  # fmt: skip
    write([FPGA_POST.network, "FPGA", "", "", "", "", FPGA_POST.each_chips_s, "", "",
           f"{FPGA_POST.each_chips_s * FPGA_POST.chip_px**2 / 1e6:.4g}", "", "", "", "", FPGA_POST.chip_px,
           FPGA_POST.note])  # fmt: skip
    return out.getvalue()


def _row(m: Measurement) -> tuple[str, ...]:
    least, most = m.spread
    busy = "-" if m.busy is None else f"{m.busy_of} {100 * m.busy:.0f} %"
    return (
        m.point.model,
        m.point.backend,
        m.precision,
        str(m.point.batch),
        str(m.point.in_flight),
        f"{m.chips_s:.3g}",
        f"{least:.3g}-{most:.3g}",
        f"{m.mpx_s:.3g}",
        f"{1000 * m.latency_s:.0f}",
        busy,
    )
