"""Making the managed environment: one command after another, while QGIS goes on."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TextIO

from qgis.PyQt.QtCore import QLockFile, QObject, QProcess, QProcessEnvironment, pyqtSignal

from .. import __version__
from ..live.threads import start_thread
from ..qgis_proxy import proxy_for_packages
from ..server import environment_plan as steps
from ..server.environment import LOG, find_environment, finish_environment, next_folder, remove_environments
from ..server.runtime_builds import RuntimeBuild
from ..translation import tr

_KILL_MS = 2000


class EnvironmentSetup(QObject):
    """Makes environments below one root, one at a time. Main thread only; nothing waits.

    Signals:
        advanced: how much is done, 0 to 1, and what is being done.
        said: a line for the log.
        ended: whether there is a new environment, and a sentence; empty where the user stopped it.
    """

    advanced = pyqtSignal(float, str)
    said = pyqtSignal(str)
    ended = pyqtSignal(bool, str)

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._process: QProcess | None = None
        self._stopped = False
        self._output = ""

    @property
    def log(self) -> Path:
        """Of the last set-up."""
        return self._root / LOG

    @property
    def is_running(self) -> bool:
        """Whether an environment is being made."""
        return self._process is not None

    def start(self, build: RuntimeBuild, tools: steps.Tools, wheels: Path | None) -> None:
        """Begin; :attr:`ended` tells how it went.

        Args:
            build: of ONNX Runtime.
            tools: what makes it.
            wheels: a folder to take packages from; the internet where None.
        """
        if self.is_running:
            return
        self._build, self._wheels, self._stopped = build, wheels, False
        self._proxy = proxy_for_packages() if wheels is None else None
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self._root)
            if not self._lock.tryLock(0):
                self.ended.emit(
                    False, tr("Another QGIS is setting up local inference; wait until it is done.")
                )
                return
            self._log: TextIO = self.log.open("w", encoding="utf-8")
        except OSError as e:
            sentence = tr(
                "Local inference cannot be set up in {} ({}); make room there or change its permissions."
            )
            self.ended.emit(False, sentence.format(self._root, e.strerror or e))
            return
        self._folder = next_folder(self._root)
        self._steps = list(steps.plan(self._folder, build, tools, wheels))
        self._done = 0.0
        self._write(f"{datetime.now():%Y-%m-%d %H:%M}, Land cover {__version__}, {tools.describe()}")
        self._next()

    def stop(self) -> None:
        """Give up; what has been made so far is removed."""
        self._stopped = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Give up, and wait for the command's end; no signal comes any more."""
        self.blockSignals(True)
        self.stop()
        process = self._process
        if process is not None and process.waitForFinished(_KILL_MS) and self._process is not None:
            self._end(False, "")

    # -- one command after another ---------------------------------------------------------------

    def _next(self) -> None:
        step = self._step = self._steps.pop(0)
        self._output, self._lines = "", 0
        self.advanced.emit(self._done, step.title)
        self._write(f"$ {step.shown()}")
        process = self._process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        environment = QProcessEnvironment()
        offline = self._wheels is not None
        for key, value in steps.variables(step, os.environ, self._proxy, offline=offline).items():
            environment.insert(key, value)
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed_to_start)
        process.start(step.program, list(step.arguments))
        process.closeWriteChannel()

    def _read(self) -> None:
        if self._process is None:
            return
        text = bytes(self._process.readAllStandardOutput()).decode("utf-8", "replace")
        unfinished = self._output.rpartition("\n")[2]
        self._output += text
        for line in (unfinished + text).split("\n")[:-1]:
            self._lines += 1
            self._write(line.rstrip())
            share = self._done + self._step.share * steps.progress_of(self._lines)
            self.advanced.emit(share, f"{self._step.title}: {line.strip()[:70]}")

    def _write(self, line: str) -> None:
        line = steps.without_secrets(line, self._proxy)
        self._log.write(line + "\n")
        self._log.flush()
        self.said.emit(line)

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        if self._stopped:
            self._end(False, "")
        elif code != 0 or status != QProcess.ExitStatus.NormalExit:
            self._fail(steps.without_secrets(steps.reason_of(self._output, self._wheels), self._proxy))
        elif self._steps:
            self._done += self._step.share
            self._next()
        else:
            self._complete()

    def _failed_to_start(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:  # others end with `finished` too
            self._fail(tr("{} cannot be started").format(self._step.program))

    def _complete(self) -> None:
        versions = steps.result_of(self._output)
        if versions is None:
            self._fail(tr("the new environment does not say what it holds"))
            return
        try:
            made = finish_environment(self._folder, self._build.name, versions)
        except OSError as e:
            self._fail(e.strerror or str(e))
            return
        self._write(made.describe())
        self._end(True, tr("Local inference is ready: {}.").format(made.describe()))

    def _fail(self, reason: str) -> None:
        self._write(reason)
        self._end(False, tr("Local inference could not be set up: {}.").format(reason.rstrip(".")))

    def _end(self, made: bool, sentence: str) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        self._log.close()
        root, lock = self._root, self._lock
        start_thread(lambda: _sweep(root, lock), "landcover-environment-sweep")
        self.ended.emit(made, sentence)


def tidy(root: Path) -> None:
    """Remove what earlier set-ups left, in a thread; nothing where another QGIS sets up."""
    if not root.is_dir():
        return
    lock = _lock(root)
    start_thread(lambda: _sweep(root, lock) if lock.tryLock(0) else None, "landcover-environment-sweep")


def _lock(root: Path) -> QLockFile:
    lock = QLockFile(str(root / "set-up.lock"))
    lock.setStaleLockTime(0)  # a set-up may take long; a lock whose process is gone counts as none
    return lock


def _sweep(root: Path, lock: QLockFile) -> None:
    current = find_environment(root)
    remove_environments(root, current.folder if current else None)
    lock.unlock()
