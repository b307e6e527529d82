"""QGIS' own *Save as* of a live layer that cannot be complete."""

from __future__ import annotations

import pytest

from landcover_plugin.core.errors import ImageryError
from landcover_plugin.live.live_settings import LiveSettings
from tests.live.test_provider import live_layer, saved, wait_for

qgis = pytest.importorskip("qgis.core")


def break_tiles(layer, monkeypatch) -> None:
    """The last rows of the imagery cannot be read."""
    source = layer.dataProvider().live.feed.imagery.sources[0]
    real = source.read

    def broken(window, bands):
        if window.width > 64 and window.row > 100:
            raise ImageryError("The disk is gone.")
        return real(window, bands)

    monkeypatch.setattr(source, "read", broken)


@pytest.fixture
def said(session) -> list[tuple[str, str]]:
    sentences: list[tuple[str, str]] = []
    session.said.connect(lambda text, about: sentences.append((text, about)))
    return sentences


def save(layer, path, part: int = 500, rendered: bool = False) -> list:
    """As QGIS' dialogue does it; the file is put on the map as QGIS does where it was written."""
    pipe = qgis.QgsRasterPipe()
    assert pipe.set(layer.dataProvider().clone())
    if rendered:
        assert pipe.set(layer.renderer().clone())
    writer = qgis.QgsRasterFileWriter(str(path))
    writer.setMaxTileWidth(part)
    writer.setMaxTileHeight(part)
    task = qgis.QgsRasterFileWriterTask(
        writer, pipe, layer.width(), layer.height(), layer.extent(), layer.crs()
    )
    outcome = []

    def written(name) -> None:
        outcome.append("written")
        qgis.QgsProject.instance().addMapLayer(qgis.QgsRasterLayer(str(path), "written"))

    task.writeComplete.connect(written)
    task.errorOccurred.connect(lambda error, *_: outcome.append("failed"))
    qgis.QgsApplication.taskManager().addTask(task)
    wait_for(lambda: bool(outcome), 30)
    return outcome


@pytest.mark.parametrize("output", ["classes", "blend"])
@pytest.mark.parametrize("part", [500, 64])
def test_a_file_that_cannot_be_complete_is_not_left_and_that_is_said_once(
    session, said, image, tmp_path, monkeypatch, part, output
):
    layer = live_layer(image, output=output)
    qgis.QgsProject.instance().addMapLayer(layer)
    break_tiles(layer, monkeypatch)
    path = tmp_path / "live.tif"
    outcome = save(layer, path, part)
    wait_for(lambda: any(about == "export" for _, about in said))
    assert not list(tmp_path.glob("live*"))
    assert list(qgis.QgsProject.instance().mapLayers().values()) == [layer]
    (sentence,) = (text for text, about in said if about == "export")
    assert sentence.startswith(f"{path} was not written")
    assert "image.tif" in sentence
    assert "The disk is gone." in sentence
    # a file of one part may be whole before QGIS looks whether it was stopped
    assert outcome == ["failed"] or part == 500


@pytest.mark.parametrize("rendered", [False, True])
def test_with_a_dead_backend_nothing_is_written(session, said, image, tmp_path, rendered):
    session.apply(LiveSettings("http://127.0.0.1:9", 64, 64, session.settings.models_folder))
    layer = live_layer(image)
    save(layer, tmp_path / "live.tif", 100, rendered)
    wait_for(lambda: any("live.tif was not written" in text for text, _ in said))
    assert not list(tmp_path.glob("live*"))
    assert any("127.0.0.1:9" in text for text, about in said if about == "export")


def test_without_its_model_a_layer_is_not_written(session, said, image, tmp_path):
    layer = live_layer(image, model="coastal-v2")
    save(layer, tmp_path / "live.tif")
    wait_for(lambda: any("live.tif was not written" in text for text, _ in said))
    assert not list(tmp_path.glob("live*"))


def test_a_file_of_another_layer_that_is_written_meanwhile_is_left_alone(
    session, said, image, tmp_path, monkeypatch
):
    layer, other = live_layer(image), live_layer(image, model="three", name="other")
    break_tiles(layer, monkeypatch)
    save(layer, tmp_path / "live.tif", 64)
    saved(other, tmp_path / "other.tif")
    wait_for(lambda: any("live.tif was not written" in text for text, _ in said))
    assert (tmp_path / "other.tif").exists()
    assert not any("other.tif" in text for text, _ in said)
