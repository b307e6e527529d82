"""Layouts, prints and atlases hold all of the land cover, or say that they do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.live.test_provider import batch, live_layer, wait_for

qgis = pytest.importorskip("qgis.core")

MM_PER_INCH = 25.4


def layout_of(layer, extent=None, dpi: int = 96):
    """A layout of one page that shows a layer at its own pixels."""
    from qgis.PyQt.QtCore import QRectF

    project = qgis.QgsProject.instance()
    layout = qgis.QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.setName("sheet")
    layout.renderContext().setDpi(dpi)
    extent = extent or layer.extent()
    width = extent.width() / layer.rasterUnitsPerPixelX() * MM_PER_INCH / dpi
    height = extent.height() / layer.rasterUnitsPerPixelY() * MM_PER_INCH / dpi
    size = qgis.QgsLayoutSize(width, height)
    layout.pageCollection().page(0).setPageSize(size)
    item = qgis.QgsLayoutItemMap(layout)
    item.attemptSetSceneRect(QRectF(0, 0, width, height))
    item.setLayers([layer])
    item.setCrs(layer.crs())
    item.setExtent(extent)
    layout.addLayoutItem(item)
    project.layoutManager().addLayout(layout)
    return layout, item


def pixels(path: Path) -> np.ndarray:
    from qgis.PyQt.QtGui import QImage

    image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bytes(bits), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1].copy()


def settings():
    options = qgis.QgsLayoutExporter.ImageExportSettings()
    options.dpi = 96
    return options


def test_a_layout_that_is_exported_holds_every_class(session, image, models, tmp_path):
    layer = live_layer(image)
    qgis.QgsProject.instance().addMapLayer(layer)
    layout, _ = layout_of(layer)
    exporter = qgis.QgsLayoutExporter(layout)
    assert exporter.exportToImage(str(tmp_path / "a.png"), settings()) == qgis.QgsLayoutExporter.Success
    got = pixels(tmp_path / "a.png")
    table = layer.dataProvider().live.spec.legend.colour_table()[:, :3]
    expected = table[batch(image, models, tmp_path / "batch.tif")]
    np.testing.assert_array_equal(got, expected)


def test_every_page_of_an_atlas_is_complete(session, image, models, tmp_path):
    layer = live_layer(image)
    project = qgis.QgsProject.instance()
    project.addMapLayer(layer)
    across, down = layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY()
    top, left = layer.extent().yMaximum(), layer.extent().xMinimum()
    squares = [(0, 0), (150, 0), (0, 300)]  # rows and columns of 100 by 100 pixels
    coverage = qgis.QgsVectorLayer(f"Polygon?crs={layer.crs().authid()}", "pages", "memory")
    for row, col in squares:
        box = qgis.QgsRectangle(
            left + col * across, top - (row + 100) * down, left + (col + 100) * across, top - row * down
        )
        feature = qgis.QgsFeature()
        feature.setGeometry(qgis.QgsGeometry.fromRect(box))
        coverage.dataProvider().addFeature(feature)
    project.addMapLayer(coverage)
    first = qgis.QgsRectangle(left, top - 100 * down, left + 100 * across, top)
    layout, item = layout_of(layer, first)
    item.setAtlasDriven(True)
    item.setAtlasScalingMode(qgis.QgsLayoutItemMap.Auto)
    item.setAtlasMargin(0)
    atlas = layout.atlas()
    atlas.setCoverageLayer(coverage)
    atlas.setEnabled(True)
    result, error = qgis.QgsLayoutExporter.exportToImage(
        atlas, str(tmp_path / "page"), "png", settings(), qgis.QgsFeedback()
    )
    assert (result, error) == (qgis.QgsLayoutExporter.Success, "")
    table = layer.dataProvider().live.spec.legend.colour_table()[:, :3]
    expected = table[batch(image, models, tmp_path / "batch.tif")]
    pages = [pixels(path) for path in sorted(tmp_path.glob("*_[0-9].png"))]
    assert len(pages) == len(squares)
    for page, (row, col) in zip(pages, squares):
        np.testing.assert_array_equal(page, expected[row : row + 100, col : col + 100])


def test_a_layout_with_a_dead_backend_says_what_is_missing(session, image, tmp_path):
    from landcover_plugin.live.live_settings import LiveSettings

    session.apply(LiveSettings("http://127.0.0.1:9", 64, 64, session.settings.models_folder))
    said = []
    session.said.connect(lambda text, about: said.append((text, about)))
    layer = live_layer(image)
    layout, item = layout_of(layer)
    exporter = qgis.QgsLayoutExporter(layout)
    exporter.exportToImage(str(tmp_path / "a.png"), settings())
    wait_for(lambda: any(about == "export" for _, about in said))
    text = next(text for text, about in said if about == "export")
    assert "not complete" in text
    assert "image.tif" in text
    assert "127.0.0.1:9" in text
    assert (pixels(tmp_path / "a.png") == 255).all()


def test_a_layout_too_far_out_to_predict_for_says_so(session, image, tmp_path):
    said = []
    session.said.connect(lambda text, about: said.append((text, about)))
    layer = live_layer(image)
    layout, item = layout_of(layer)
    item.setScale(item.scale() * 400)
    assert not qgis.QgsLayoutExporter(layout).renderPageToImage(0).isNull()
    wait_for(lambda: any("not complete" in text and "too far out" in text for text, _ in said))


def test_the_export_of_a_view_with_a_dead_backend_fails_and_leaves_no_file(
    session, qgis_iface, qgis_canvas, image, tmp_path
):
    from landcover_plugin.gui.export import Exporter
    from landcover_plugin.live.live_settings import LiveSettings

    session.apply(LiveSettings("http://127.0.0.1:9", 64, 64, session.settings.models_folder))
    said = []
    session.said.connect(lambda text, about: said.append((text, about)))
    layer = live_layer(image)
    canvas = qgis_iface.mapCanvas()
    canvas.resize(421, 300)
    canvas.setDestinationCrs(layer.crs())
    canvas.setExtent(layer.extent())
    exporter = Exporter(qgis_iface, session)
    exporter.view(layer, str(tmp_path / "view.tif"))
    wait_for(lambda: any(about == "export" for _, about in said), 60)
    assert any("127.0.0.1:9" in text for text, _ in said)
    exporter.close()
    assert not list(tmp_path.glob("view*.tif"))
