"""Every text of the interface can be translated, and what was translated is seen."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "landcover_plugin"
SEEN_FIRST = (
    "gui/dock.py",
    "gui/live_gui.py",
    "gui/compare.py",
    "gui/choice_boxes.py",
    "gui/legend_chart.py",
)
ROOMS = ("gui", "live", "processing")
# a log panel's name, which has to stay the same, and what only a programmer can see
NOT_FOR_USERS = {"Land cover", "a tile must have {}, not {}", "{}, Land cover {}, {}"}
NO_PROSE = re.compile(r"\s*(<|PRAGMA|SELECT|DELETE|UPDATE|INSERT|CREATE|BEGIN|COMMIT|ROLLBACK)")
PROSE = re.compile(r"\w+ \w+ [\w{]+|^[A-Z][a-z]+ [a-z]+|[a-z]{3,}[.…]$")

needs_lrelease = pytest.mark.skipif(
    not shutil.which("lrelease"), reason="lrelease (qttools5-dev-tools) compiles translations"
)


@pytest.fixture(scope="module")
def pipeline() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", ROOT / ".ci" / "translations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["translations"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def german(pipeline: ModuleType) -> Path:
    return pipeline.FOLDER / "landcover_de.ts"


def sources(path: Path) -> set[str]:
    import xml.etree.ElementTree as ET

    return {m.findtext("source") or "" for m in ET.parse(path).iter("message")}


def test_every_text_reaches_the_translators_and_keeps_its_translation(pipeline, german, tmp_path):
    copy = Path(shutil.copy(german, tmp_path))
    waiting, texts = pipeline.update(copy), pipeline.texts()
    assert sources(copy) == set(texts)
    known, kept = pipeline.translated(german), pipeline.translated(copy)
    assert kept == {text: translation for text, translation in known.items() if text in texts}
    assert waiting == len(texts) - len(kept)


def test_what_is_seen_first_is_translated_in_full(pipeline, german):
    known, listed = pipeline.translated(german), sources(german)
    missing = [
        text for name in SEEN_FIRST for text in pipeline.texts_of(PLUGIN / name)
        if text in listed and text not in known
    ]  # fmt: skip
    assert missing == []


def test_translations_hold_the_places_and_keys_of_the_texts(pipeline, german):
    for text, translation in pipeline.translated(german).items():
        assert re.findall(r"\{.*?\}", text) == re.findall(r"\{.*?\}", translation), text
        assert text.count("&") == translation.count("&"), text


def untranslated(path: Path) -> Iterator[str]:
    """Prose in a module that is no docstring and not given to ``tr``."""
    tree = ast.parse(path.read_text("utf-8"))
    skip = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            skip |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.JoinedStr):
            skip |= {id(value) for value in node.values}
    for node in ast.walk(tree):
        if id(node) in skip:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if PROSE.search(text) and not NO_PROSE.match(text) and text not in NOT_FOR_USERS:
            yield f"{path.relative_to(PLUGIN)}:{node.lineno}: {text}"


def test_no_text_of_the_interface_escapes_translation():
    modules = [path for room in ROOMS for path in sorted((PLUGIN / room).rglob("*.py"))]
    assert [text for path in modules for text in untranslated(path)] == []


@needs_lrelease
def test_a_compiled_translation_is_used_while_the_plugin_is_loaded(qgis_app: Any, pipeline, tmp_path):
    from qgis.core import QgsSettings

    from landcover_plugin.translation import Translation, tr

    pipeline.compile_all(tmp_path)
    settings = QgsSettings()
    settings.setValue("locale/overrideFlag", True)
    settings.setValue("locale/userLocale", "de")
    try:
        translation = Translation(tmp_path)
        assert tr("Live land cover") == "Landbedeckung live"
        assert tr("a text without translation") == "a text without translation"
        translation.end()
        assert tr("Live land cover") == "Live land cover"
        settings.setValue("locale/userLocale", "fr")
        assert tr("Live land cover") == "Live land cover"
    finally:
        settings.remove("locale")
