"""Model files of other people become model folders that give the same probabilities."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx

from landcover_plugin.core.errors import ModelError, OutputError
from landcover_plugin.core.model import file_sha256, read_model
from landcover_plugin.core.model_formats import AssumptionWarning, import_model
from tests.core.cntk import cntk_file as cntk
from tests.core.model_formats import onnx_networks as nets
from tests.landcover_data import landcover_data

KEYS = {
    "model_type": "Segmentor",
    "class_names": {"0": "background", "1": "water", "2": "tree", "3": "road"},
    "resolution": 60,
    "tile_size": 64,
    "tiles_overlap": 25,
}


def no_assumptions(source: Path, folder: Path, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", AssumptionWarning)
        return import_model(source, folder, **options)


# The 2018 network


def test_the_2018_file_becomes_a_folder_that_gives_the_golden_classes(tmp_path: Path) -> None:
    data = landcover_data("models/cntk")
    spec = no_assumptions(data / "250epochs.model", tmp_path / "chesapeake-2018")
    assert (spec.tile, spec.halo, spec.stride, spec.fill, spec.licence) == (512, 64, 8, "mean", "MIT")
    assert [c.id for c in spec.legend] == [0, 1, 2, 3, 4]
    assert [c.id for c in spec.legend if not c.is_land_cover] == [0]
    assert spec.sha256 == file_sha256(spec.path)
    assert read_model(spec.path.parents[1]) == spec
    for n in (1, 2, 3, 4):
        golden = np.load(data / f"golden_{n}.npz")
        classes, eighths, probabilities = nets.run(
            spec.path, golden["image"][None], ["classes", "probabilities8", "probabilities"]
        )
        assert np.abs(probabilities[0] - golden["prob"]).max() < 1e-5
        assert (classes[0] == golden["classes"]).mean() >= 0.9999
        assert np.abs(eighths / 254 - probabilities).max() < 0.5001 / 254


def test_a_window_of_256_gives_the_published_tiles(tmp_path: Path) -> None:
    spec = import_model(landcover_data("models/cntk") / "250epochs.model", tmp_path / "published", window=256)
    assert (spec.tile, spec.halo, spec.chip) == (128, 64, 256)


def test_an_emd_that_names_the_2018_file_imports_too(tmp_path: Path) -> None:
    source = landcover_data("models/cntk") / "250epochs.model"
    (tmp_path / "land.model").write_bytes(source.read_bytes())
    emd = {
        "Framework": "CNTK",
        "ModelType": "ImageClassification",
        "ModelFile": "land.model",
        "ImageHeight": 256,
        "ImageWidth": 256,
        "ExtractBands": [0, 1, 2, 3],
        "DataRange": [0, 1],
        "ModelPadding": 64,
        "Classes": [{"Value": n, "Name": f"c{n}", "Color": [n, 0, 255]} for n in range(6)],
    }
    (tmp_path / "land.emd").write_text(json.dumps(emd))
    spec = no_assumptions(tmp_path / "land.emd", tmp_path / "land")
    assert (spec.tile, spec.halo, spec.fill) == (512, 64, "mean")
    assert [c.name for c in spec.legend] == ["c0", "c1", "c2", "c3", "c4"]
    assert spec.legend.classes[3].colour == "#0300ff"
    golden = np.load(landcover_data("models/cntk") / "golden_1.npz")
    (classes,) = nets.run(spec.path, golden["image"][None], ["classes"])
    assert (classes[0] == golden["classes"]).mean() >= 0.9999


def test_a_small_cntk_network_is_imported_with_its_classes_numbered(tmp_path: Path) -> None:
    (tmp_path / "small.model").write_bytes(cntk.small_network(np.ones((2, 3, 3, 3), np.float32)))
    with pytest.warns(AssumptionWarning, match="classes are named by their number"):
        spec = import_model(tmp_path / "small.model", tmp_path / "small", overrides={"pixel_size_m": 1})
    assert (spec.tile, spec.halo, len(spec.bands), len(spec.legend)) == (512, 4, 3, 2)


# Deepness' keys


@pytest.mark.parametrize("activation", [None, "Softmax"])
@pytest.mark.parametrize("size_key", ["tile_size", "tiles_size"])
def test_deepness_keys_are_read(tmp_path: Path, activation: str | None, size_key: str) -> None:
    keys = {k: v for k, v in KEYS.items() if k != "tile_size"} | {size_key: 64}
    model = nets.network(activation=activation, keys=keys)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    spec = import_model(
        tmp_path / "m.onnx",
        tmp_path / "m",
        overrides={
            "bands": ["red", "green", "blue"],
            "activation": "softmax" if activation is None else "none",
        },
    )
    assert (spec.tile, spec.halo, spec.pixel_size_m.best) == (48, 8, 0.6)
    assert [c.name for c in spec.legend] == ["background", "water", "tree", "road"]
    assert [c.is_land_cover for c in spec.legend] == [False, True, True, True]
    x = nets.chips(3, 64, 2)
    classes, eighths, probabilities = nets.run(spec.path, x, ["classes", "probabilities8", "probabilities"])
    scores = nets.run_model(model, x.astype(np.float32) / 255)
    expected = (scores if activation else nets.softmax(scores))[:, :, 8:-8, 8:-8]
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert classes.dtype == np.uint8 and classes.shape == (2, 48, 48)
    assert (classes == expected.argmax(1)).mean() > 0.999
    assert np.abs(eighths - np.floor(expected * 254 + 0.5)).max() <= 1


def test_logits_get_a_softmax_and_probabilities_get_none_without_being_told(tmp_path: Path) -> None:
    for n, activation in enumerate((None, "Softmax", "softmax in steps")):
        model = nets.network(activation=activation, keys=KEYS)
        (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
        with pytest.warns(AssumptionWarning):
            spec = import_model(tmp_path / "m.onnx", tmp_path / f"m{n}")
        (p,) = nets.run(spec.path, nets.chips(3, 64), ["probabilities"])
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
        raw = nets.run_model(model, nets.chips(3, 64).astype(np.float32) / 255)[:, :, 8:-8, 8:-8]
        expected = raw if activation else nets.softmax(raw)
        np.testing.assert_allclose(p, expected, atol=1e-5)


@pytest.mark.parametrize(
    "names",
    [
        "{0: 'a', 1: 'b', 2: 'c', 3: 'd'}",
        '["a", "b", "c", "d"]',
        '[{"0": "a", "1": "b", "2": "c", "3": "d"}]',
    ],
)
def test_names_may_be_a_python_literal_a_list_or_a_head_s_table(tmp_path: Path, names: str) -> None:
    keys = {**{k: v for k, v in KEYS.items() if k != "class_names"}, "names": names}
    source = nets.saved(tmp_path / "m.onnx", keys=keys)
    with pytest.warns(AssumptionWarning):
        spec = import_model(source, tmp_path / "m")
    assert [c.name for c in spec.legend] == ["a", "b", "c", "d"]


def test_mean_and_deviation_apply_after_the_division_by_255(tmp_path: Path) -> None:
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    model = nets.network(side=32, keys={**KEYS, "standardization_mean": mean, "standardization_std": std})
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.warns(AssumptionWarning):
        spec = import_model(tmp_path / "m.onnx", tmp_path / "m")
    assert spec.chip == 32  # the input's shape wins over tile_size
    x = nets.chips(3, 32)
    scaled = (x.astype(np.float32) / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    expected = nets.softmax(nets.run_model(model, scaled.astype(np.float32)))
    (p,) = nets.run(spec.path, x, ["probabilities"])
    np.testing.assert_allclose(p, expected[:, :, spec.halo : -spec.halo, spec.halo : -spec.halo], atol=1e-4)


@pytest.mark.parametrize("channel_axis", [True, False])
@pytest.mark.parametrize("activation", [None, "Sigmoid"])
def test_one_channel_becomes_two_classes_at_the_threshold(
    tmp_path: Path, channel_axis: bool, activation: str | None
) -> None:
    keys = {**KEYS, "class_names": {"0": "building"}, "seg_thresh": 0.7, "tiles_overlap": 0}
    model = nets.network(channels=1, activation=activation, channel_axis=channel_axis, keys=keys)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.warns(AssumptionWarning):
        spec = import_model(tmp_path / "m.onnx", tmp_path / "m")
    assert [c.name for c in spec.legend] == ["background", "building"]
    x = nets.chips(3, 64)
    raw = nets.run_model(model, x.astype(np.float32) / 255).reshape(1, 64, 64)
    yes = raw if activation else 1 / (1 + np.exp(-raw))
    classes, p = nets.run(spec.path, x, ["classes", "probabilities"])
    np.testing.assert_allclose(p[:, 1], yes, atol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    clear = np.abs(yes - 0.7) > 1e-4
    assert (classes == (yes > 0.7))[clear].all() and 0 < classes.mean() < 1


def test_a_detector_is_refused(tmp_path: Path) -> None:
    source = nets.saved(tmp_path / "m.onnx", keys={**KEYS, "model_type": "Detector"})
    with pytest.raises(ModelError, match=r"m\.onnx is a model of type 'Detector'"):
        import_model(source, tmp_path / "m")


def test_a_missing_resolution_is_named(tmp_path: Path) -> None:
    source = nets.saved(tmp_path / "m.onnx", keys={"class_names": KEYS["class_names"]})
    with pytest.raises(ModelError, match="'pixel_size_m' is missing"):
        import_model(source, tmp_path / "m")
    assert not (tmp_path / "m").exists()
    assert list(tmp_path.iterdir()) == [source]


# Shapes alone


def test_bare_onnx_runs_by_its_shapes_with_one_warning(tmp_path: Path) -> None:
    model = nets.network(bands=4, side=34, padded=False, names=("chips", "probabilities"))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.warns(AssumptionWarning) as caught:
        spec = import_model(tmp_path / "m.onnx", tmp_path / "m")
    assert len(caught) == 1
    text = str(caught[0].message)
    for what in (
        "named by their number",
        "bands are red, green, blue, near infrared",
        "0 to 1",
        "1 m",
        "softmax",
    ):
        assert what in text
    assert spec.provenance["assumed"]
    assert (spec.tile, spec.halo, spec.chip) == (32, 1, 34)  # the smaller, centred output
    assert [c.name for c in spec.legend] == ["class 0", "class 1", "class 2", "class 3"]
    x = nets.chips(4, 34)
    (p,) = nets.run(spec.path, x, ["probabilities"])
    np.testing.assert_allclose(p, nets.softmax(nets.run_model(model, x.astype(np.float32) / 255)), atol=1e-5)


def test_a_fixed_batch_of_one_is_freed_where_the_graph_allows_it(tmp_path: Path) -> None:
    source = nets.saved(tmp_path / "m.onnx", batch=1, side=32, keys=KEYS)
    with pytest.warns(AssumptionWarning):
        spec = import_model(source, tmp_path / "m")
    (classes,) = nets.run(spec.path, nets.chips(3, 32, 3), ["classes"])
    assert classes.shape == (3, spec.tile, spec.tile)


@pytest.mark.parametrize("opset", [9, 11, 13, 18, 20])
def test_any_operator_set_gets_a_softmax_over_the_channels(tmp_path: Path, opset: int) -> None:
    model = nets.network(opset=opset, keys=KEYS)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.warns(AssumptionWarning):
        spec = import_model(tmp_path / "m.onnx", tmp_path / "m")
    x = nets.chips(3, 64)
    (p,) = nets.run(spec.path, x, ["probabilities"])
    expected = nets.softmax(nets.run_model(model, x.astype(np.float32) / 255))[:, :, 8:-8, 8:-8]
    np.testing.assert_allclose(p, expected, atol=1e-5)


def test_the_package_imports_without_onnx() -> None:
    code = (
        "import sys; sys.modules['onnx'] = None\n"
        "from pathlib import Path\n"
        "from landcover_plugin.core.errors import ModelError\n"
        "from landcover_plugin.core import model_formats, cntk\n"
        "try: cntk.read_cntk(Path('x.model'))\n"
        "except ModelError as e: print(e)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "needs the package onnx; pip install onnx" in done.stdout


# Overrides


def test_every_field_can_be_overridden(tmp_path: Path) -> None:
    source = nets.saved(tmp_path / "m.onnx", keys=KEYS)
    legend = [{"id": i, "name": f"n{i}", "colour": "#102030"} for i in (7, 5, 9, 1)]
    overrides = {
        "title": "T", "description": "D", "version": "3", "licence": "CC0-1.0", "citation": "C",
        "bands": [{"name": "swir", "wavelength_um": 1.6}, "nir", "red"], "dtype": "uint16", "fill": 7,
        "pixel_size_m": {"best": 2, "min": 1, "max": 3}, "tile": 32, "halo": 16, "stride": 16,
        "data_range": [-1, 1], "divisor": 1000, "activation": "sigmoid", "legend": legend,
    }  # fmt: skip
    spec = no_assumptions(source, tmp_path / "m", overrides=overrides)
    assert (spec.title, spec.description, spec.version, spec.licence, spec.citation) == (
        "T",
        "D",
        "3",
        "CC0-1.0",
        "C",
    )
    assert [b.name for b in spec.bands] == ["swir", "near infrared", "red"]
    assert (spec.dtype, spec.fill, spec.tile, spec.halo, spec.stride) == ("uint16", 7, 32, 16, 16)
    assert (spec.pixel_size_m.best, spec.pixel_size_m.min, spec.pixel_size_m.max) == (2, 1, 3)
    x = nets.chips(3, 64, dtype="uint16")
    classes, p = nets.run(spec.path, x, ["classes", "probabilities"])
    raw = nets.run_model(nets.network(keys=KEYS), x.astype(np.float32) / 500 - 1)[:, :, 16:-16, 16:-16]
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-raw)), atol=1e-5)
    assert (classes == np.array([7, 5, 9, 1])[raw.argmax(1)]).mean() > 0.999


@pytest.mark.parametrize(
    ("overrides", "match"),
    [
        ({"colour": 1}, "no key 'colour' to override"),
        ({"tile": "big"}, "'tile' must be a whole number"),
        ({"halo": 40}, "do not make up|tile must be"),
        ({"class_names": ["a"]}, "names 1 classes, but the network tells 4 apart"),
        ({"mean": [1, 2]}, "'mean' has 2 numbers instead of 3"),
        ({"mean": 0.5}, "'std' is missing"),
        ({"bands": ["red"]}, "list of the 3 bands"),
        ({"dtype": "complex"}, "dtype 'complex'"),
        ({"activation": "relu"}, "'activation' must be one of"),
        ({"pixel_size_m": -1}, "pixel_size_m"),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, overrides: dict[str, Any], match: str) -> None:
    source = nets.saved(tmp_path / "m.onnx", keys=KEYS)
    with pytest.raises(ModelError, match=match):
        import_model(source, tmp_path / "m", overrides=overrides)


# Esri


def emd_of(tmp_path: Path, **entries: Any) -> Path:
    emd = {
        "ModelType": "ImageClassification",
        "ModelFile": "net.onnx",
        "ImageHeight": 64,
        "ImageWidth": 64,
        "ModelPadding": 8,
        "ExtractBands": [3, 0, 1],
        "DataRange": [0, 255],
        "ModelName": "Roofs",
        "Classes": [{"Value": n, "Name": f"c{n}", "Color": [0, n, 255]} for n in (1, 2, 3)],
        **entries,
    }
    path = tmp_path / "net.emd"
    path.write_text(json.dumps(emd))
    return path


def test_an_emd_with_onnx_is_read(tmp_path: Path) -> None:
    nets.saved(tmp_path / "net.onnx", activation="Softmax")
    spec = no_assumptions(emd_of(tmp_path), tmp_path / "roofs", overrides={"pixel_size_m": 0.3})
    assert (spec.title, spec.tile, spec.halo) == ("Roofs", 48, 8)
    assert [b.name for b in spec.bands] == ["near infrared", "red", "green"]
    assert [(c.id, c.name, c.is_land_cover) for c in spec.legend] == [
        (0, "background", False), (1, "c1", True), (2, "c2", True), (3, "c3", True),
    ]  # fmt: skip
    x = nets.chips(3, 64)
    (p,) = nets.run(spec.path, x, ["probabilities"])
    expected = nets.run_model(nets.network(activation="Softmax"), x.astype(np.float32))[:, :, 8:-8, 8:-8]
    np.testing.assert_allclose(p, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["../net.onnx", "/etc/passwd", "..\\net.onnx", "a/../../net.onnx"])
def test_an_emd_cannot_lead_out_of_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    nets.saved(tmp_path / "net.onnx")
    with pytest.raises(ModelError, match="leads out of the folder"):
        import_model(emd_of(folder, ModelFile=name), tmp_path / "m")


def test_an_emd_with_a_pickle_or_a_script_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"'net\.pth' is neither ONNX nor CNTK"):
        import_model(emd_of(tmp_path, ModelFile="net.pth"), tmp_path / "m")


def test_an_emd_without_a_pixel_size_names_it(tmp_path: Path) -> None:
    nets.saved(tmp_path / "net.onnx")
    with pytest.raises(ModelError, match="'pixel_size_m' is missing"):
        import_model(emd_of(tmp_path), tmp_path / "m")


# Files that are not what they seem, and folders that are taken


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    model = nets.network()
    onnx.save_model(
        model, str(tmp_path / "m.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0
    )
    with pytest.raises(ModelError, match="keeps its weights in other files"):
        import_model(tmp_path / "m.onnx", tmp_path / "m")


@pytest.mark.parametrize("data", [b"", b"not onnx", b"\x08\x08" * 40])
def test_a_file_that_is_not_onnx_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"m\.onnx is not an ONNX file"):
        import_model(tmp_path / "m.onnx", tmp_path / "m")


def test_a_missing_file_and_an_unknown_kind_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no file"):
        import_model(tmp_path / "no.onnx", tmp_path / "m")
    (tmp_path / "m.pt").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"m\.pt is no model file that is known here"):
        import_model(tmp_path / "m.pt", tmp_path / "m")


def test_an_output_half_the_size_is_refused(tmp_path: Path) -> None:
    model = nets.network()
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("strides", [2, 2]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="maps of another pixel size than the picture"):
        import_model(tmp_path / "m.onnx", tmp_path / "m")


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    source = nets.saved(tmp_path / "m.onnx", keys=KEYS)
    target = tmp_path / "m"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="is not empty and holds no model"):
        import_model(source, target)
    assert (target / "thesis.txt").read_text() == "years of work"


@pytest.mark.filterwarnings("ignore::landcover_plugin.core.model_formats.AssumptionWarning")
def test_a_model_of_the_same_name_is_replaced_and_nothing_is_left_over(tmp_path: Path) -> None:
    source = nets.saved(tmp_path / "m.onnx", keys=KEYS)
    import_model(source, tmp_path / "m")
    (tmp_path / "m" / "old.txt").write_text("x")
    spec = import_model(source, tmp_path / "m", overrides={"title": "Second"})
    assert spec.title == "Second"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "m.onnx"]
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == [
        "1",
        "README.md",
        "config.pbtxt",
        "model.json",
    ]
