"""Scan what ships for secrets as the plugin repository does; only the models' checksums are known.

``--write`` makes the baseline anew and refuses anything that is not a checksum.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "landcover_plugin"
BASELINE = PLUGIN / ".secrets.baseline"


def scan() -> dict[str, Any]:
    """What detect-secrets says of the plugin and of the models, which the zip holds inside it."""
    report = _scan(PLUGIN, ".")
    report["results"].update(_scan(ROOT, "models")["results"])
    known = (".secrets.baseline", "__pycache__", "training/")
    report["results"] = {
        name: entries
        for name, entries in sorted(report["results"].items())
        if not any(k in name for k in known)
    }
    report.pop("generated_at", None)
    return report


def _scan(folder: Path, what: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", what]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def is_checksum(name: str, entry: dict[str, Any]) -> bool:
    """Whether a finding is a SHA-256 under that key."""
    folder = ROOT if name.startswith("models/") else PLUGIN
    line = (folder / name).read_text("utf-8").splitlines()[entry["line_number"] - 1]
    return '"sha256"' in line and entry["type"] == "Hex High Entropy String"


def main() -> None:
    """Fail on what is neither a checksum nor in the baseline."""
    report = scan()
    wrong = {n for n, entries in report["results"].items() if not all(is_checksum(n, e) for e in entries)}
    for name in sorted(wrong):
        print(
            f"{name}: something looks like a secret; see detect-secrets scan --all-files {name}",
            file=sys.stderr,
        )
    if wrong:
        sys.exit(1)
    if "--write" in sys.argv:
        BASELINE.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    known = json.loads(BASELINE.read_text("utf-8"))["results"] if BASELINE.exists() else {}
    hashes = {name: {e["hashed_secret"] for e in entries} for name, entries in known.items()}
    for name, entries in report["results"].items():
        if {e["hashed_secret"] for e in entries} - hashes.get(name, set()):
            sys.exit(f"{name}: its checksum is not in the baseline; run .ci/scan_secrets.py --write")


if __name__ == "__main__":
    main()
