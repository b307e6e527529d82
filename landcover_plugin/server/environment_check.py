"""``python -m landcover_plugin.server.environment_check``: does this Python have what the worker needs?

Run in a new environment; imports what the worker imports, and prints one line of JSON: versions of
Python and the packages, and the execution providers that ONNX Runtime lists.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys

_IMPORTED = ("numpy", "onnxruntime", "onnx", "starlette", "uvicorn")


def main() -> int:
    """Import, and print."""
    versions = {"python": platform.python_version()}
    try:
        modules = {name: importlib.import_module(name) for name in _IMPORTED}
        for ours in ("..core.model_formats", ".app", ".worker"):
            importlib.import_module(ours, __package__)
    except Exception as e:  # a broken build raises anything from ImportError to OSError
        sys.stderr.write(f"ERROR: {type(e).__name__}: {e}\n")
        return 1
    versions.update({name: str(module.__version__) for name, module in modules.items()})
    providers = list(modules["onnxruntime"].get_available_providers())
    sys.stdout.write(json.dumps({"versions": versions, "providers": providers}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
