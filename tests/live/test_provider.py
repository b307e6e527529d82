from __future__ import annotations

import gc
import time
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.backends.opening import open_backend
from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.model_library import find_model
from landcover_plugin.core.raster_io import raster_io
from tests.rasters import noise, read_raster, write_raster

qgis = pytest.importorskip("qgis.core")


def live_layer(path: Path, model: str = "four", output: str = "classes", name: str = "live"):
    from landcover_plugin.live.uri import LiveUri

    layer = qgis.QgsRasterLayer(LiveUri(str(path), "gdal", model, output).text(), name, "landcover")
    assert layer.isValid()
    return layer


def saved(layer, path: Path, extent=None, width=0, height=0) -> np.ndarray:
    """The layer through QGIS' own writer, in a task thread as QGIS does it."""
    from qgis.core import QgsApplication, QgsRasterFileWriterTask

    pipe = qgis.QgsRasterPipe()
    assert pipe.set(layer.dataProvider().clone())
    writer = qgis.QgsRasterFileWriter(str(path))
    task = QgsRasterFileWriterTask(
        writer, pipe, width or layer.width(), height or layer.height(), extent or layer.extent(), layer.crs()
    )
    outcome = []
    task.writeComplete.connect(lambda *_: outcome.append("written"))
    task.errorOccurred.connect(lambda error, *_: outcome.append(error))
    QgsApplication.taskManager().addTask(task)
    wait_for(lambda: bool(outcome), 30)
    assert outcome == ["written"]
    return read_raster(path)


def wait_for(condition, seconds: float = 15) -> None:
    from qgis.PyQt.QtCore import QCoreApplication

    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        QCoreApplication.processEvents()
        time.sleep(0.005)


def batch(path: Path, models: Path, out: Path, level: int = 0) -> np.ndarray:
    spec = find_model("four", [models])
    backend = open_backend("onnxruntime:cpu", spec)
    io = raster_io("gdal")
    classify(io.open(str(path)), spec, backend, out, ClassifyOptions(level=level), io=io)
    backend.close()
    return read_raster(out)[0]


def test_a_script_that_writes_a_raster_in_the_main_thread_gets_the_whole_map(
    session, image, models, tmp_path
):
    layer = live_layer(image)
    pipe = qgis.QgsRasterPipe()
    assert pipe.set(layer.dataProvider().clone())
    writer = qgis.QgsRasterFileWriter(str(tmp_path / "script.tif"))
    error = writer.writeRaster(
        pipe, layer.width(), layer.height(), layer.extent(), layer.crs(), qgis.QgsCoordinateTransformContext()
    )
    assert error == qgis.QgsRasterFileWriter.NoError
    assert (read_raster(tmp_path / "script.tif")[0] == batch(image, models, tmp_path / "batch.tif")).all()


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_what_qgis_writes_from_a_live_layer_is_the_batch_jobs_map(session, image, models, tmp_path, level):
    layer = live_layer(image)
    rows, cols = layer.dataProvider().live.feed.grid.size(level)
    grid = layer.dataProvider().live.feed.grid.extent(level=level)
    extent = qgis.QgsRectangle(grid.xmin, grid.ymin, grid.xmax, grid.ymax)
    live = saved(layer, tmp_path / "live.tif", extent, cols, rows)[0]
    np.testing.assert_array_equal(live, batch(image, models, tmp_path / "batch.tif", level))


def test_the_layer_says_what_it_is(session, image):
    layer = live_layer(image)
    source = qgis.QgsRasterLayer(str(image), "image")
    assert layer.crs() == source.crs()
    assert layer.extent() == source.extent()
    assert (layer.width(), layer.height()) == (source.width(), source.height())
    renderer = layer.renderer()
    assert renderer.type() == "paletted"
    spec = layer.dataProvider().live.spec
    assert [(c.value, c.label) for c in renderer.classes()] == [(c.id, c.name) for c in spec.legend]
    assert live_layer(image, output="blend").renderer().type() == "singlebandcolordata"
    assert "four" in layer.dataProvider().htmlMetadata()


def test_the_main_thread_never_waits(session, image):
    layer = live_layer(image)
    started = time.monotonic()
    block = layer.dataProvider().block(1, layer.extent(), layer.width(), layer.height())
    assert time.monotonic() - started < 0.1
    assert block.isNoData(10, 10)
    feed = layer.dataProvider().live.feed
    wait_for(lambda: feed.queue.waiting == 0)
    block = layer.dataProvider().block(1, layer.extent(), layer.width(), layer.height())
    assert not block.isNoData(10, 10)


def test_identify_gives_class_confidence_and_all_probabilities(session, image):
    layer = live_layer(image)
    provider = layer.dataProvider()
    point = layer.extent().center()
    args = (layer.extent(), layer.width(), layer.height())
    value = qgis.QgsRaster.IdentifyFormatValue
    assert provider.identify(point, value, *args).results() == {1: None}
    feed = provider.live.feed
    wait_for(lambda: feed.queue.waiting == 0 and feed.setup is not None)
    wait_for(lambda: provider.identify(point, value, *args).results()[1] is not None)
    found = provider.identify(point, value, *args).results()
    classes = len(provider.live.spec.legend)
    assert sorted(found) == list(range(1, classes + 3))
    assert found[2] == max(found[n + 3] for n in range(classes))
    assert abs(sum(found[n + 3] for n in range(classes)) - 1) < 0.02
    names = [provider.generateBandName(n) for n in sorted(found)]
    assert names[:2] == ["Land cover", "Confidence of A tiny model"]
    assert provider.live.spec.legend.classes[0].name in names[2]
    html = provider.identify(point, qgis.QgsRaster.IdentifyFormatHtml, *args).results()[1]
    assert provider.live.spec.title in html
    assert "%" in html


def render(layer, size=(421, 300), extent=None, crs=None):
    settings = qgis.QgsMapSettings()
    settings.setLayers([layer])
    settings.setExtent(extent or layer.extent())
    from qgis.PyQt.QtCore import QSize
    from qgis.PyQt.QtGui import QColor

    settings.setOutputSize(QSize(*size))
    settings.setDestinationCrs(crs or layer.crs())
    settings.setBackgroundColor(QColor("white"))
    job = qgis.QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage().convertToFormat(4)  # RGB32
    bits = image.bits()
    bits.setsize(image.byteCount() if hasattr(image, "byteCount") else image.sizeInBytes())
    return np.frombuffer(bytes(bits), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1]


def test_a_layout_gets_a_complete_picture_in_the_legends_colours(session, image, models, tmp_path):
    layer = live_layer(image)
    picture = render(layer)
    table = layer.dataProvider().live.spec.legend.colour_table()[:, :3]
    np.testing.assert_array_equal(picture, table[batch(image, models, tmp_path / "batch.tif")])


def test_hundreds_of_renders_leave_no_provider_behind(session, image):
    layer = live_layer(image)
    feed = layer.dataProvider().live.feed
    for n in range(150):
        render(layer, (60, 40))
        if n % 20 == 0:
            gc.collect()
    gc.collect()
    assert len(feed.users) == 1
    del layer
    gc.collect()
    assert len(feed.users) == 0


def test_two_layers_on_one_source_share_a_feed_and_a_third_output_too(session, image):
    layers = [live_layer(image), live_layer(image, output="blend"), live_layer(image, output="confidence")]
    assert len({id(layer.dataProvider().live.feed) for layer in layers}) == 1
    assert live_layer(image, "three").dataProvider().live.feed is not layers[0].dataProvider().live.feed
    clone = layers[0].clone()
    assert clone.dataProvider().live.feed is layers[0].dataProvider().live.feed


def test_a_file_that_is_replaced_gets_a_feed_of_its_own(session, image):
    first = live_layer(image)
    write_raster(image, noise(4, 300, 421, seed=5))
    assert live_layer(image).dataProvider().live.feed is not first.dataProvider().live.feed


def test_a_missing_model_leaves_a_layer_that_says_so(session, image):
    from landcover_plugin.live.uri import LiveUri

    said = []
    session.said.connect(lambda text, about: said.append((text, about)))
    layer = qgis.QgsRasterLayer(LiveUri(str(image), "gdal", "coastal-v2").text(), "live", "landcover")
    assert layer.isValid()
    assert layer.extent() == qgis.QgsRasterLayer(str(image)).extent()
    assert "coastal-v2" in layer.dataProvider().lastError()
    assert said[0][1] == "model"
    assert (render(layer) == 255).all()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "source=&model=x",
        "source=/no/such.tif&model=four",
        "source=x&model=../../etc",
        "provider=landcover&source=a&model=four",
        "source=x&model=four&output=everything",
        "%%%&&&===",
    ],
)
def test_a_data_source_that_makes_no_sense_gives_an_invalid_layer(session, text):
    assert not qgis.QgsRasterLayer(text, "live", "landcover").isValid()


def test_with_the_plugin_off_a_layer_is_invalid_but_keeps_its_source(session, image, tmp_path):
    project = qgis.QgsProject.instance()
    layer = live_layer(image)
    text = layer.source()
    project.addMapLayer(layer)
    assert project.write(str(tmp_path / "p.qgs"))
    project.clear()
    from landcover_plugin.live import registry

    factory = qgis.QgsProviderRegistry.instance().providerMetadata("landcover").factory
    registry.unregister()
    assert project.read(str(tmp_path / "p.qgs"))
    (found,) = project.mapLayers().values()
    assert not found.isValid()
    assert found.providerType() == "landcover"
    assert project.write(str(tmp_path / "q.qgs"))
    project.clear()
    registry.register(factory)
    assert project.read(str(tmp_path / "q.qgs"))
    (found,) = project.mapLayers().values()
    assert found.isValid()
    assert found.source() == text
    assert found.renderer().type() == "paletted"


def test_a_project_opened_elsewhere_touches_only_the_imagery(session, image, tmp_path):
    """A moved project with its imagery: the path in the live layer's source."""
    layer = live_layer(image)
    assert "model=four" in layer.source()
    assert str(image) in layer.source()
    assert "onnxruntime" not in layer.source()
