"""The 2018 network and small hand-made ones, from a CNTK file to numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from landcover_plugin.core.cntk import read_cntk
from landcover_plugin.core.cntk.dictionary import Axis
from landcover_plugin.core.errors import ModelError
from tests.core.cntk import cntk_file as cntk
from tests.landcover_data import landcover_data

ort = pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(3)
KERNEL = RNG.normal(size=(2, 3, 3, 3)).astype(np.float32)


def outcome(model: Any, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y: npt.NDArray[np.float32] = session.run(None, {"x": x})[0]
    return y


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p: npt.NDArray[np.float32] = e / e.sum(axis=1, keepdims=True)
    return p


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "net.model"
    path.write_bytes(data)
    return path


def imported(tmp_path: Path, data: bytes) -> Any:
    return read_cntk(written(tmp_path, data))


# The published network


@pytest.mark.parametrize(("file", "key"), [("250epochs.model", "prob"), ("1epoch.model", "prob_1epoch")])
def test_the_2018_network_gives_the_golden_probabilities(file: str, key: str) -> None:
    folder = landcover_data("models/cntk")
    network = read_cntk(folder / file)
    compared = 0
    for path in sorted(folder.glob("golden_*.npz")):
        golden = np.load(path)
        if key not in golden:
            continue
        image = golden["image"][None].astype(np.float32) / 256
        found = softmax(outcome(network.model, image))[0]
        assert np.abs(found - golden[key]).max() < 1e-5
        assert (found.argmax(0) == golden[key].argmax(0)).mean() >= 0.9999
        compared += 1
    assert compared == (4 if key == "prob" else 1)


def test_the_2018_network_says_its_bands_classes_margin_and_stride() -> None:
    network = read_cntk(landcover_data("models/cntk") / "250epochs.model")
    assert (network.bands, network.classes, network.window) == (4, 5, 256)
    assert (network.margin, network.stride) == (64, 8)
    assert network.model.ir_version <= 9
    assert network.model.opset_import[0].version <= 17


@pytest.mark.parametrize(("date", "accuracy"), [("new", 0.928), ("old", 0.913)])
def test_the_2018_network_is_as_accurate_as_published_on_the_chesapeake_patches(
    date: str, accuracy: float
) -> None:
    rasterio = pytest.importorskip("rasterio")
    network = read_cntk(landcover_data("models/cntk") / "250epochs.model")
    right = total = 0
    for path in sorted(landcover_data("data/chesapeake").glob(f"*_{date}.tif")):
        with rasterio.open(path) as image, rasterio.open(str(path).replace(date, "labels")) as labels:
            logits = outcome(network.model, image.read()[None].astype(np.float32) / 256)
            truth = labels.read(1)[64:192, 64:192]
        truth = np.where(truth == 15, 0, np.minimum(truth, 4))
        right += int(((logits[0].argmax(0) == truth) & (truth > 0)).sum())
        total += int((truth > 0).sum())
    assert total == 16 * 128 * 128
    assert right / total == pytest.approx(accuracy, abs=0.005)


# Small networks: each operator, and what it may not be


def test_a_block_is_dissolved_and_the_size_is_free(tmp_path: Path) -> None:
    network = imported(tmp_path, cntk.small_network(KERNEL))
    assert (network.bands, network.classes, network.margin, network.stride) == (3, 2, 4, 1)
    x = RNG.normal(size=(2, 3, 20, 33)).astype(np.float32)
    found = outcome(network.model, x)
    assert found.shape == (2, 2, 12, 25)
    # the file's kernel is (out, in, x, y): pixel (row 5, col 7) of the result, summed by hand
    window = x[0, :, 4 + 5 - 1 : 4 + 5 + 2, 4 + 7 - 1 : 4 + 7 + 2]
    expected = max(0.0, float((KERNEL[1] * window.swapaxes(1, 2)).sum()))
    assert found[0, 1, 5, 7] == pytest.approx(expected, abs=1e-4)


def test_a_stride_of_two_centres_its_first_kernel_on_the_first_pixel(tmp_path: Path) -> None:
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, 1, 1] = 1
    data = cntk.model(
        "up",
        [
            cntk.convolution("down", "w", "image", strides=(2, 2, 1)),
            cntk.convolution(
                "up", "w", "down_Output_0", strides=(2, 2, 9), transpose=True, outputShape=(16, 16, 1)
            ),
        ],
        [cntk.variable("image", 0, shape=(16, 16, 1)), cntk.variable("w", 2, kernel)],
    )
    network = imported(tmp_path, data)
    assert (network.stride, network.margin) == (2, 0)
    x = RNG.normal(size=(1, 1, 16, 24)).astype(np.float32)
    found = outcome(network.model, x)
    expected = np.zeros_like(x)
    expected[:, :, ::2, ::2] = x[:, :, ::2, ::2]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_mean_over_the_window_is_subtracted_band_by_band(tmp_path: Path) -> None:
    everything = Axis(2147483646)
    band = [
        cntk.function(f"s{n}", 14, ["image"], axis=Axis(2), beginIndex=n, endIndex=n + 1) for n in range(2)
    ]
    data = cntk.model(
        "join",
        [
            *band,
            cntk.function("mean", 39, ["s0_Output_0"], reductionOpName="Mean", axisVec=[everything]),
            cntk.function("minus", 20, ["s0_Output_0", "mean_Output_0"]),
            cntk.function("join", 43, ["minus_Output_0", "s1_Output_0"], axis=Axis(2)),
        ],
        [cntk.variable("image", 0, shape=(8, 8, 2))],
    )
    x = RNG.normal(size=(2, 2, 8, 12)).astype(np.float32)
    expected = x.copy()
    expected[:, 0] -= x[:, 0].mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(outcome(imported(tmp_path, data).model, x), expected, atol=1e-5)


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    data = cntk.model("t", [cntk.function("t", 2, ["image"])], [cntk.variable("image", 0, shape=(8, 8, 1))])
    with pytest.raises(ModelError, match=r"net\.model cannot be imported: it uses the operator Tanh \(2\)"):
        imported(tmp_path, data)


def test_a_reshape_to_another_shape_is_refused(tmp_path: Path) -> None:
    data = cntk.model(
        "t", [cntk.function("t", 16, ["image"], newShape=(64,))], [cntk.variable("image", 0, shape=(8, 8, 1))]
    )
    with pytest.raises(ModelError, match=r"its Reshape turns \(8, 8, 1\) into \(64,\)"):
        imported(tmp_path, data)


def test_a_loop_is_refused(tmp_path: Path) -> None:
    functions = [cntk.function("a", 19, ["image", "b_Output_0"]), cntk.function("b", 3, ["a_Output_0"])]
    with pytest.raises(ModelError, match="it has a loop"):
        imported(tmp_path, cntk.model("a", functions, [cntk.variable("image", 0, shape=(8, 8, 1))]))


def test_placeholders_that_stand_for_each_other_are_refused(tmp_path: Path) -> None:
    functions = [cntk.block("b", "r", {"p": "q", "q": "p"}), cntk.function("r", 3, ["p"])]
    with pytest.raises(ModelError, match="stand for each other"):
        imported(tmp_path, cntk.model("b", functions, [cntk.variable("p", 4), cntk.variable("q", 4)]))


def test_a_long_chain_of_functions_is_no_deep_recursion(tmp_path: Path) -> None:
    functions = [cntk.function("f0", 3, ["image"])]
    functions += [cntk.function(f"f{n}", 3, [f"f{n - 1}_Output_0"]) for n in range(1, 5000)]
    data = cntk.model("f4999", functions, [cntk.variable("image", 0, shape=(8, 8, 1))])
    assert len(imported(tmp_path, data).model.graph.node) == 5001


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no\.model cannot be read \(No such file"):
        read_cntk(tmp_path / "no.model")
