"""Translations: find the interface's texts, and compile what translators made of them.

``update`` brings ``landcover_plugin/i18n/landcover_LANGUAGE.ts`` up to date: new texts are added for the
translators, those that are gone are dropped. ``compile [FOLDER]`` makes QGIS' form of them.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "landcover_plugin"
FOLDER = PLUGIN / "i18n"
CONTEXT = "Landcover"


def texts() -> dict[str, list[str]]:
    """Every text of the interface, and where it stands."""
    found: dict[str, list[str]] = {}
    for path in sorted(PLUGIN.rglob("*.py")):
        for text in texts_of(path):
            places = found.setdefault(text, [])
            name = path.relative_to(PLUGIN).as_posix()
            if name not in places:
                places.append(name)
    return found


def texts_of(path: Path) -> Iterator[str]:
    """What a module gives to ``tr``."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant):
                sys.exit(f"{path}:{node.lineno}: tr() takes one literal")
            yield str(node.args[0].value)


def translated(path: Path) -> dict[str, str]:
    """Translations of a .ts file, without those that are not there yet."""
    found = {}
    for message in ET.parse(path).iter("message"):
        translation = message.find("translation")
        if translation is not None and translation.text and translation.get("type") is None:
            found[message.findtext("source") or ""] = translation.text
    return found


def update(path: Path) -> int:
    """Bring one .ts file up to date; how many texts wait for a translator."""
    known = translated(path) if path.stat().st_size else {}
    language = path.stem.split("_", 1)[1]
    root = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    waiting = 0
    for text, places in texts().items():
        message = ET.SubElement(context, "message")
        ET.SubElement(message, "location", filename=f"../{places[0]}")
        ET.SubElement(message, "source").text = text
        translation = ET.SubElement(message, "translation")
        if text in known:
            translation.text = known[text]
        else:
            translation.set("type", "unfinished")
            waiting += 1
    ET.indent(root, " ")
    body = ET.tostring(root, "unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', "utf-8")
    return waiting


def compile_all(folder: Path) -> list[Path]:
    """Compile every .ts file into a folder; what was made."""
    program = shutil.which("lrelease") or shutil.which("lrelease-qt5")
    if program is None:
        sys.exit("lrelease is missing; install the package qttools5-dev-tools")
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for source in sorted(FOLDER.glob("*.ts")):
        target = folder / f"{source.stem}.qm"
        subprocess.run([program, "-silent", str(source), "-qm", str(target)], check=True)
        made.append(target)
    return made


def main() -> None:
    """Update or compile."""
    if sys.argv[1:2] == ["update"]:
        for path in sorted(FOLDER.glob("*.ts")):
            print(f"{path.relative_to(ROOT)}: {update(path)} texts wait for a translator")
    elif sys.argv[1:2] == ["compile"]:
        for path in compile_all(Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER):
            print(path)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
