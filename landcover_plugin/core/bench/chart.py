"""A benchmark as a picture (SVG): chips a second against requests in flight."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .result import FPGA_POST, Measurement

_WIDTH, _LEFT, _RIGHT, _TOP, _PLOT_HEIGHT = 760, 70, 70, 50, 330
_LINE_PX = 20
# of Okabe and Ito (2008), which people with any colour vision can tell apart
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_GREY = "#666666"
_STYLE = "font-family: sans-serif; font-size: 13px;"

_Series = Mapping[str, Sequence[Measurement]]


@dataclass(frozen=True)
class _Scale:
    """From values to pixels, logarithmic."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> Iterator[float]:
        """1, 2 and 5 times powers of ten; the powers alone where these would be many."""
        few = math.log10(self.high / self.low) > 2.5
        for exponent in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            for factor in (1,) if few else (1, 2, 5):
                value = factor * 10.0**exponent
                if self.low <= value <= self.high:
                    yield value


def chart(found: Sequence[Measurement]) -> str:
    """An SVG document.

    Args:
        found: at least one measurement; all of one model, backend and batch make a line.
    """
    series = _series(found)
    values = [v for m in found for v in m.spread] + [FPGA_POST.each_chips_s]
    flights = sorted({m.point.in_flight for m in found})
    x = _Scale(flights[0] / 1.2, flights[-1] * 1.2, _LEFT, _WIDTH - _RIGHT)
    y = _Scale(min(values) / 1.4, max(values) * 1.6, _TOP + _PLOT_HEIGHT, _TOP)
    height = _TOP + _PLOT_HEIGHT + 60 + _LINE_PX * (len(series) + 2)
    sides = {m.chip_px for m in found}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" style="{_STYLE}" fill="#222222">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(_LEFT, 24, "Chips a second against requests in flight", extra='font-size="16"'),
        *_axes(x, y, flights, sides.pop() if len(sides) == 1 else None),
        *_published(y),
    ]
    for n, (label, line) in enumerate(series.items()):
        colour = _COLOURS[n % len(_COLOURS)]
        dash = "6 4" if line[0].precision == "int8" else ""
        parts += _line(x, y, line, colour, dash)
        parts += _key(_TOP + _PLOT_HEIGHT + 66 + n * _LINE_PX, label, colour, dash)
    below = _TOP + _PLOT_HEIGHT + 70 + len(series) * _LINE_PX
    parts.append(_text(_LEFT, below, "Medians; bars from the slowest to the fastest round.", fill=_GREY))
    return "\n".join([*parts, "</svg>", ""])


def _series(found: Sequence[Measurement]) -> _Series:
    series: dict[str, list[Measurement]] = {}
    has_batches = len({m.point.batch for m in found}) > 1
    for m in sorted(found, key=lambda m: m.point.in_flight):
        batch = f", {m.point.batch} chip{'s' if m.point.batch > 1 else ''} a request" if has_batches else ""
        label = f"{m.point.model}, {m.point.backend[:60]}, {m.precision}{batch}"
        series.setdefault(label, []).append(m)
    return dict(sorted(series.items()))


def _axes(x: _Scale, y: _Scale, flights: Sequence[int], chip_px: int | None) -> Iterator[str]:
    """Frame, ticks and titles; on the right pixels a second, where one chip is like another."""
    bottom, right = _TOP + _PLOT_HEIGHT, _WIDTH - _RIGHT
    for value in y.ticks():
        yield _stroke(_LEFT, y(value), right, y(value), "#dddddd")
        yield _text(_LEFT - 6, y(value) + 4, f"{value:g}", anchor="end")
    for flight in flights:
        yield _stroke(x(flight), bottom, x(flight), bottom + 5, _GREY)
        yield _text(x(flight), bottom + 20, str(flight), anchor="middle")
    yield f'<rect x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{_PLOT_HEIGHT}" ' \
          f'fill="none" stroke="{_GREY}"/>'  # fmt: skip
    yield _text((_LEFT + right) / 2, bottom + 42, "requests in flight", anchor="middle")
    yield _text(_LEFT, _TOP - 8, "chips/s")
    if chip_px is not None:
        mpx = chip_px**2 / 1e6
        scale = _Scale(y.low * mpx, y.high * mpx, y.start, y.end)
        for value in scale.ticks():
            yield _stroke(right, scale(value), right + 5, scale(value), _GREY)
            yield _text(right + 8, scale(value) + 4, f"{value:g}")
        yield _text(right, _TOP - 8, f"Mpx/s, chips of {chip_px} px", anchor="end")


def _published(y: _Scale) -> Iterator[str]:
    at = y(FPGA_POST.each_chips_s)
    yield _stroke(_LEFT, at, _WIDTH - _RIGHT, at, _GREY, "2 4")
    yield _text(
        _LEFT + 8,
        at - 6,
        f"an FPGA service of 2018: {FPGA_POST.each_chips_s} chips/s of {FPGA_POST.chip_px} px, "
        f"{FPGA_POST.network}; another network, other hardware; left scale only",
        fill=_GREY,
        extra='font-size="11"',
    )


def _line(x: _Scale, y: _Scale, line: Sequence[Measurement], colour: str, dash: str) -> Iterator[str]:
    points = " ".join(f"{x(m.point.in_flight):.1f},{y(m.chips_s):.1f}" for m in line)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
    for m in line:
        at = x(m.point.in_flight)
        least, most = m.spread
        yield _stroke(at, y(least), at, y(most), colour)
        yield f'<circle cx="{at:.1f}" cy="{y(m.chips_s):.1f}" r="3.5" fill="{colour}"/>'


def _key(at: float, label: str, colour: str, dash: str) -> Iterator[str]:
    yield _stroke(_LEFT, at - 4, _LEFT + 28, at - 4, colour, dash, 2)
    yield _text(_LEFT + 36, at, label)


def _stroke(x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "", width: float = 1) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}"{dashed}/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = "", extra: str = "") -> str:
    colour = f' fill="{fill}"' if fill else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{colour}{" " + extra if extra else ""}>'
        f"{escape(text)}</text>"
    )
