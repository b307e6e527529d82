"""How fast backends are: chips a second against requests in flight, as a table and a plot."""

from __future__ import annotations

from .chart import chart
from .measuring import measure
from .result import FPGA_POST, Measurement, Point, Sample
from .table import as_csv, as_text

__all__ = ["FPGA_POST", "Measurement", "Point", "Sample", "as_csv", "as_text", "chart", "measure"]
