"""Live layers in projects: saved, moved, opened elsewhere, duplicated, styled, removed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.live import feeds
from tests.live.test_provider import live_layer, render, wait_for
from tests.tiny_model import write_tiny_model

qgis = pytest.importorskip("qgis.core")


def only_live():
    layers = qgis.QgsProject.instance().mapLayers().values()
    (found,) = (layer for layer in layers if layer.providerType() == "landcover")
    return found


def saved_project(folder: Path, image: Path, relative: bool = True) -> Path:
    """A project with imagery and a live layer, beside the imagery; then nothing is open any more."""
    folder.mkdir(exist_ok=True)
    image = Path(shutil.move(str(image), folder / "imagery of 2024.tif"))
    project = qgis.QgsProject.instance()
    project.addMapLayer(qgis.QgsRasterLayer(str(image), "imagery"))
    layer = live_layer(image)
    layer.setOpacity(0.4)
    project.addMapLayer(layer)
    kind = qgis.Qgis.FilePathType
    project.setFilePathStorage(kind.Relative if relative else kind.Absolute)
    path = folder / "p.qgs"
    assert project.write(str(path))
    assert "near=" not in only_live().source()
    project.clear()
    return path


def test_a_project_that_moves_with_its_imagery_finds_it(session, image, tmp_path):
    path = saved_project(tmp_path / "here", image)
    moved = tmp_path / "there & then"
    shutil.move(str(path.parent), str(moved))
    assert qgis.QgsProject.instance().read(str(moved / "p.qgs"))
    layer = only_live()
    assert layer.isValid()
    assert layer.dataProvider().live.uri.source == str(moved / "imagery of 2024.tif")
    assert "near=" not in layer.source()
    assert layer.opacity() == pytest.approx(0.4)
    assert (render(layer) != 255).any()


def test_a_project_that_moves_alone_finds_imagery_where_it_was(session, image, tmp_path):
    path = saved_project(tmp_path / "here", image)
    (tmp_path / "there").mkdir()
    shutil.move(str(path), str(tmp_path / "there"))
    assert qgis.QgsProject.instance().read(str(tmp_path / "there" / "p.qgs"))
    assert only_live().dataProvider().live.uri.source == str(tmp_path / "here" / "imagery of 2024.tif")
    assert only_live().isValid()


def test_a_project_with_absolute_paths_holds_no_other(session, image, tmp_path):
    path = saved_project(tmp_path / "here", image, relative=False)
    assert "near=" not in path.read_text()
    assert qgis.QgsProject.instance().read(str(path))
    assert only_live().isValid()


def test_without_its_model_a_saved_layer_is_kept_and_says_what_to_do(session, image, models, tmp_path):
    path = saved_project(tmp_path / "here", image)
    shutil.move(str(models / "four"), str(tmp_path / "away"))
    said = []
    session.said.connect(lambda text, about: said.append((text, about)))
    project = qgis.QgsProject.instance()
    assert project.read(str(path))
    layer = only_live()
    text = layer.source()
    assert layer.isValid()
    # the layer before may have been opening the model when it went, and says so of its own
    (sentence,) = (text for text, about in said if about == "model")
    assert "four" in sentence
    assert project.write(str(path))
    project.clear()
    shutil.move(str(tmp_path / "away"), str(models / "four"))
    assert project.read(str(path))
    assert only_live().source() == text
    assert only_live().renderer().type() == "paletted"
    assert (render(only_live()) != 255).any()


def test_a_layer_that_is_opened_anew_tries_at_once_what_failed_for_the_one_before(
    session, image, models, tmp_path
):
    first = live_layer(image)
    shutil.move(str(models / "four"), str(tmp_path / "away"))
    assert (render(first) == 255).all()
    shutil.move(str(tmp_path / "away"), str(models / "four"))
    assert (render(live_layer(image)) != 255).any()
    assert (render(first) != 255).any()


class Counting:
    """Counts the chips that a backend is given."""

    def __init__(self, monkeypatch) -> None:
        self.chips = 0
        opened = feeds.open_backend

        def open_counted(url, spec):
            backend = opened(url, spec)
            submit = backend.submit

            def counted(chips, *args, **kwargs):
                self.chips += len(chips)
                return submit(chips, *args, **kwargs)

            monkeypatch.setattr(backend, "submit", counted, raising=False)
            return backend

        monkeypatch.setattr(feeds, "open_backend", open_counted)


def test_layers_on_one_source_and_duplicates_share_tiles(session, image, monkeypatch):
    counting = Counting(monkeypatch)
    first = live_layer(image)
    pictures = [render(first), render(live_layer(image, name="second")), render(first.clone())]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])
    blend = render(live_layer(image, output="blend"))
    assert (blend != pictures[0]).any()
    feed = first.dataProvider().live.feed
    rows, cols = feed.grid.size(0)
    tiles = -(-rows // feed.grid.tile) * -(-cols // feed.grid.tile)
    assert counting.chips == tiles


def test_a_style_is_copied_and_undone_like_any_other(session, image):
    from qgis.PyQt.QtXml import QDomDocument

    layer, other = live_layer(image), live_layer(image, name="other")
    before = QDomDocument()
    assert not layer.exportNamedStyle(before)
    renderer = layer.renderer().clone()
    classes = renderer.classes()
    classes[0].label = "open water"
    layer.setRenderer(qgis.QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))
    layer.setOpacity(0.3)
    changed = QDomDocument()
    assert not layer.exportNamedStyle(changed)
    assert other.importNamedStyle(changed)[0]
    assert other.opacity() == pytest.approx(0.3)
    assert other.renderer().classes()[0].label == "open water"
    assert (render(other) != 255).any()
    assert layer.importNamedStyle(before)[0]
    assert layer.opacity() == 1
    assert layer.renderer().classes()[0].label != "open water"


def test_removal_while_rendering_ends_well(session, image):
    from qgis.PyQt.QtCore import QSize

    project = qgis.QgsProject.instance()
    for _ in range(5):
        layer = live_layer(image)
        project.addMapLayer(layer)
        settings = qgis.QgsMapSettings()
        settings.setLayers([layer])
        settings.setExtent(layer.extent())
        settings.setDestinationCrs(layer.crs())
        settings.setOutputSize(QSize(421, 300))
        job = qgis.QgsMapRendererParallelJob(settings)
        job.start()
        project.removeMapLayer(layer.id())
        job.cancelWithoutBlocking()
        wait_for(lambda job=job: not job.isActive())
    assert session.feeds


def test_a_live_layer_is_named_grouped_and_bound_anew_without_losing_anything(session, image, models):
    from landcover_plugin.gui.live_layers import bind, hidden_classes, show, show_class

    layer = live_layer(image)
    qgis.QgsProject.instance().addMapLayer(layer, False)
    group = qgis.QgsProject.instance().layerTreeRoot().addGroup("results")
    group.addLayer(layer)
    layer.setName("after the flood")
    layer.setOpacity(0.7)
    layer.setCustomProperty("note", "kept")
    bind(layer)
    show(layer, output="blend")
    show(layer, output="classes")
    write_tiny_model(models / "other", bands=4, pixel_size_m=(0.6, 0.3, 5.0), fill="reflect", name="other")
    show(layer, model="other")
    legend = layer.dataProvider().live.spec.legend
    show_class(layer, legend.classes[1].id, False)
    assert hidden_classes(layer, legend) == {legend.classes[1].id}
    assert layer.name() == "after the flood"
    assert layer.opacity() == pytest.approx(0.7)
    assert layer.customProperty("note") == "kept"
    assert group.findLayer(layer.id()) is not None
    assert layer.dataProvider().live.spec.name == "other"
    assert layer.renderer().type() == "paletted"
