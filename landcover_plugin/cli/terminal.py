"""How a job reports to a terminal: one line of progress, remarks above it, all on stderr."""

from __future__ import annotations

import sys
from types import TracebackType

import click
from tqdm import tqdm

from ..core.progress import Progress

_BAR = "{desc}: {percentage:3.0f}%|{bar}|{postfix}"


class TerminalReporter:
    """Remarks and a progress bar on stderr; stdout is left to results."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet, self._verbose = quiet, verbose
        self._bar: tqdm[None] | None = None
        self._cancelled = False

    def __enter__(self) -> TerminalReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def info(self, text: str) -> None:
        """A remark."""
        if not self._quiet:
            tqdm.write(text, file=sys.stderr)

    def detail(self, text: str) -> None:
        """A remark for those who asked for more."""
        if self._verbose:
            self.info(text)

    def warn(self, text: str) -> None:
        """A remark that quiet does not silence."""
        tqdm.write(click.style("Warning: ", fg="yellow") + text, file=sys.stderr)

    def progress(self, progress: Progress) -> None:
        """Move the bar."""
        if self._quiet:
            return
        if self._bar is None:
            self._bar = tqdm(
                total=progress.total,
                desc="Land cover",
                bar_format=_BAR,
                file=sys.stderr,
                mininterval=0.2,
                leave=False,
            )
        self._bar.n = progress.done
        self._bar.set_postfix_str(str(progress).partition(", ")[2], refresh=False)
        self._bar.update(0)

    def cancel(self) -> None:
        """Stop the job at the next tile."""
        self._cancelled = True

    def is_cancelled(self) -> bool:
        """Whether the job is to stop."""
        return self._cancelled
