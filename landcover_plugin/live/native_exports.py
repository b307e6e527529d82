"""QGIS' own *Save as* of a live layer: where a tile cannot be made it fails, and leaves no file.

QGIS' writer takes what a provider gives it, and writes zeros where that is nothing. So the task that
writes is stopped from the thread it runs in, and what it wrote so far is taken away when it has ended.
Which task reads which provider is not to be seen from outside: it is the clone that QGIS makes right
before it adds the task.
"""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QCoreApplication, QObject, QTimer

from ..translation import tr
from .threads import is_main_thread

if TYPE_CHECKING:
    from .provider import LandcoverProvider

_WRITES = "QgsRasterFileWriterTask"
_RIGHT_BEFORE_S = 5.0

_last_clone: tuple[weakref.ref[LandcoverProvider], float] | None = None


def note_clone(provider: LandcoverProvider) -> None:
    """QGIS was given a clone; in any thread."""
    global _last_clone  # noqa: PLW0603  one QGIS, one main thread
    if is_main_thread():
        _last_clone = weakref.ref(provider), time.monotonic()


class NativeExport:
    """One file that QGIS writes from a live layer. :meth:`fail` belongs to the thread that writes.

    Args:
        task: that writes.
        imagery: that the layer predicts on, for people.
    """

    def __init__(self, task: Any, imagery: str) -> None:
        self._task, self._imagery = task, imagery
        self._layers = set(QgsProject.instance().mapLayers())
        self._path = _path_in(task.description())
        self._error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Something that is to be written cannot be had."""
        if self._error is None:
            self._error = error
            # alive, for it is what has called us
            self._task.cancel()

    def end(self) -> str:
        """The task has ended, in the main thread: what is to be said, empty where the file is whole."""
        self._task = None
        if self._error is None:
            return ""
        project = QgsProject.instance()
        for layer in list(project.mapLayers().values()):
            if layer.id() not in self._layers and layer.source() == str(self._path):
                project.removeMapLayer(layer.id())
        if self._path.is_file():
            for path in (self._path, Path(f"{self._path}.aux.xml")):
                with contextlib.suppress(OSError):
                    path.unlink()
        sentence = tr("{} was not written, for live land cover of {} is missing: {}")
        return sentence.format(self._path, self._imagery, self._error)


class NativeExports(QObject):
    """Watches QGIS' tasks for exports of live layers. Main thread only.

    Args:
        tell: says a sentence to the user, with a word for what it is about.
    """

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        super().__init__()
        self._tell = tell
        QgsApplication.taskManager().taskAdded.connect(self._on_task)

    def close(self) -> None:
        """Watch no more."""
        QgsApplication.taskManager().taskAdded.disconnect(self._on_task)

    def _on_task(self, task_id: int) -> None:
        global _last_clone
        task = QgsApplication.taskManager().task(task_id)
        if task is None or task.metaObject().className() != _WRITES or _last_clone is None:
            return
        (provider, since), _last_clone = (_last_clone[0](), _last_clone[1]), None
        if provider is None or time.monotonic() - since > _RIGHT_BEFORE_S:
            return
        export = provider.export = NativeExport(task, provider.live.name)

        def ended() -> None:
            # after QGIS' own answers to the end, which may add the file to the map
            QTimer.singleShot(0, lambda: self._say(export.end()))

        task.taskCompleted.connect(ended)
        task.taskTerminated.connect(ended)

    def _say(self, sentence: str) -> None:
        if sentence:
            self._tell(sentence, "export")


def _path_in(description: str) -> Path:
    """The file that a task of QGIS writes, of which it says only what the user reads."""
    before, _, after = QCoreApplication.translate(_WRITES, "Saving %1").partition("%1")
    return Path(description[len(before) : len(description) - len(after)])
