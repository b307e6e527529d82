"""QGIS draws the ground around each view ahead; not while a view's own tiles are awaited."""

from __future__ import annotations

from typing import Any

from qgis.PyQt import sip


class Surroundings:
    """Which map windows may draw the ground around their view ahead.

    QGIS does that with all layers a quarter of a second after a frame, and for some seconds: it takes
    a processor from the network just when the view's own tiles are awaited. A window where the user
    or another plugin has switched it off stays as it is. Main thread only.
    """

    def __init__(self) -> None:
        self._paused: list[Any] = []

    def update(self, canvas: Any, *, is_awaited: bool) -> None:
        """Pause it in a map window, or let it go on after the next frame.

        Args:
            canvas: the window.
            is_awaited: whether tiles of its view are.
        """
        is_paused = any(paused is canvas for paused in self._paused)
        if is_awaited and not is_paused and canvas.previewJobsEnabled():
            canvas.setPreviewJobsEnabled(False)
            self._paused.append(canvas)
        elif not is_awaited and is_paused:
            canvas.setPreviewJobsEnabled(True)
            self._paused = [paused for paused in self._paused if paused is not canvas]

    def release(self) -> None:
        """Let all windows go on that are still there."""
        for canvas in self._paused:
            if not sip.isdeleted(canvas):
                canvas.setPreviewJobsEnabled(True)
        self._paused.clear()
