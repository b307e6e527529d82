"""Build the plugin's zip: what qgis-plugin-ci packs, plus the models and the compiled translations."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from translations import compile_all

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = "landcover_plugin"
LARGEST = 25_000_000
EPOCH = (2020, 1, 1, 0, 0, 0)


def version() -> str:
    """The version that metadata.txt says."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(ROOT / PLUGIN / "metadata.txt", "utf-8")
    return metadata["general"]["version"]


def committed(folder: str) -> list[str]:
    """Files that git holds below a folder."""
    done = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


def build() -> Path:
    """Make the zip and return its path."""
    program = Path(sys.executable).with_name("qgis-plugin-ci")
    command = [str(program), "package", version(), "--disable-submodule-update"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    path = ROOT / f"{PLUGIN}.{version()}.zip"
    if done.returncode or not path.exists():
        sys.exit(f"qgis-plugin-ci failed:\n{done.stdout}{done.stderr}")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, tempfile.TemporaryDirectory() as work:
        for name in committed("models"):
            add(archive, name, ROOT / name)
        for compiled in compile_all(Path(work)):
            add(archive, f"i18n/{compiled.name}", compiled)
    return path


def add(archive: zipfile.ZipFile, name: str, file: Path) -> None:
    """Put a file into the plugin's folder, the same bytes each time."""
    entry = zipfile.ZipInfo(f"{PLUGIN}/{name}", EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(entry, file.read_bytes())


def faults(path: Path) -> list[str]:
    """What the plugin repository would refuse, one sentence each."""
    found = []
    if path.stat().st_size > LARGEST:
        found.append(f"{path.name} is larger than {LARGEST:,} bytes")
    with zipfile.ZipFile(path) as archive:
        if archive.testzip():
            found.append("a file in it is damaged")
        names = archive.namelist()
    found += [
        f"{PLUGIN}/{n} is missing"
        for n in ("__init__.py", "metadata.txt", "LICENSE")
        if f"{PLUGIN}/{n}" not in names
    ]
    for name in names:
        parts = name.split("/")
        hidden = any(p.startswith(".") and p not in (".bandit", ".secrets.baseline") for p in parts)
        if parts[0] != PLUGIN or ".." in parts or "\\" in name or hidden:
            found.append(f"{name} must not be in it")
        if name.endswith((".pyc", ".so", ".dll", ".exe", ".sh", ".bat")) or "__pycache__" in parts:
            found.append(f"{name} must not be in it")
        if len(parts) > 1 and parts[1] in ("training", "scale", "tests"):
            found.append(f"{name} comes with pip, not with the zip")
    return found


def main() -> None:
    """Build and check."""
    path = build()
    wrong = faults(path)
    for fault in wrong:
        print(fault, file=sys.stderr)
    print(f"{path} ({path.stat().st_size:,} bytes)")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
