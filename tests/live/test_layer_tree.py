"""A live layer in the layer tree, and its style, as any other raster's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.live.test_provider import live_layer, render

qgis = pytest.importorskip("qgis.core")


@pytest.fixture
def layer(session, image):
    made = live_layer(image)
    qgis.QgsProject.instance().addMapLayer(made)
    return made


def relabel(layer, text: str) -> None:
    classes = layer.renderer().classes()
    classes[0].label = text
    layer.setRenderer(qgis.QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))


def label(layer) -> str:
    return layer.renderer().classes()[0].label


def style_of(layer):
    from qgis.PyQt.QtXml import QDomDocument

    document = QDomDocument("qgis")
    root = document.createElement("qgis")
    document.appendChild(root)
    assert layer.writeSymbology(root, document, "", qgis.QgsReadWriteContext())
    return root


def style_command(layer, before, after):
    """What QGIS' styling panel puts on a layer's stack; its own class is not open to Python."""
    from qgis.PyQt.QtWidgets import QUndoCommand

    class Command(QUndoCommand):
        def show(self, style) -> None:
            assert layer.readSymbology(style, "", qgis.QgsReadWriteContext())
            layer.triggerRepaint()

        def undo(self) -> None:
            self.show(before)

        def redo(self) -> None:
            self.show(after)

    return Command("labels")


def test_a_change_of_style_is_undone_and_done_again(layer):
    named = label(layer)
    before = style_of(layer)
    relabel(layer, "open water")
    command = style_command(layer, before, style_of(layer))
    layer.undoStackStyles().push(command)
    assert label(layer) == "open water"
    layer.undoStackStyles().undo()
    assert label(layer) == named
    picture = render(layer)
    assert (picture != 255).any()
    layer.undoStackStyles().redo()
    assert label(layer) == "open water"
    np.testing.assert_array_equal(render(layer), picture)
    layer.undoStackStyles().clear()


def test_a_layer_is_moved_into_a_group_and_among_groups_and_goes_on(layer):
    picture = render(layer)
    root = qgis.QgsProject.instance().layerTreeRoot()
    group, inner = root.addGroup("results"), root.addGroup("inner")
    # the layer tree moves a node by putting in a copy and taking the first one out
    for parent in (group, inner, root):
        node = root.findLayer(layer.id())
        old = node.parent()
        parent.insertChildNode(0, node.clone())
        old.removeChildNode(node)
        assert root.findLayer(layer.id()).parent() is parent
    group.addLayer(layer)
    group.setItemVisibilityChecked(False)
    assert qgis.QgsProject.instance().mapLayer(layer.id()) is layer
    np.testing.assert_array_equal(render(layer), picture)


def test_a_duplicate_has_a_style_of_its_own_and_the_same_predictions(layer):
    relabel(layer, "open water")
    twin = layer.clone()
    qgis.QgsProject.instance().addMapLayer(twin)
    assert twin.id() != layer.id()
    assert twin.dataProvider().live.feed is layer.dataProvider().live.feed
    assert label(twin) == "open water"
    relabel(twin, "sea")
    assert label(layer) == "open water"
    np.testing.assert_array_equal(render(twin), render(layer))
    qgis.QgsProject.instance().removeMapLayer(layer.id())
    assert (render(twin) != 255).any()


def test_styles_of_a_layer_are_kept_side_by_side(layer):
    styles = layer.styleManager()
    assert styles.addStyleFromLayer("mine")
    assert styles.setCurrentStyle("mine")
    relabel(layer, "open water")
    assert styles.setCurrentStyle("default")
    assert label(layer) != "open water"
    assert styles.setCurrentStyle("mine")
    assert label(layer) == "open water"


def test_a_style_is_saved_to_a_qml_file_and_loaded_by_another_layer(layer, image, tmp_path):
    relabel(layer, "open water")
    layer.setOpacity(0.4)
    path = str(tmp_path / "mine.qml")
    _, fine = layer.saveNamedStyle(path)
    assert fine
    other = live_layer(image, name="other")
    assert label(other) != "open water"
    _, fine = other.loadNamedStyle(path)
    assert fine
    assert label(other) == "open water"
    assert other.opacity() == pytest.approx(0.4)
    assert other.dataProvider().live.uri == layer.dataProvider().live.uri
    assert "near=" not in Path(path).read_text()


@pytest.mark.parametrize("moves", [False, True])
def test_a_layer_definition_brings_imagery_land_cover_and_style_back(session, image, tmp_path, moves):
    from landcover_plugin.live.moved_projects import ASKS_PROVIDERS

    if moves and not ASKS_PROVIDERS:
        pytest.skip("before 3.30 QGIS does not tell providers where a layer definition lies")
    folder = tmp_path / "here"
    folder.mkdir()
    image = image.rename(folder / "image.tif")
    project = qgis.QgsProject.instance()
    layer, source = live_layer(image), qgis.QgsRasterLayer(str(image), "imagery")
    group = project.layerTreeRoot().addGroup("results")
    for made in (layer, source):
        project.addMapLayer(made, False)
        group.addLayer(made)
    relabel(layer, "open water")
    layer.setOpacity(0.4)
    picture = render(layer)
    path = folder / "results.qlr"
    fine, error = qgis.QgsLayerDefinition.exportLayerDefinition(str(path), [group])
    assert (fine, error) == (True, "")
    del group, layer, source, made
    project.clear()
    if moves:
        folder.rename(tmp_path / "there")
        path, image = tmp_path / "there" / "results.qlr", tmp_path / "there" / "image.tif"
    fine, error = qgis.QgsLayerDefinition.loadLayerDefinition(str(path), project, project.layerTreeRoot())
    assert (fine, error) == (True, "")
    layers = {made.providerType(): made for made in project.mapLayers().values()}
    assert set(layers) == {"gdal", "landcover"}
    back = layers["landcover"]
    assert back.isValid()
    assert back.dataProvider().live.uri.source == str(image)
    assert "near=" not in back.source()
    assert label(back) == "open water"
    assert back.opacity() == pytest.approx(0.4)
    np.testing.assert_array_equal(render(back), picture)
    assert [g.name() for g in project.layerTreeRoot().findGroups()] == ["results"]
