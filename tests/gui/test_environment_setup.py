"""Making the environment with commands that are known: progress, stopping, failing, and no secret in the log."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("qgis") is None:
    pytest.skip("QGIS' Python bindings are not here", allow_module_level=True)

from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop, QLockFile
from qgis.PyQt.QtNetwork import QNetworkProxy

from landcover_plugin.gui.environment_setup import EnvironmentSetup, tidy
from landcover_plugin.live.threads import running
from landcover_plugin.qgis_proxy import proxy_finder, proxy_for_packages
from landcover_plugin.server.environment import find_environment
from landcover_plugin.server.environment_plan import Tools
from landcover_plugin.server.runtime_builds import CPU

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tools of these tests are shell scripts")

RESULT = json.dumps({"versions": {"python": "3.11.2", "onnxruntime": "1.31.1"}, "providers": []})
MAKE = 'if [ "$1" = venv ]; then for last; do :; done; mkdir -p "$last/bin"; cp "$0.python" "$last/bin/python"; fi\n'


class Heard:
    """What a set-up said."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        self.shares: list[float] = []
        self.ends: list[tuple[bool, str]] = []
        setup.advanced.connect(lambda share, _: self.shares.append(share))
        setup.ended.connect(lambda made, sentence: self.ends.append((made, sentence)))


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        time.sleep(0.005)


@pytest.fixture
def setup(qgis_app: Any, tmp_path: Path) -> Iterator[EnvironmentSetup]:
    made = EnvironmentSetup(tmp_path / "env")
    yield made
    made.close()
    until(lambda: not running())


def tools(tmp_path: Path, install: str, check: str = f"echo '{RESULT}'\n") -> Tools:
    """A uv whose ``pip install`` is a script; the Python that it makes checks with another."""
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\n" + MAKE + 'if [ "$1" = pip ]; then\n:\n' + install + "\nfi\n")
    (tmp_path / "uv.python").write_text("#!/bin/sh\n" + check)
    for path in (program, tmp_path / "uv.python"):
        path.chmod(0o755)
    return Tools(str(program), sys.executable)


def test_steps_follow_one_another_and_the_marker_comes_last(setup: EnvironmentSetup, tmp_path: Path) -> None:
    heard, root = Heard(setup), tmp_path / "env"
    whole_before_the_end = []
    setup.said.connect(lambda _: whole_before_the_end.append(find_environment(root)))
    scripts = tools(tmp_path, "for n in 1 2 3; do echo Downloading $n; done")
    setup.start(CPU, scripts, None)
    assert setup.is_running
    setup.start(CPU, scripts, None)  # one at a time
    until(lambda: heard.ends)
    assert heard.ends == [(True, "Local inference is ready: ONNX Runtime 1.31.1, Python 3.11.2.")]
    assert heard.shares == sorted(heard.shares)
    assert len(set(heard.shares)) >= 5
    assert whole_before_the_end[:-1] == [None] * (len(whole_before_the_end) - 1)
    assert find_environment(root) is not None
    log = setup.log.read_text()
    assert "Downloading 2" in log
    assert "pip install" in log
    # the next one takes its place
    setup.start(CPU, tools(tmp_path, "echo again"), tmp_path)
    until(lambda: len(heard.ends) == 2)
    until(lambda: not running())
    assert [p.name for p in sorted(root.iterdir()) if p.is_dir()] == ["2"]


def test_a_failure_is_one_sentence_and_leaves_what_was_there(setup: EnvironmentSetup, tmp_path: Path) -> None:
    heard, root = Heard(setup), tmp_path / "env"
    setup.start(CPU, tools(tmp_path, "true"), None)
    until(lambda: heard.ends)
    until(lambda: not running())
    before = find_environment(root)
    for install, check, sentence in (
        ("echo 'error: No space left on device (os error 28)' >&2; exit 2", "true",
         "Local inference could not be set up: No space left on device (os error 28)."),
        ("true", "echo ERROR: ImportError: no DLL >&2; exit 1",
         "Local inference could not be set up: ImportError: no DLL."),
        ("true", "echo nothing", "Local inference could not be set up: the new environment does not say what it holds."),
        ("kill -9 $$", "true", "Local inference could not be set up: it said nothing."),
    ):  # fmt: skip
        heard.ends.clear()
        setup.start(CPU, tools(tmp_path, install, check), None)
        until(lambda: heard.ends)
        assert heard.ends == [(False, sentence)]
        until(lambda: not running())
        assert find_environment(root) == before
        assert [p.name for p in root.iterdir() if p.is_dir()] == ["1"]
    heard.ends.clear()
    setup.start(CPU, Tools(str(tmp_path / "gone"), None), None)
    until(lambda: heard.ends)
    assert "cannot be started" in heard.ends[0][1]


def test_stopping_ends_the_command_and_leaves_nothing(setup: EnvironmentSetup, tmp_path: Path) -> None:
    heard = Heard(setup)
    setup.start(CPU, tools(tmp_path, "echo Downloading; exec sleep 60"), None)
    until(lambda: heard.shares and heard.shares[-1] > 0.11)
    asked = time.monotonic()
    setup.stop()
    until(lambda: heard.ends)
    assert time.monotonic() - asked < 5
    assert heard.ends == [(False, "")]
    assert not setup.is_running
    until(lambda: not running())
    assert not [p for p in (tmp_path / "env").iterdir() if p.is_dir()]


def test_two_qgis_do_not_set_up_at_once(setup: EnvironmentSetup, tmp_path: Path) -> None:
    (tmp_path / "env" / "1").mkdir(parents=True)
    other = QLockFile(str(tmp_path / "env" / "set-up.lock"))
    assert other.tryLock(0)
    heard = Heard(setup)
    setup.start(CPU, tools(tmp_path, "true"), None)
    assert heard.ends == [(False, "Another QGIS is setting up local inference; wait until it is done.")]
    tidy(tmp_path / "env")
    until(lambda: not running())
    assert (tmp_path / "env" / "1").is_dir(), "the other one is making it"
    other.unlock()
    tidy(tmp_path / "env")
    until(lambda: not (tmp_path / "env" / "1").exists())


def test_qgis_proxy_reaches_the_commands_and_its_password_no_log(
    setup: EnvironmentSetup, tmp_path: Path
) -> None:
    network = QgsNetworkAccessManager.instance()
    before = network.fallbackProxy()
    proxy = QNetworkProxy(QNetworkProxy.ProxyType.HttpProxy, "proxy.example.org", 3128, "ann", "pass$word@1")
    try:
        network.setFallbackProxyAndExcludes(proxy, ["intranet.example.org"], ["http://direct.example.org"])
        found = proxy_for_packages()
        assert found is not None
        assert found.url == "http://ann:pass$word%401@proxy.example.org:3128"
        assert found.no_proxy == "intranet.example.org,direct.example.org"
        find = proxy_finder()
        assert find("https://gpu.example.org:8000") == found.url
        for near in ("http://localhost:8000", "http://127.0.0.1", "http://direct.example.org/x"):
            assert find(near) is None
        heard = Heard(setup)
        said = 'echo "$HTTPS_PROXY"; echo "$NO_PROXY"; echo "407 for ann with pass\\$word@1"; '
        seen = tmp_path / "seen"
        setup.start(CPU, tools(tmp_path, f'{said} echo "$HTTPS_PROXY" > {seen}; echo "ERROR: at $HTTPS_PROXY"; exit 1'), None)  # fmt: skip
        until(lambda: heard.ends)
        assert seen.read_text().strip() == found.url
        assert "word" not in setup.log.read_text() + heard.ends[0][1]
        assert "intranet.example.org" in setup.log.read_text()
    finally:
        network.setFallbackProxyAndExcludes(before, [], [])
