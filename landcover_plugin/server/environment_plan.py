"""How an environment is made: which commands, with which variables, and what their words mean."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .environment import python_of
from .runtime_builds import RuntimeBuild, requirements_of

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_UV_FOLDERS = ("~/.local/bin", "~/.cargo/bin", "/opt/homebrew/bin", "/usr/local/bin")
_OWN_PYTHON = "3.12"
_EXPECTED_LINES = 30
_HIDDEN = "•••"
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_FAULT = re.compile(r"^\s*(?:[×x] |error: |ERROR: |fatal: )(.+)", re.IGNORECASE)
_CONNECTION = ("connection", "timed out", "resolve", "ssl", "proxy", "network", "unreachable")


@dataclass(frozen=True)
class Proxy:
    """What stands between this computer and the internet.

    Args:
        url: may hold a name and a password; goes into the environment of the commands alone.
        no_proxy: hosts that are reached without it, parted by commas.
    """

    url: str
    no_proxy: str = ""


@dataclass(frozen=True)
class Tools:
    """What makes environments here.

    Args:
        uv: the program, where it is there.
        python: the interpreter that the environment gets; uv finds or brings one where None.
    """

    uv: str | None
    python: str | None

    def describe(self) -> str:
        """For people; empty where nothing can be made."""
        if self.uv:
            return f"uv ({self.python or f'Python {_OWN_PYTHON}'})"
        return f"venv and pip ({self.python})" if self.python else ""


@dataclass(frozen=True)
class Step:
    """One command.

    Args:
        title: what it does.
        program: its path.
        arguments: without secrets, for they are written into the log.
        share: of the whole, of the progress bar.
        imports_plugin: whether it runs code of the plugin; its last line on standard output is JSON
            for the marker.
    """

    title: str
    program: str
    arguments: tuple[str, ...]
    share: float
    imports_plugin: bool = False

    def shown(self) -> str:
        """The command line."""
        return " ".join([self.program, *self.arguments])


def find_tools() -> Tools:
    """What this computer has: uv, and the Python that QGIS itself runs on."""
    looked = os.pathsep.join([os.environ.get("PATH", ""), *map(os.path.expanduser, _UV_FOLDERS)])
    return Tools(shutil.which("uv", path=looked), _interpreter())


def _interpreter() -> str | None:
    """The program of this Python; in QGIS ``sys.executable`` may be QGIS itself."""
    names = ["python.exe", "python3.exe"] if sys.platform == "win32" else [
        f"bin/python{sys.version_info[0]}.{sys.version_info[1]}", "bin/python3"
    ]  # fmt: skip
    for base in (sys.base_prefix, sys.base_exec_prefix):
        for name in names:
            if (Path(base) / name).is_file():
                return str(Path(base) / name)
    is_python = Path(sys.executable or "").stem.lower().startswith("python")
    return sys.executable if is_python else None


def plan(folder: Path, build: RuntimeBuild, tools: Tools, wheels: Path | None = None) -> tuple[Step, ...]:
    """The commands that make an environment, in their order.

    Args:
        folder: where it will be; nothing is there yet.
        build: of ONNX Runtime.
        tools: what makes it.
        wheels: a folder of wheels to take all packages from, with no network; the internet where None.
    """
    python, needed = str(python_of(folder)), requirements_of(build)
    source = ("--no-index", "--find-links", str(wheels)) if wheels else ()
    if tools.uv:
        offline = ("--offline",) if wheels else ()
        wanted = ("--python", tools.python or _OWN_PYTHON)
        make = Step("Making the environment", tools.uv, ("venv", *offline, *wanted, str(folder)), 0.1)
        pip = ("pip", "install", "--python", python, *offline)
        install = Step("Installing", tools.uv, (*pip, *source, *needed), 0.8)
    else:
        make = Step("Making the environment", tools.python or "python3", ("-m", "venv", str(folder)), 0.2)
        pip = ("-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off")
        install = Step("Installing", python, (*pip, "--only-binary", ":all:", *source, *needed), 0.7)
    check = ("-m", "landcover_plugin.server.environment_check")
    return make, install, Step("Trying it", python, check, 0.1, imports_plugin=True)


def variables(step: Step, given: Mapping[str, str], proxy: Proxy | None, *, offline: bool) -> dict[str, str]:
    """The environment of a command.

    Args:
        step: the command.
        given: the environment of this process.
        proxy: of QGIS' settings; secrets in it are seen by the commands alone.
        offline: leave out what could name other sources of packages.
    """
    # what QGIS' own Python is told, or a user's pip to install elsewhere, must not lead the new one astray
    astray = ("PYTHON", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV")
    kept = {key: value for key, value in given.items() if not key.startswith(astray)}
    if offline:
        kept = {k: v for k, v in kept.items() if not k.startswith(("PIP_", "UV_"))}
        kept.update({"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"})
    elif proxy is not None:
        for name in _PROXY_VARIABLES:
            kept.pop(name, None)
            kept.pop(name.lower(), None)
            kept[name] = proxy.url
        kept["NO_PROXY"] = kept["no_proxy"] = proxy.no_proxy
    kept.update(
        {
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONIOENCODING": "utf-8",
            "PIP_NO_INPUT": "1",
            "NO_COLOR": "1",
        }
    )
    if step.imports_plugin:
        kept["PYTHONPATH"] = str(_PACKAGE_PARENT)
    return kept


def without_secrets(line: str, proxy: Proxy | None) -> str:
    """A line for the log: names and passwords in addresses are hidden, and the proxy's wherever they are."""
    for secret in _secrets(proxy):
        line = line.replace(secret, _HIDDEN)
    return re.sub(r"(?<=://)[^/@\s]+@", f"{_HIDDEN}@", line)


def _secrets(proxy: Proxy | None) -> list[str]:
    from urllib.parse import unquote, urlsplit

    if proxy is None:
        return []
    password = urlsplit(proxy.url).password or ""
    # the name alone may be an everyday word
    return sorted({s for s in (password, unquote(password)) if s}, key=len, reverse=True)


def progress_of(lines: int) -> float:
    """Share of an installation that is done after so many lines of output; nobody knows their number."""
    return min(0.95, lines / _EXPECTED_LINES)


def result_of(output: str) -> dict[str, str] | None:
    """Versions from the check's output, None where it has none."""
    try:
        found = json.loads([line for line in output.splitlines() if line.startswith("{")][-1])
        return {str(k): str(v) for k, v in found["versions"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


def reason_of(output: str, wheels: Path | None) -> str:
    """What went wrong, in one clause, from what a command said."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    faults = [found.group(1).strip() for found in map(_FAULT.match, lines) if found]
    if "ensurepip is not" in output:
        return "this Python has no venv; install the system's package python3-venv, or uv"
    missing = re.search(r"No matching distribution found for (\S+)|Because (\S+) was not found", output)
    if missing and wheels is not None:
        name = (missing.group(1) or missing.group(2)).strip(".,`'\"")
        return f"the folder {wheels} has no wheel of {name} that fits this Python"
    said = (faults or lines or ["it said nothing"])[-1][:160].rstrip(".")
    if wheels is None and any(word in output.lower() for word in _CONNECTION):
        return f"the packages cannot be downloaded: {said}"
    return said
