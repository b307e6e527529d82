"""``landcover:classify`` in this process: the core's map, its legend, its log, and its refusals."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from landcover_plugin.core.backends import open_backend
from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.grid import Extent
from landcover_plugin.core.raster_io import raster_io
from tests.fake_backend import FakeBackend
from tests.image_server import XMIN, YMAX, ground
from tests.processing.conftest import Listener
from tests.rasters import ORIGIN, noise, read_raster, write_raster
from tests.tile_server import HALF, TILE, MapServer, world_pixels
from tests.tiny_model import write_brightest_band_model


def test_the_map_is_that_of_the_core(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    out = tmp_path / "map.tif"
    results, _ = run("classify", {"INPUT": str(image), "MODEL": "brightest", "OUTPUT": str(out)})
    io = raster_io("rasterio")
    backend = open_backend("auto", model)
    classify(io.open(str(image)), model, backend, tmp_path / "core.tif", io=io)
    backend.close()
    assert results["OUTPUT"] == str(out)
    assert np.array_equal(read_raster(out), read_raster(tmp_path / "core.tif"))
    assert (tmp_path / "map.tif.aux.xml").read_text() == (tmp_path / "core.tif.aux.xml").read_text()
    expected = read_raster(image).argmax(axis=0) + 1
    assert np.array_equal(read_raster(out)[0], expected)


def test_the_log_says_what_was_chosen_and_ends_with_the_areas(
    run: Any, image: Path, model: Any, tmp_path: Path
) -> None:
    _, said = run("classify", {"INPUT": str(image), "OUTPUT": str(tmp_path / "map.tif")})
    log = "\n".join(said.infos)
    assert "A tiny model (brightest 1)" in log
    assert "near infrared 4" in log
    assert "0.03 million pixels" in log
    assert said.tables[-1].splitlines()[0].startswith("class 1")
    assert "%" in said.tables[-1]


def test_every_option_reaches_the_core(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    x, y = ORIGIN
    box = Extent(x + 12, y - 72, x + 90, y - 6)
    parameters = {
        "INPUT": str(image),
        "MODEL": str(model.folder),
        "BANDS": "4,3,2,1",
        "SCALING": "20,200",
        "EXTENT": f"{box.xmin},{box.xmax},{box.ymin},{box.ymax} [EPSG:26911]",
        "PIXEL_SIZE": 1.2,
        "PROBABILITIES": str(tmp_path / "p.tif"),
        "PROBABILITY_DTYPE": "float32",
        "CONFIDENCE": str(tmp_path / "c.tif"),
        "COG": True,
        "OUTPUT": str(tmp_path / "map.tif"),
        "BACKEND": "onnxruntime:cpu",
    }
    results, _ = run("classify", parameters)
    options = ClassifyOptions(
        bands="4,3,2,1",
        scaling=(20, 200),
        extent=box,
        pixel_size_m=1.2,
        probabilities=tmp_path / "core-p.tif",
        probability_dtype="float32",
        confidence=tmp_path / "core-c.tif",
        cog=True,
    )
    io = raster_io("rasterio")
    backend = open_backend("auto", model)
    classify(io.open(str(image)), model, backend, tmp_path / "core.tif", options, io=io)
    backend.close()
    for key, name in (("OUTPUT", "core.tif"), ("PROBABILITIES", "core-p.tif"), ("CONFIDENCE", "core-c.tif")):
        assert np.array_equal(read_raster(Path(results[key])), read_raster(tmp_path / name), equal_nan=True)
    assert read_raster(tmp_path / "map.tif").shape == (1, 55, 65)
    assert gdal.Open(str(tmp_path / "map.tif")).GetMetadata("IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def polygon_layer(crs: str, *boxes: QgsRectangle) -> QgsVectorLayer:
    layer = QgsVectorLayer(f"Polygon?crs={crs}&field=name:string", "zones", "memory")
    features = []
    for number, box in enumerate(boxes):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromRect(box))
        feature.setAttributes([f"zone {number}"])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def test_a_mask_layer_of_another_crs_is_brought_to_the_imagerys(
    run: Any, image: Path, model: Any, tmp_path: Path
) -> None:
    from qgis.core import QgsCoordinateTransform

    x, y = ORIGIN
    here = QgsGeometry.fromRect(QgsRectangle(x + 30, y - 60, x + 60, y - 30))
    utm, mercator = QgsCoordinateReferenceSystem("EPSG:26911"), QgsCoordinateReferenceSystem("EPSG:3857")
    there = QgsGeometry(here)
    there.transform(QgsCoordinateTransform(utm, mercator, QgsProject.instance()))
    layer = polygon_layer("EPSG:3857")
    feature = QgsFeature()
    feature.setGeometry(there)
    layer.dataProvider().addFeatures([feature])
    run("classify", {"INPUT": str(image), "MASK": layer, "OUTPUT": str(tmp_path / "map.tif")})
    got = read_raster(tmp_path / "map.tif")[0]
    assert np.array_equal(got[50:100, 50:100], read_raster(image)[:, 50:100, 50:100].argmax(axis=0) + 1)
    assert (got != 255).sum() == 50 * 50


def test_the_result_is_loaded_with_its_legend_and_named_after_the_imagery(
    plugin: Any, image: Path, model: Any, tmp_path: Path
) -> None:
    project = QgsProject.instance()
    layer = QgsRasterLayer(str(image), "orchard 2024")
    project.addMapLayer(layer)
    try:
        context, listener = QgsProcessingContext(), Listener()
        context.setProject(project)
        algorithm = QgsApplication.processingRegistry().createAlgorithmById("landcover:classify")
        parameters = {
            "INPUT": layer,
            "OUTPUT": QgsProcessingOutputLayerDefinition(str(tmp_path / "map.tif"), project),
            "CONFIDENCE": QgsProcessingOutputLayerDefinition(str(tmp_path / "sure.tif"), project),
        }
        _, fine = algorithm.run(parameters, context, listener)
        assert fine
        loaded = {}
        for path, details in context.layersToLoadOnCompletion().items():  # as QGIS does
            result = QgsProcessingUtils.mapLayerFromString(path, context)
            details.setOutputLayerName(result)
            if details.postProcessor():
                details.postProcessor().postProcessLayer(result, context, listener)
            loaded[result.name()] = result
        assert set(loaded) == {"orchard 2024 land cover", "orchard 2024 confidence"}
        renderer = loaded["orchard 2024 land cover"].renderer()
        assert isinstance(renderer, QgsPalettedRasterRenderer)
        shown = [(int(c.value), c.label, c.color.name()) for c in renderer.classes()]
        assert shown == [(c.id, c.name, c.colour) for c in model.legend]
    finally:
        project.clear()


def test_progress_is_told_with_rate_and_time_left(
    run: Any, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = write_raster(tmp_path / "wide.tif", noise(4, 64, 64 * 12))
    slow = FakeBackend(model, seconds=0.3)
    monkeypatch.setattr("landcover_plugin.core.backends.open_backend", lambda url, spec: slow)
    listener = Listener()
    shares: list[float] = []
    listener.progressChanged.connect(shares.append)
    run("classify", {"INPUT": str(image), "OUTPUT": str(tmp_path / "map.tif")}, listener)
    assert any("Mpx/s" in text and "left" in text for text in listener.texts)
    assert len(listener.texts) <= 2
    assert len(shares) >= 10
    assert shares == sorted(shares)


def test_a_cancelled_job_fails_soon_leaves_no_map_and_goes_on_when_asked_again(
    run: Any, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = write_raster(tmp_path / "wide.tif", noise(4, 64, 64 * 30))
    out = tmp_path / "map.tif"
    monkeypatch.setattr(
        "landcover_plugin.core.backends.open_backend", lambda url, spec: FakeBackend(spec, seconds=0.1)
    )
    listener = Listener()
    threading.Timer(0.8, listener.cancel).start()
    start = time.monotonic()
    with pytest.raises(QgsProcessingException, match="Stopped"):
        run("classify", {"INPUT": str(image), "OUTPUT": str(out)}, listener)
    assert time.monotonic() - start < 2
    assert not out.exists()
    _, said = run("classify", {"INPUT": str(image), "OUTPUT": str(out)})
    assert any("Going on with an unfinished job" in text for text in said.infos)
    _, said = run("classify", {"INPUT": str(image), "OUTPUT": str(out), "RESTART": True})
    assert not any("Going on" in text for text in said.infos)
    assert (read_raster(out)[0] != 255).all()


def test_it_runs_in_a_background_task(plugin: Any, image: Path, model: Any, tmp_path: Path) -> None:
    context, listener = QgsProcessingContext(), Listener()
    algorithm = QgsApplication.processingRegistry().algorithmById("landcover:classify")
    parameters = {"INPUT": str(image), "OUTPUT": str(tmp_path / "map.tif")}
    task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, listener)
    ended: list[Any] = []
    task.executed.connect(lambda done, results: ended.append((done, results)))
    QgsApplication.taskManager().addTask(task)
    until = time.monotonic() + 30
    while not ended and time.monotonic() < until:
        QCoreApplication.processEvents()
        time.sleep(0.01)
    assert ended[0][0] is True
    assert np.array_equal(read_raster(tmp_path / "map.tif")[0], read_raster(image).argmax(axis=0) + 1)


# -- tile services -------------------------------------------------------------------------------


@pytest.fixture
def rgb_model(models: Path) -> Any:
    return write_brightest_band_model(models / "rgb", bands=3, halo=8, pixel_size_m=(1.2, 0.6, 2.4))


def tiles_extent(zoom: int, row: int, col: int, height: int, width: int) -> str:
    size = 2 * HALF / (TILE << zoom)
    x, y = -HALF + col * size, HALF - row * size
    return f"{x},{x + width * size},{y - height * size},{y} [EPSG:3857]"


def test_a_tile_service_is_classified_at_the_zoom_of_the_model(
    run: Any, server: MapServer, rgb_model: Any, tmp_path: Path
) -> None:
    layer = QgsRasterLayer(server.xyz_uri(), "world", "wms")
    extent = tiles_extent(17, 65_000 * 256 + 9, 68_000 * 256 + 5, 100, 150)
    out = tmp_path / "map.tif"
    before = len(server.requests)
    _, said = run("classify", {"INPUT": layer, "EXTENT": extent, "OUTPUT": str(out)})
    expected = world_pixels(17, 65_000 * 256 + 9, 68_000 * 256 + 5, 100, 150).argmax(axis=0) + 1
    got = read_raster(out)[0]
    assert got.shape == expected.shape
    assert np.array_equal(got, expected)
    told = next(text for text in said.infos if "about" in text)
    assert told == "world will be asked for about 2 pictures."
    assert len(server.requests) - before <= 12


def test_a_tile_service_without_an_extent_is_refused_with_the_number_of_requests(
    run: Any, server: MapServer, rgb_model: Any, tmp_path: Path
) -> None:
    layer = QgsRasterLayer(server.xyz_uri(), "world", "wms")
    with pytest.raises(QgsProcessingException, match=r"about 17,\d+,\d+,\d+ pictures but 5,000 are allowed"):
        run("classify", {"INPUT": layer, "OUTPUT": str(tmp_path / "map.tif")})


def test_an_image_server_is_classified_with_all_its_bands(
    run: Any, server: MapServer, models: Path, tmp_path: Path
) -> None:
    write_brightest_band_model(models / "naip", bands=4, halo=8, pixel_size_m=(0.8, 0.4, 1.6))
    layer = QgsRasterLayer(server.image_uri("unnamed"), "fields", "arcgismapserver")
    box = Extent(XMIN + 7000, YMAX - 5100, XMIN + 7150, YMAX - 5000)
    extent = f"{box.xmin},{box.xmax},{box.ymin},{box.ymax} [EPSG:3857]"
    out = tmp_path / "map.tif"
    _, said = run("classify", {"INPUT": layer, "EXTENT": extent, "OUTPUT": str(out)})
    # this service keeps near infrared, blue, green, red; the model wants them the other way round
    values = ground(5000, 7000, 100, 150)[::-1]
    assert np.array_equal(read_raster(out)[0], values.argmax(axis=0) + 1)
    assert "near infrared 1" in "\n".join(said.infos)
    refused = QgsRasterLayer(server.image_uri("refused"), "fields", "arcgismapserver")
    with pytest.raises(QgsProcessingException, match="fields could not be read .it said: Unable"):
        run("classify", {"INPUT": refused, "EXTENT": extent, "OUTPUT": str(tmp_path / "none.tif")})


def test_a_tile_service_that_breaks_down_fails_the_job(
    run: Any, server: MapServer, rgb_model: Any, tmp_path: Path
) -> None:
    layer = QgsRasterLayer(server.xyz_uri("broken"), "world", "wms")
    extent = tiles_extent(17, 65_000 * 256, 68_000 * 256, 100, 150)
    out = tmp_path / "map.tif"
    with pytest.raises(QgsProcessingException, match="world could not be read"):
        run("classify", {"INPUT": layer, "EXTENT": extent, "OUTPUT": str(out)})
    assert not out.exists()


# -- bad input -----------------------------------------------------------------------------------


def refused(run: Any, match: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(QgsProcessingException, match=match) as caught:
        run("classify", parameters)
    assert "Traceback" not in str(caught.value)
    assert not Path(parameters["OUTPUT"]).exists()


def test_a_missing_image_is_named(run: Any, model: Any, tmp_path: Path) -> None:
    refused(run, r"nowhere\.tif", {"INPUT": str(tmp_path / "nowhere.tif"), "OUTPUT": str(tmp_path / "m.tif")})


def test_a_text_file_is_no_image(run: Any, model: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.tif").write_text("no raster")
    refused(run, r"notes\.tif", {"INPUT": str(tmp_path / "notes.tif"), "OUTPUT": str(tmp_path / "m.tif")})


def test_a_truncated_image_is_named(run: Any, model: Any, tmp_path: Path) -> None:
    whole = write_raster(tmp_path / "cut.tif", noise(4, 400, 400), compress="deflate", tiled=True,
                         blockxsize=128, blockysize=128)  # fmt: skip
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    refused(run, r"cut\.tif", {"INPUT": str(whole), "OUTPUT": str(tmp_path / "m.tif")})


def test_too_few_bands_are_said(run: Any, model: Any, tmp_path: Path) -> None:
    image = write_raster(tmp_path / "rgb.tif", noise(3, 50, 50))
    parameters = {"INPUT": str(image), "MODEL": "brightest", "OUTPUT": str(tmp_path / "m.tif")}
    refused(run, r"rgb\.tif has 3 bands but model 'brightest' needs 4", parameters)


def test_a_palette_image_is_refused(run: Any, models: Path, tmp_path: Path) -> None:
    write_brightest_band_model(models / "grey", bands=1)
    image = write_raster(tmp_path / "p.tif", noise(1, 50, 50), colours=(ColorInterp.palette,))
    refused(run, "palette image", {"INPUT": str(image), "OUTPUT": str(tmp_path / "m.tif")})


def test_a_rotated_image_is_refused(run: Any, model: Any, tmp_path: Path) -> None:
    turned = Affine.translation(400_000, 3_800_000) * Affine.rotation(20) * Affine.scale(0.6, -0.6)
    image = write_raster(tmp_path / "turned.tif", noise(4, 50, 50), transform=turned)
    refused(run, "rotated or sheared", {"INPUT": str(image), "OUTPUT": str(tmp_path / "m.tif")})


def test_wrong_bands_are_refused_before_the_run(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    for bands, match in (("1,2,3", "must name 4 bands"), ("1,2,3,9", "has no band 9"), ("r,g", "numbers")):
        refused(run, match, {"INPUT": str(image), "BANDS": bands, "OUTPUT": str(tmp_path / "m.tif")})


@pytest.mark.parametrize("unset", ["None,None", "nan,nan", [float("nan"), float("nan")], "", None])
def test_a_range_that_dialogs_leave_unset_is_none(
    run: Any, image: Path, model: Any, tmp_path: Path, unset: Any
) -> None:
    run("classify", {"INPUT": str(image), "SCALING": unset, "OUTPUT": str(tmp_path / "m.tif")})
    assert np.array_equal(read_raster(tmp_path / "m.tif")[0], read_raster(image).argmax(axis=0) + 1)


def test_half_a_range_is_refused(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    refused(run, "both", {"INPUT": str(image), "SCALING": "3,nan", "OUTPUT": str(tmp_path / "m.tif")})


def test_an_empty_range_is_refused(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    refused(run, "empty", {"INPUT": str(image), "SCALING": "9,3", "OUTPUT": str(tmp_path / "m.tif")})


def test_an_unknown_model_is_refused_with_those_there_are(
    run: Any, image: Path, model: Any, tmp_path: Path
) -> None:
    refused(run, "brightest", {"INPUT": str(image), "MODEL": "gone", "OUTPUT": str(tmp_path / "m.tif")})


def test_an_unknown_backend_is_refused(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    refused(run, "abacus", {"INPUT": str(image), "BACKEND": "abacus:", "OUTPUT": str(tmp_path / "m.tif")})


def test_an_output_that_is_the_input_is_refused(run: Any, image: Path, model: Any) -> None:
    before = image.read_bytes()
    with pytest.raises(QgsProcessingException, match="is the imagery itself"):
        run("classify", {"INPUT": str(image), "OUTPUT": str(image)})
    assert image.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    out = tmp_path / "not there" / "m.tif"
    refused(run, "not there", {"INPUT": str(image), "OUTPUT": str(out)})


def test_an_extent_elsewhere_is_refused(run: Any, image: Path, model: Any, tmp_path: Path) -> None:
    refused(
        run,
        "does not touch",
        {"INPUT": str(image), "EXTENT": "0,10,0,10 [EPSG:26911]", "OUTPUT": str(tmp_path / "m.tif")},
    )


def test_no_crs_is_a_warning_and_areas_are_refused(run: Any, model: Any, tmp_path: Path) -> None:
    image = write_raster(tmp_path / "bare.tif", noise(4, 50, 50), crs=None)
    _, said = run("classify", {"INPUT": str(image), "OUTPUT": str(tmp_path / "m.tif")})
    assert np.array_equal(read_raster(tmp_path / "m.tif")[0], read_raster(image).argmax(axis=0) + 1)
    assert any("has no CRS, so its ground pixel size" in w for w in said.warnings)
    assert any("have no area" in w for w in said.warnings)


def test_pixels_outside_the_models_range_are_a_warning_with_both_figures(
    run: Any, models: Path, image: Path, tmp_path: Path
) -> None:
    write_brightest_band_model(models / "fine", halo=8, pixel_size_m=(0.1, 0.05, 0.2))
    _, said = run("classify", {"INPUT": str(image), "OUTPUT": str(tmp_path / "m.tif")})
    warning = next(w for w in said.warnings if "ground" in w)
    assert "0.6 m" in warning
    assert "0.05 to 0.2 m" in warning


def test_the_early_check_of_the_dialog_says_the_same(plugin: Any, image: Path, model: Any) -> None:
    algorithm = QgsApplication.processingRegistry().algorithmById("landcover:classify")
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    good, message = algorithm.checkParameterValues({"INPUT": str(image), "OUTPUT": "map.tif"}, context)
    assert (good, message) == (True, "")
    for wrong, match in (({"BANDS": "1,2,3,9"}, "no band 9"), ({"MODEL": "gone"}, "no model 'gone'")):
        values = {"INPUT": str(image), "OUTPUT": "map.tif", **wrong}
        good, message = algorithm.checkParameterValues(values, context)
        assert not good
        assert match in message


def test_every_parameter_is_explained(plugin: Any) -> None:
    for algorithm in QgsApplication.processingRegistry().providerById("landcover").algorithms():
        assert len(algorithm.shortHelpString()) > 60
        assert algorithm.shortDescription()
        assert algorithm.tags()
        assert not algorithm.icon().isNull()
        for definition in algorithm.parameterDefinitions():
            assert len(definition.help()) > 15, definition.name()


def test_temporary_outputs_land_in_processings_folder(run: Any, image: Path, model: Any) -> None:
    results, _ = run("classify", {"INPUT": str(image), "OUTPUT": "TEMPORARY_OUTPUT"})
    assert Path(results["OUTPUT"]).is_relative_to(QgsProcessingUtils.tempFolder())


def test_imagery_of_nothing_but_nodata_is_refused(run: Any, model: Any, tmp_path: Path) -> None:
    image = write_raster(tmp_path / "empty.tif", noise(4, 50, 50) * 0, nodata=0)
    refused(run, r"empty\.tif", {"INPUT": str(image), "OUTPUT": str(tmp_path / "m.tif")})
