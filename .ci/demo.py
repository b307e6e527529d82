"""``make demo``: the main job, through ``qgis_process``, on the sample scene or on the user's image.

Leaves a GeoTIFF, a PNG of imagery and land cover side by side, and a table of areas per class.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from landcover_plugin.core.areas import format_area
from landcover_plugin.core.errors import LandcoverError
from landcover_plugin.core.model import ModelSpec
from landcover_plugin.core.model_library import best_model, find_model, list_models
from landcover_plugin.core.raster_io import raster_io
from sheet import draw_sheet, imagery_rgb, map_rgb

ROOT = Path(__file__).resolve().parents[1]
PANEL_PX = 640


def say(text: str) -> None:
    """A line about what is done."""
    print(text, flush=True)


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--image", type=Path, help="in place of the sample scene")
    parser.add_argument("--model", help="name or folder, in place of the best that fits")
    given = parser.parse_args()
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    try:
        image = given.image.resolve() if given.image else sample_scene(out)
        spec = find_model(given.model) if given.model else default_model(image, out)
        run(image, spec, out)
    except LandcoverError as e:
        sys.exit(f"Error: {e}")


def sample_scene(out: Path) -> Path:
    """The generated landscape."""
    from landcover_plugin.training.landscape import generate

    say("Generating the sample scene …")
    return Path(generate(out / "scene").image)


def default_model(image: Path, out: Path) -> ModelSpec:
    """The best model here; where there is none, the 2018 model, imported once."""
    source = raster_io().open(str(image))
    found = best_model(len(source.bands), list_models())
    source.close()
    if found is not None:
        return found
    from landcover_plugin.core.model_formats import get_model, import_model

    folder = out / "models" / "chesapeake-2018"
    if folder.exists():
        return find_model(str(folder))
    data = os.environ.get("LANDCOVER_DATA")
    if data:
        say("Importing the 2018 Chesapeake model …")
        return import_model(Path(data) / "models" / "cntk" / "250epochs.model", folder)
    say("Downloading the 2018 Chesapeake model …")
    return get_model("chesapeake-2018", folder)


def run(image: Path, spec: ModelSpec, out: Path) -> None:
    """Classify, measure and draw."""
    name = image.stem
    land_cover, table = out / f"{name}-landcover.tif", out / f"{name}-areas.csv"
    page, picture = out / f"{name}-areas.html", out / f"{name}.png"
    say(f"Mapping {image.name} with {spec.title}, through qgis_process …")
    with tempfile.TemporaryDirectory() as profile:
        qgis = QgisProcess(Path(profile))
        qgis.run("landcover:classify", INPUT=image, MODEL=spec.folder, OUTPUT=land_cover)
        qgis.run("landcover:classareas", INPUT=land_cover, OUTPUT_TABLE=table, OUTPUT_HTML=page)
    legend = [(c.name, c.colour) for c in spec.legend if c.is_land_cover]
    panels = [("Imagery", imagery_rgb(image, PANEL_PX)), ("Land cover", map_rgb(land_cover, PANEL_PX))]
    draw_sheet(panels, legend, picture)
    print_table(table)
    say(f"\nMap:      {land_cover}\nPicture:  {picture}\nAreas:    {table}\n          {page}")


class QgisProcess:
    """``qgis_process`` with a profile of its own in which this plugin is on."""

    def __init__(self, profile: Path) -> None:
        # Debian 12's wrapper /usr/bin/qgis_process passes options that it does not know itself
        self._program = shutil.which("qgis_process.bin") or shutil.which("qgis_process") or "qgis_process"
        self._environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "QGIS_CUSTOM_CONFIG_PATH": str(profile),
            "QGIS_PLUGINPATH": str(ROOT),
            "XDG_RUNTIME_DIR": str(profile),
            "LANDCOVER_PYTHON": os.environ.get("LANDCOVER_PYTHON") or sys.executable,
        }
        profile.chmod(0o700)
        self._call("plugins", "enable", "landcover_plugin")

    def run(self, algorithm: str, **parameters: object) -> None:
        """Run an algorithm; the demo ends where it fails."""
        said = self._call("run", algorithm, *[f"--{key}={value}" for key, value in parameters.items()])
        for line in said.splitlines():
            if line.startswith(("Bands", "Model", "Backend")) or " million pixels" in line:
                say(f"  {line}")

    def _call(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._program, *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(arguments[:2])} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout


def print_table(table: Path) -> None:
    """Area and share of each class, aligned."""
    with table.open(encoding="utf-8") as f:
        for row in csv.DictReader(f):
            if float(row["area_m2"]):
                say(
                    f"  {row['name']:<28} {format_area(float(row['area_m2'])):>12}  {100 * float(row['share']):5.1f} %"
                )


if __name__ == "__main__":
    main()
