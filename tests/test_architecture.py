"""Arrows point one way, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "landcover_plugin"
MODULES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "core": {"core"},
    "qgis_imagery": {"qgis_imagery", "core", "translation"},
    "live": {"live", "qgis_imagery", "core", "translation"},
    "processing": {"processing", "qgis_imagery", "core", "translation", "backend_settings"},
    "gui": {
        "gui",
        "live",
        "qgis_imagery",
        "server",
        "core",
        "translation",
        "backend_settings",
        "sign_in",
        "qgis_proxy",
    },
    "cli": {"cli", "core", "server", "training", ""},
    "server": {"server", "core"},
    "training": {"training", "core"},
    "scale": {"scale", "core"},
}
QGIS_AND_QT = {"qgis", "PyQt5", "PyQt6"}
ONLY_IN = {
    "rasterio": ("core/raster_io/", "training/"),
    "osgeo": ("core/raster_io/",),
    "torch": ("training/",),
    "pyspark": ("scale/",),
    "onnxruntime": ("core/backends/onnxruntime.py", "server/worker.py", "training/"),
    "pynvml": ("core/bench/busy.py",),
    "openvino": ("core/backends/openvino.py",),
    "onnx": ("core/cntk/", "core/model_formats/", "training/"),
    "starlette": ("server/",),
    "uvicorn": ("server/",),
    "prometheus_client": ("server/metrics.py",),
    "tritonclient": ("core/backends/grpc.py",),
    "click": ("cli/", "training/commands.py"),
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Absolute names of what a module imports, and whether it does so when it is imported itself."""
    tree = ast.parse(path.read_text("utf-8"))
    inner = {
        id(n)
        for f in ast.walk(tree)
        if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))
        for n in ast.walk(f)
    }
    inner |= {
        id(n)
        for i in ast.walk(tree)
        if isinstance(i, ast.If) and "TYPE_CHECKING" in ast.dump(i.test)
        for n in ast.walk(i)
    }
    package = ("landcover_plugin", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        at_once = id(node) not in inner
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield from ((f"{module}.{alias.name}", at_once) for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_the_rooms_it_may(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    for name, _ in imports(path):
        top, _, rest = name.partition(".")
        if top == "landcover_plugin" and room in MAY_IMPORT:
            other = rest.split(".")[0]
            known = other if (PACKAGE / other).is_dir() or (PACKAGE / f"{other}.py").exists() else ""
            assert known in MAY_IMPORT[room] | {""}, f"{name_of(path)} imports {name}"
        assert not (room in ("core", "cli", "server", "training") and top in QGIS_AND_QT), name_of(path)
        assert top not in ("PyQt5", "PyQt6"), f"{name_of(path)}: Qt comes through qgis.PyQt"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_package_that_may_be_missing_is_imported_in_its_own_place(path: Path) -> None:
    for name, _ in imports(path):
        top = name.split(".")[0]
        if top in ONLY_IN:
            assert name_of(path).startswith(ONLY_IN[top]), f"{name_of(path)} imports {name}"


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return set(done.stdout.split())


def test_the_package_imports_without_qgis() -> None:
    assert not QGIS_AND_QT & modules_after("import landcover_plugin")


def test_the_core_imports_nothing_heavy() -> None:
    loaded = modules_after("import landcover_plugin.core.classify, landcover_plugin.core.model_library")
    assert not {"qgis", "torch", "onnx", "onnxruntime", "pyspark", "requests", "rasterio", "osgeo"} & loaded


def test_the_command_starts_light() -> None:
    assert not {"numpy", "rasterio", "onnxruntime", "torch"} & modules_after(
        "import landcover_plugin.cli.main"
    )


def test_no_module_holds_more_than_one_idea_by_its_length() -> None:
    long = {name_of(p): n for p in MODULES if (n := len(p.read_text("utf-8").splitlines())) > 450}
    assert long == {}
