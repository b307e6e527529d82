"""``landcover:modelinfo`` and ``landcover:importmodel``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from qgis.core import QgsProcessingException

from landcover_plugin.core.model import read_model
from landcover_plugin.processing import import_model
from landcover_plugin.processing.import_model import model_name


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """An ONNX file without keys: three bands of 64 x 64 in, two classes out."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 3, 1, 1], [1, 0, 0, 0, 1, 0])
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 64, 64])],
        [weights],
    )
    path = tmp_path / "my network.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_a_model_is_described_in_log_and_page(run: Any, model: Any, tmp_path: Path) -> None:
    page = tmp_path / "model.html"
    results, said = run("modelinfo", {"MODEL": "brightest", "OUTPUT_HTML": str(page)})
    assert (results["NAME"], results["BANDS"], results["CLASSES"]) == ("brightest", 4, 4)
    assert "near infrared" in said.tables[0]
    text = page.read_text("utf-8")
    assert all(c.name in text and c.colour in text for c in model.legend)


def test_texts_of_a_model_cannot_break_the_page(model: Any) -> None:
    from dataclasses import replace

    from landcover_plugin.processing.model_info import model_page

    text = model_page(replace(model, title="<script>alert(1)</script>", licence="<b>"))
    assert "<script>" not in text
    assert "<b>" not in text


def test_an_unknown_model_is_refused_with_those_there_are(run: Any, model: Any, tmp_path: Path) -> None:
    with pytest.raises(QgsProcessingException, match=r"no model 'gone' \(found: .*brightest"):
        run("modelinfo", {"MODEL": "gone", "OUTPUT_HTML": str(tmp_path / "m.html")})


@pytest.mark.parametrize("in_worker", [False, True])
def test_a_model_is_imported_here_or_in_the_worker(
    run: Any, models: Path, network: Path, monkeypatch: pytest.MonkeyPatch, in_worker: bool
) -> None:
    if in_worker:
        found = importlib.util.find_spec
        monkeypatch.setenv("LANDCOVER_PYTHON", sys.executable)
        monkeypatch.setattr(
            import_model.importlib.util, "find_spec", lambda name: None if name == "onnx" else found(name)
        )
    parameters = {"INPUT": str(network), "OVERRIDES": "title=Two classes\npixel_size_m=0.5"}
    results, said = run("importmodel", parameters)
    assert results["MODEL"] == "my-network"
    spec = read_model(models / "my-network")
    assert (spec.title, spec.pixel_size_m.best, len(spec.bands), len(spec.legend)) == (
        "Two classes",
        0.5,
        3,
        2,
    )
    assert any("my network.onnx does not say everything" in w for w in said.warnings)
    assert "Two classes" in said.tables[-1]


def test_a_model_goes_into_the_folder_that_is_given(
    run: Any, models: Path, network: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere" / "mine"
    parameters = {"INPUT": str(network), "FOLDER": str(folder.parent), "NAME": "mine"}
    results, _ = run("importmodel", parameters)
    assert results["MODEL"] == results["OUTPUT"] == str(folder)
    assert read_model(folder).name == "mine"


def test_what_is_no_model_is_refused(run: Any, models: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    for name in ("bad.onnx", "gone.onnx"):
        with pytest.raises(QgsProcessingException, match=name.replace(".", r"\.")):
            run("importmodel", {"INPUT": str(tmp_path / name)})
    assert list(models.iterdir()) == []


def test_corrections_must_have_a_key(run: Any, models: Path, network: Path) -> None:
    with pytest.raises(QgsProcessingException, match="'half a metre' must be KEY=VALUE"):
        run("importmodel", {"INPUT": str(network), "OVERRIDES": "half a metre"})


def test_names_are_made_of_file_names() -> None:
    assert model_name("250 epochs (new)") == "250-epochs--new"
    assert model_name("…") == "model"
