"""Scan everything for secrets as the plugin repository does; the models' checksums are known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / ".secrets.baseline"


def findings() -> dict[str, set[str]]:
    """Hashes of what looks like a secret, by file."""
    command = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "landcover_plugin", "models"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)["results"]
    return {
        name: {entry["hashed_secret"] for entry in entries}
        for name, entries in results.items()
        if "__pycache__" not in name
    }


def main() -> None:
    """Fail on what the baseline does not know."""
    known = json.loads(BASELINE.read_text("utf-8"))["results"] if BASELINE.exists() else {}
    allowed = {name: {entry["hashed_secret"] for entry in entries} for name, entries in known.items()}
    new = {name: hashes - allowed.get(name, set()) for name, hashes in findings().items()}
    for name in sorted(n for n, hashes in new.items() if hashes):
        print(
            f"{name}: something looks like a secret; see detect-secrets scan --all-files {name}",
            file=sys.stderr,
        )
    sys.exit(any(new.values()))


if __name__ == "__main__":
    main()
