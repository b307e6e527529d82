"""The real ``qgis_process``, the Model Designer, the Batch panel: the same map as everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProject,
    QgsRasterLayer,
)

from tests.image_server import XMIN, YMAX, ground
from tests.processing.conftest import ROOT, Listener, QgisProcess, needs_qgis_process
from tests.rasters import noise, read_raster, write_raster
from tests.tile_server import MapServer


def category_names(path: Path) -> list[str]:
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    band.GetDefaultRAT()  # GDAL 3.6 reads the .aux.xml of a GeoTIFF only when it is asked for more
    return list(band.GetRasterCategoryNames() or [])


@needs_qgis_process
def test_toolbox_qgis_process_and_command_make_the_same_map(
    run: Any, qgis_process: QgisProcess, model: Any, tmp_path: Path
) -> None:
    image = write_raster(tmp_path / "image.tif", noise(4, 300, 410))
    toolbox, headless, command = (tmp_path / f"{n}.tif" for n in ("toolbox", "headless", "command"))
    run("classify", {"INPUT": str(image), "MODEL": "brightest", "OUTPUT": str(toolbox)})
    done = qgis_process(
        "run", "landcover:classify", f"--INPUT={image}", "--MODEL=brightest", f"--OUTPUT={headless}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "worker" in done.stdout.lower()  # QGIS' own Python has no ONNX Runtime
    subprocess.run(
        [sys.executable, "-m", "landcover_plugin.cli.main", "classify", str(image), str(command), "--model", "brightest"],
        check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    first = read_raster(toolbox)
    for other in (headless, command):
        assert np.array_equal(read_raster(other), first)
        assert category_names(other) == category_names(toolbox) != []
        assert Path(f"{other}.aux.xml").read_bytes() == Path(f"{toolbox}.aux.xml").read_bytes()


@needs_qgis_process
def test_a_model_folder_and_json_work_headless(
    qgis_process: QgisProcess, image: Path, model: Any, tmp_path: Path
) -> None:
    out = tmp_path / "map.tif"
    done = qgis_process(
        "--json", "run", "landcover:classify", f"--INPUT={image}", f"--MODEL={model.folder}",
        "--SCALING=0,250", "--COG=true", "--PIXEL_SIZE=0.6", f"--OUTPUT={out}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["results"]["OUTPUT"] == str(out)
    page = tmp_path / "areas.html"
    done = qgis_process(
        "run",
        "landcover:classareas",
        f"--INPUT={out}",
        f"--OUTPUT_TABLE={tmp_path / 'a.csv'}",
        f"--OUTPUT_HTML={page}",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "class 1" in page.read_text("utf-8")
    assert "class 4" in (tmp_path / "a.csv").read_text()


@needs_qgis_process
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"INPUT": "nowhere.tif"}, "nowhere.tif"),
        ({"BACKEND": "onnxruntime:tpu"}, "tpu"),
        ({"OUTPUT": "map.png"}, "must be a GeoTIFF"),
    ],
)
def test_bad_input_ends_with_a_sentence_and_a_status(
    qgis_process: QgisProcess, image: Path, model: Any, tmp_path: Path, wrong: dict[str, str], sentence: str
) -> None:
    values = {"INPUT": str(image), "MODEL": "brightest", "OUTPUT": str(tmp_path / "map.tif"), **wrong}
    done = qgis_process("run", "landcover:classify", *(f"--{k}={v}" for k, v in values.items()))
    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "map.tif").exists()


@needs_qgis_process
def test_an_image_server_of_a_project_is_classified_headless(
    qgis_process: QgisProcess, server: MapServer, model: Any, tmp_path: Path
) -> None:
    project = QgsProject()
    project.addMapLayer(QgsRasterLayer(server.image_uri(), "fields", "arcgismapserver"))
    assert project.write(str(tmp_path / "fields.qgs"))
    x, y, out = XMIN + 7000, YMAX - 5000, tmp_path / "map.tif"
    done = qgis_process(
        "run", "landcover:classify", f"--project_path={tmp_path / 'fields.qgs'}", "--INPUT=fields",
        "--MODEL=brightest", f"--EXTENT={x},{x + 90},{y - 70},{y} [EPSG:3857]", f"--OUTPUT={out}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert np.array_equal(read_raster(out)[0], ground(5000, 7000, 70, 90).argmax(axis=0) + 1)


@needs_qgis_process
def test_the_help_of_every_algorithm_is_there(qgis_process: QgisProcess) -> None:
    listed = qgis_process("list").stdout
    for name in ("classify", "classareas", "modelinfo", "importmodel"):
        assert f"landcover:{name}" in listed
    shown = qgis_process("help", "landcover:classify").stdout
    assert "PROBABILITY_DTYPE" in shown
    assert "goes on where it stopped" in shown


def designed_model() -> QgsProcessingModelAlgorithm:
    """Imagery and a model's name in; classified, then measured."""
    designed = QgsProcessingModelAlgorithm("map and measure", "tests")
    designed.addModelParameter(
        QgsProcessingParameterRasterLayer("imagery"), QgsProcessingModelParameter("imagery")
    )
    designed.addModelParameter(
        QgsProcessingParameterString("network"), QgsProcessingModelParameter("network")
    )
    source = QgsProcessingModelChildParameterSource
    classify = QgsProcessingModelChildAlgorithm("landcover:classify")
    classify.setChildId("classify")
    classify.addParameterSources("INPUT", [source.fromModelParameter("imagery")])
    classify.addParameterSources("MODEL", [source.fromModelParameter("network")])
    classify.addParameterSources("COG", [source.fromStaticValue(False)])
    output = QgsProcessingModelOutput("map")
    output.setChildOutputName("OUTPUT")
    output.setChildId("classify")
    classify.setModelOutputs({"map": output})
    designed.addChildAlgorithm(classify)
    areas = QgsProcessingModelChildAlgorithm("landcover:classareas")
    areas.setChildId("areas")
    areas.addParameterSources("INPUT", [source.fromChildOutput("classify", "OUTPUT")])
    table = QgsProcessingModelOutput("table")
    table.setChildOutputName("OUTPUT_TABLE")
    table.setChildId("areas")
    areas.setModelOutputs({"table": table})
    designed.addChildAlgorithm(areas)
    return designed


def test_a_designed_model_saved_and_read_again_classifies_and_measures(
    plugin: Any, image: Path, model: Any, tmp_path: Path
) -> None:
    path = str(tmp_path / "map and measure.model3")
    assert designed_model().toFile(path)
    designed = QgsProcessingModelAlgorithm()
    assert designed.fromFile(path)
    context, listener = QgsProcessingContext(), Listener()
    context.setProject(QgsProject.instance())
    parameters = {
        "imagery": str(image),
        "network": "brightest",
        "classify:map": str(tmp_path / "map.tif"),
        "areas:table": str(tmp_path / "areas.csv"),
    }
    _, fine = designed.run(parameters, context, listener)
    assert fine, listener.errors
    assert np.array_equal(read_raster(tmp_path / "map.tif")[0], read_raster(image).argmax(axis=0) + 1)
    assert "class 3" in (tmp_path / "areas.csv").read_text()


@needs_qgis_process
def test_a_designed_model_runs_in_qgis_process(
    qgis_process: QgisProcess, plugin: Any, image: Path, model: Any, tmp_path: Path
) -> None:
    path = str(tmp_path / "map and measure.model3")
    designed_model().toFile(path)
    done = qgis_process(
        "run", path, f"--imagery={image}", "--network=brightest", f"--classify:map={tmp_path / 'map.tif'}",
        f"--areas:table={tmp_path / 'areas.csv'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert np.array_equal(read_raster(tmp_path / "map.tif")[0], read_raster(image).argmax(axis=0) + 1)


def test_one_algorithm_object_serves_a_batch(plugin: Any, model: Any, tmp_path: Path) -> None:
    algorithm = QgsApplication.processingRegistry().algorithmById("landcover:classify")
    context, listener = QgsProcessingContext(), Listener()
    for number in range(3):
        image = write_raster(tmp_path / f"i{number}.tif", noise(4, 70, 80, seed=number))
        out = tmp_path / f"o{number}.tif"
        _, fine = algorithm.run({"INPUT": str(image), "OUTPUT": str(out)}, context, listener)
        assert fine
        assert np.array_equal(read_raster(out)[0], read_raster(image).argmax(axis=0) + 1)
