"""What a benchmark finds, and the published figures beside it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Point:
    """One thing to measure.

    Args:
        model: its name.
        backend: its URL.
        in_flight: requests that the caller keeps under way.
        batch: chips a request.
    """

    model: str
    backend: str
    in_flight: int
    batch: int


@dataclass(frozen=True)
class Sample:
    """One measurement of a point.

    Args:
        chips_s: chips answered a second.
        latency_s: median seconds from a request to its answer.
        busy: share of the time that the device was busy, 0 to 1; None where it cannot be told.
    """

    chips_s: float
    latency_s: float
    busy: float | None = None


@dataclass(frozen=True)
class Measurement:
    """All measurements of a point.

    Args:
        point: what was measured.
        samples: one a round, at least one.
        numeric_kind: of the backend.
        description: of the backend.
        precision: of the model's network, ``float32`` or ``int8``.
        chip_px: side of the square that one chip is answered for, without its halo.
        busy_of: what :attr:`Sample.busy` is the share of: ``CPU``, ``GPU``, or empty.
    """

    point: Point
    samples: tuple[Sample, ...]
    numeric_kind: str
    description: str
    precision: str
    chip_px: int
    busy_of: str = ""

    @property
    def chips_s(self) -> float:
        """Chips a second, the median of the rounds."""
        return median(sample.chips_s for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The slowest and the fastest round, in chips a second."""
        rates = [sample.chips_s for sample in self.samples]
        return min(rates), max(rates)

    @property
    def mpx_s(self) -> float:
        """Million pixels a second, halo not counted."""
        return self.chips_s * self.chip_px**2 / 1e6

    @property
    def latency_s(self) -> float:
        """Seconds from a request to its answer, the median of the rounds."""
        return median(sample.latency_s for sample in self.samples)

    @property
    def busy(self) -> float | None:
        """Share of the time that the device was busy, the median of the rounds."""
        known = [sample.busy for sample in self.samples if sample.busy is not None]
        return median(known) if known else None


@dataclass(frozen=True)
class Published:
    """Figures that somebody published, of another network on other hardware.

    Args:
        title: where they are from.
        chips_s: of all services together.
        services: how many there were.
        each_chips_s: of one service.
        network: that was run.
        chip_px: side of its chips.
    """

    title: str
    chips_s: int
    services: int
    each_chips_s: int
    network: str
    chip_px: int

    @property
    def note(self) -> str:
        """One sentence that cannot be read as a measurement of ours."""
        return (
            f"For comparison, another network on other hardware: {self.title}, {self.chips_s:,} chips/s "
            f"over {self.services} services, {self.each_chips_s} chips/s each ({self.network}, "
            f"{self.chip_px} px, one label a chip)."
        )


FPGA_POST = Published("the FPGA services of 2018", 305_000, 800, 381, "ResNet-50", 224)
