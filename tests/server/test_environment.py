"""The managed environment: which commands make it, which one counts, what is said when it fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from landcover_plugin.server.environment import (
    MARKER,
    disown_environments,
    find_environment,
    finish_environment,
    next_folder,
    python_of,
    remove_environments,
)
from landcover_plugin.server.environment_plan import (
    Proxy,
    Tools,
    find_tools,
    plan,
    reason_of,
    result_of,
    variables,
    without_secrets,
)
from landcover_plugin.server.runtime_builds import (
    CPU,
    CUDA,
    DIRECTML,
    OPENVINO,
    Machine,
    build_named,
    builds_for,
    requirements_of,
)

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = {"python": "3.11.2", "onnxruntime": "1.31.1"}
PIP, UV = Tools(None, "/usr/bin/python3"), Tools("/usr/bin/uv", "/usr/bin/python3")


def made(root: Path, whole: bool = True) -> Path:
    folder = next_folder(root)
    python_of(folder).parent.mkdir(parents=True)
    python_of(folder).write_text("")
    if whole:
        finish_environment(folder, "cpu", VERSIONS)
    return folder


def test_a_half_made_environment_does_not_count_and_the_newest_whole_one_does(tmp_path: Path) -> None:
    assert find_environment(tmp_path / "nowhere") is None
    made(tmp_path, whole=False)
    assert find_environment(tmp_path) is None
    second = made(tmp_path)
    made(tmp_path, whole=False)
    found = find_environment(tmp_path)
    assert found is not None
    assert (found.folder, found.build) == (second, "cpu")
    assert found.describe() == "ONNX Runtime 1.31.1, Python 3.11.2"
    newer = made(tmp_path)
    assert newer.name == "4"
    assert find_environment(tmp_path).folder == newer


@pytest.mark.parametrize(
    "marker",
    ["", "{", "[]", "null", '{"format": 1}', '{"format": 2, "build": "cpu", "versions": {"python": "3"}}',
     '{"format": 1, "build": "cpu", "versions": {"python": "3"}}',
     '{"format": 1, "build": "cpu", "versions": ["python"]}', "\xff", '{"a":' * 9000],
)  # fmt: skip
def test_a_marker_that_makes_no_sense_is_none(tmp_path: Path, marker: str) -> None:
    folder = made(tmp_path)
    (folder / MARKER).write_text(marker, "latin-1")
    assert find_environment(tmp_path) is None


def test_an_environment_whose_python_has_gone_is_made_anew(tmp_path: Path) -> None:
    folder = made(tmp_path)
    python_of(folder).unlink()
    python_of(folder).symlink_to("/gone/python")
    assert find_environment(tmp_path) is None


def test_removal_keeps_what_is_asked_and_what_is_not_an_environment(tmp_path: Path) -> None:
    made(tmp_path, whole=False)
    kept = made(tmp_path)
    made(tmp_path, whole=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "9").symlink_to(tmp_path / "mine")
    assert remove_environments(tmp_path, keep=kept)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2", "9", "mine"]
    disown_environments(tmp_path)
    assert find_environment(tmp_path) is None
    assert kept.is_dir()
    assert remove_environments(tmp_path)
    assert not kept.exists()


def test_the_build_suits_the_computer() -> None:
    assert builds_for(Machine("Linux", "x86_64")) == (CPU, OPENVINO)
    assert builds_for(Machine("Linux", "x86_64", has_nvidia=True))[0] == CUDA
    assert builds_for(Machine("Windows", "AMD64")) == (DIRECTML, CPU, OPENVINO)
    assert builds_for(Machine("Windows", "AMD64", has_nvidia=True)) == (CUDA, DIRECTML, CPU, OPENVINO)
    assert builds_for(Machine("Darwin", "arm64")) == (CPU,)
    assert builds_for(Machine("Linux", "aarch64", has_nvidia=True)) == (CPU,)
    assert build_named("cuda") == CUDA
    assert build_named("what?") == CPU


def test_what_the_worker_needs_is_what_the_package_needs() -> None:
    declared = (ROOT / "pyproject.toml").read_text()
    for requirement in {*requirements_of(CPU), *requirements_of(OPENVINO)}:
        assert f'"{requirement}"' in declared


def test_the_commands_name_the_source_of_packages(tmp_path: Path) -> None:
    folder, wheels = tmp_path / "1", tmp_path / "wheels"
    for tools in (PIP, UV):
        make, install, check = plan(folder, CPU, tools)
        assert make.arguments[-1] == str(folder)
        assert set(requirements_of(CPU)) <= set(install.arguments)
        assert "--no-index" not in install.arguments
        assert check.program == str(python_of(folder))
        assert make.share + install.share + check.share == pytest.approx(1)
        install = plan(folder, CUDA, tools, wheels)[1]
        assert "--no-index" in install.arguments
        assert install.arguments[install.arguments.index("--find-links") + 1] == str(wheels)
        assert CUDA.requirements[0] in install.arguments
    assert plan(folder, CPU, UV)[1].program == "/usr/bin/uv"
    assert "--offline" in plan(folder, CPU, UV, wheels)[1].arguments


def test_uv_goes_before_pip_where_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    before = find_tools()
    assert before.python is not None
    assert Path(before.python).is_file()
    assert before.uv is None or not before.uv.startswith(str(tmp_path))
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_tools().uv == str(program)
    assert find_tools().describe().startswith("uv (")


def test_commands_are_not_led_astray_by_the_python_of_qgis_or_a_users_pip() -> None:
    given = {"PATH": "/bin", "PYTHONHOME": "/qgis", "PYTHONPATH": "/qgis/lib", "PIP_TARGET": "/x",
             "PIP_USER": "1", "PIP_INDEX_URL": "https://mirror/simple"}  # fmt: skip
    _, install, check = plan(Path("e"), CPU, PIP)
    found = variables(install, given, None, offline=False)
    assert not {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_USER"} & found.keys()
    assert found["PIP_INDEX_URL"] == "https://mirror/simple"
    offline = variables(install, given, None, offline=True)
    assert "PIP_INDEX_URL" not in offline
    assert offline["PIP_CONFIG_FILE"] == os.devnull
    assert variables(check, given, None, offline=True)["PYTHONPATH"] == str(ROOT)


def test_a_proxys_password_is_in_the_environment_alone() -> None:
    proxy = Proxy("http://ann:pa%24s%40word@proxy:3128", "intranet,10.0.0.1")
    steps = plan(Path("e"), CPU, PIP)
    found = variables(steps[1], {"https_proxy": "http://other:1", "PATH": "/bin"}, proxy, offline=False)
    assert found["HTTPS_PROXY"] == found["HTTP_PROXY"] == proxy.url
    assert found["NO_PROXY"] == "intranet,10.0.0.1"
    assert "https_proxy" not in found
    assert not any("word" in step.shown() for step in steps)
    for line in (
        "cannot connect to http://ann:pa%24s%40word@proxy:3128",
        "407 for pa$s@word",
        "HTTPS_PROXY=http://ann:pa%24s%40word@proxy:3128/",
        "Looking in indexes: https://joe:other-word@mirror/simple",
    ):
        assert "word" not in without_secrets(line, proxy)
    assert without_secrets("all is well", proxy) == "all is well"
    assert "HTTP_PROXY" not in variables(steps[1], {}, proxy, offline=True)


@pytest.mark.parametrize(
    ("output", "wheels", "clause"),
    [
        ("ERROR: Could not find a version\nERROR: No matching distribution found for onnx>=1.15\n",
         Path("/w"), "the folder /w has no wheel of onnx>=1.15 that fits this Python"),
        ("  × No solution found when resolving dependencies:\n"
         "  ╰─▶ Because onnx was not found in the provided package locations and you require\n",
         Path("/w"), "the folder /w has no wheel of onnx that fits this Python"),
        ("The virtual environment was not created successfully because ensurepip is not\navailable.",
         None, "this Python has no venv; install the system's package python3-venv, or uv"),
        ("ERROR: Could not install packages: Connection refused", None,
         "the packages cannot be downloaded: Could not install packages: Connection refused"),
        ("ERROR: [Errno 28] No space left on device", None, "[Errno 28] No space left on device"),
        ("ERROR: ImportError: DLL load failed.", Path("/w"), "ImportError: DLL load failed"),
        ("", None, "it said nothing"),
    ],
)  # fmt: skip
def test_a_failure_is_one_clause(output: str, wheels: Path | None, clause: str) -> None:
    assert reason_of(output, wheels) == clause


def test_the_check_gives_versions_and_a_missing_package_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "landcover_plugin.server.environment_check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    versions = result_of(f"a warning\n{done.stdout}")
    assert versions is not None
    assert {"python", "onnxruntime", "numpy", "onnx", "starlette", "uvicorn"} <= versions.keys()
    assert all(re.match(r"\d+\.", v) for v in versions.values())
    assert json.loads(done.stdout)["providers"]
    (tmp_path / "starlette.py").write_text("raise ImportError('no starlette here')")
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert reason_of(done.stderr, None) == "ImportError: no starlette here"
    assert result_of(done.stdout) is None
