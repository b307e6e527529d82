"""Export this view, export what has been predicted: a file name, a task, a layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsApplication, QgsProject, QgsRasterLayer, QgsSettings, QgsTask
from qgis.PyQt import sip
from qgis.PyQt.QtWidgets import QFileDialog

from ..core.errors import CancelledError, LandcoverError
from ..core.progress import Progress
from ..live.live_settings import PREFIX
from ..live.repainting import view_extent, view_size
from ..live.session import LiveSession
from ..translation import tr
from .live_layers import class_renderer

_FOLDER = f"{PREFIX}export_folder"


class ExportTask(QgsTask):
    """Writes a map in a thread of QGIS' task manager; it touches no layer.

    Args:
        title: shown in the status bar.
        work: writes the map, given what is told of progress and cancellation.
        done: called in the main thread with the path, or with an error; with neither where the
            user stopped it.
    """

    def __init__(
        self,
        title: str,
        work: Callable[[ExportTask], Path],
        done: Callable[[Path | None, Exception | None], None],
    ) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._work, self._done = work, done
        self._path: Path | None = None
        self._error: Exception | None = None

    def run(self) -> bool:
        """In a task thread."""
        try:
            self._path = self._work(self)
        except Exception as e:  # QGIS must hear of it as a failed task, the user as a sentence
            self._error = e
        return self._error is None

    def finished(self, result: bool) -> None:
        """In the main thread."""
        self._done(self._path, None if isinstance(self._error, CancelledError) else self._error)

    # -- what the engine reports to --------------------------------------------------------------

    def info(self, text: str) -> None:
        """Details nobody asked for."""

    def detail(self, text: str) -> None:
        """Details for those who look for them."""

    def warn(self, text: str) -> None:
        """Doubts that the live layer has told before."""

    def progress(self, progress: Progress) -> None:
        """How far it is."""
        self.setProgress(100 * progress.done / max(1, progress.total))

    def is_cancelled(self) -> bool:
        """Whether the user stopped it."""
        return bool(self.isCanceled())


class Exporter:
    """The two export buttons. Main thread only; tasks hold nothing of QGIS."""

    def __init__(self, iface: Any, session: LiveSession) -> None:
        self._iface, self._session = iface, session
        self._tasks: list[ExportTask] = []

    def view(self, layer: Any, path: str = "") -> None:
        """Write the land cover of the main map's view.

        Args:
            layer: a live layer.
            path: asked for where empty.
        """
        from ..core.backends import open_backend
        from ..core.raster_io import raster_io
        from ..live.exporting import export_view
        from ..live.imagery import reader_for

        feed, extents = layer.dataProvider().live.feed, view_extent(self._iface.mapCanvas(), layer)
        if feed is None or not extents:
            return
        extent = extents[0]
        size = view_size(self._iface.mapCanvas())
        view = feed.view(extent, size.height(), size.width())
        if view is None:
            self._session.tell(tr("This view is too far out to predict; zoom in, then export it."), "export")
            return
        out = path or self._ask_path(layer, tr("Export the land cover of this view"))
        if not out:
            return
        settings = self._session.settings
        try:
            open_source = reader_for(layer.dataProvider().live.uri, feed.spec)
        except LandcoverError as e:
            self._session.tell(str(e), "export")
            return
        level, spec = view.level, feed.spec

        def work(task: ExportTask) -> Path:
            return export_view(
                feed,
                open_source(task.is_cancelled),
                lambda: open_backend(settings.backend, spec),
                extent,
                level,
                Path(out),
                raster_io("gdal"),
                task,
            ).path

        self._start(tr("Exporting land cover"), work, layer)

    def predicted(self, layer: Any, path: str = "") -> None:
        """Write all that has been predicted at the zoom of the view.

        Args:
            layer: a live layer.
            path: asked for where empty.
        """
        from ..core.raster_io import raster_io
        from ..live.exporting import export_predicted
        from ..live.levels import MAX_LEVEL

        feed, extents = layer.dataProvider().live.feed, view_extent(self._iface.mapCanvas(), layer)
        if feed is None or not extents:
            return
        size = view_size(self._iface.mapCanvas())
        view = feed.view(extents[0], size.height(), size.width())
        level = view.level if view is not None else min(MAX_LEVEL, feed.levels(extents[0]).coarsest)
        out = path or self._ask_path(layer, tr("Export what has been predicted"))
        if not out:
            return
        wkt = feed.imagery.sources[0].crs_wkt

        def work(task: ExportTask) -> Path:
            return export_predicted(feed, level, wkt, Path(out), raster_io("gdal"), task.is_cancelled)

        self._start(tr("Exporting predicted land cover"), work, layer)

    def _ask_path(self, layer: Any, title: str) -> str:
        settings = QgsSettings()
        name = "".join(c if c.isalnum() or c in " -_." else "_" for c in layer.name()).strip() or tr(
            "land cover"
        )
        start = str(Path(str(settings.value(_FOLDER, "") or Path.home())) / f"{name}.tif")
        chosen, _ = QFileDialog.getSaveFileName(
            self._iface.mainWindow(), title, start, tr("GeoTIFF (*.tif *.tiff)")
        )
        if not chosen:
            return ""
        settings.setValue(_FOLDER, str(Path(chosen).parent))
        return chosen if chosen.lower().endswith((".tif", ".tiff")) else f"{chosen}.tif"

    def _start(self, title: str, work: Callable[[ExportTask], Path], layer: Any) -> None:
        legend = layer.dataProvider().live.spec.legend

        def done(path: Path | None, error: Exception | None) -> None:
            # QGIS deletes it now, stopped or not
            self._tasks[:] = [t for t in self._tasks if t is not task]
            if path is None and error is None:
                return
            if path is None:
                text = (
                    str(error)
                    if isinstance(error, LandcoverError)
                    else tr("The export failed: {}").format(error)
                )
                self._session.tell(text, "export")
                return
            made = QgsRasterLayer(str(path), path.stem)
            if made.isValid():
                made.setRenderer(class_renderer(made, legend))
                QgsProject.instance().addMapLayer(made)
            self._iface.messageBar().pushMessage(
                tr("Land cover"), tr("Written to {}").format(path), Qgis.MessageLevel.Success, 8
            )

        task = ExportTask(title, work, done)
        self._tasks.append(task)
        QgsApplication.taskManager().addTask(task)

    def close(self) -> None:
        """Stop what is being written, and wait for it."""
        for task in self._tasks:
            if not sip.isdeleted(task):
                task.cancel()
                task.waitForFinished(10_000)
        self._tasks.clear()
