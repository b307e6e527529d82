"""Exported models read back by what other programs look for, and give the same probabilities."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx

from landcover_plugin.core.errors import ModelError, OutputError
from landcover_plugin.core.model_formats import export_model, import_model
from tests.core.model_formats import onnx_networks as nets
from tests.landcover_data import landcover_data
from tests.tiny_model import write_tiny_model


def test_an_exported_model_gives_the_probabilities_of_the_folder(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny", bands=4, classes=3, tile=64, halo=8, ids=[4, 9, 2])
    export_model(spec, tmp_path / "out.onnx")
    x = nets.chips(4, spec.chip, 2)
    (expected,) = nets.run(spec.path, x, ["probabilities"])
    (found,) = nets.run(tmp_path / "out.onnx", x.astype(np.float32) / 255)
    assert found.shape == (2, 3, 64, 64)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_exported_model_carries_deepness_keys_as_json(tmp_path: Path) -> None:
    spec = write_tiny_model(
        tmp_path / "tiny", bands=4, classes=3, tile=64, halo=8, pixel_size_m=(0.6, 0.3, 1.2)
    )
    export_model(spec, tmp_path / "out.onnx")
    model = onnx.load(str(tmp_path / "out.onnx"))
    keys = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert keys["model_type"] == "Segmentor"
    assert keys["class_names"] == {"0": "class 1", "1": "class 2", "2": "class 3"}
    assert keys["resolution"] == 60
    assert keys["tile_size"] == keys["tiles_size"] == 80
    assert keys["tiles_overlap"] == 20  # 2 x 8 of 80 pixels
    assert keys["standardization_mean"] == [0, 0, 0, 0]
    assert keys["standardization_std"] == [1, 1, 1, 1]
    assert len(model.graph.input) == len(model.graph.output) == 1
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_an_exported_model_is_imported_again_with_the_same_classes(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny", bands=3, classes=3, tile=64, halo=8, ids=[0, 1, 2])
    export_model(spec, tmp_path / "out.onnx")
    again = import_model(
        tmp_path / "out.onnx", tmp_path / "again", overrides={"bands": ["red", "green", "blue"]}
    )
    assert (again.tile, again.halo) == (64, 8)
    x = nets.chips(3, spec.chip, 2)
    for name in ("classes", "probabilities8"):
        (expected,), (found,) = nets.run(spec.path, x, [name]), nets.run(again.path, x, [name])
        assert (expected == found).mean() > 0.999


def test_the_stac_item_says_what_the_extension_asks_for(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny", bands=4, classes=3, tile=64, halo=8, ids=[4, 9, 2])
    export_model(spec, tmp_path / "out.onnx")
    item = json.loads((tmp_path / "out.json").read_text())
    properties = item["properties"]
    assert "https://stac-extensions.github.io/mlm/v1.5.2/schema.json" in item["stac_extensions"]
    for key in ("mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"):
        assert properties[key]
    (given,), (result,) = properties["mlm:input"], properties["mlm:output"]
    assert given["bands"] == [b["name"] for b in properties["bands"]] == [b.name for b in spec.bands]
    assert given["input"]["shape"] == [-1, 4, 80, 80]
    assert given["value_scaling"] == [{"type": "scale", "value": 255}]
    assert result["result"]["shape"] == [-1, 3, 64, 64]
    assert [c["value"] for c in result["classification:classes"]] == [4, 9, 2]
    (asset,) = item["assets"].values()
    data = (tmp_path / "out.onnx").read_bytes()
    assert "mlm:model" in asset["roles"] and asset["mlm:artifact_type"]
    assert asset["file:size"] == len(data)
    assert asset["file:checksum"] == "1220" + hashlib.sha256(data).hexdigest()
    assert asset["href"] == "./out.onnx"


def test_the_2018_model_is_exported_too(tmp_path: Path) -> None:
    data = landcover_data("models/cntk")
    spec = import_model(data / "250epochs.model", tmp_path / "m", window=256)
    export_model(spec, tmp_path / "out.onnx")
    golden = np.load(data / "golden_1.npz")
    (found,) = nets.run(tmp_path / "out.onnx", golden["image"][None].astype(np.float32) / 255)
    assert np.abs(found[0] - golden["prob"]).max() < 1e-4


def test_a_model_without_probabilities_is_refused(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny", outputs=["classes"])
    with pytest.raises(ModelError, match="'tiny' gives no map of probabilities"):
        export_model(spec, tmp_path / "out.onnx")


def test_another_suffix_and_a_folder_that_is_a_file_are_refused(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "tiny")
    with pytest.raises(OutputError, match=r"must end in \.onnx"):
        export_model(spec, tmp_path / "out.tif")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        export_model(spec, tmp_path / "file" / "out.onnx")
