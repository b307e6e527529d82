from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from landcover_plugin.core.errors import ModelError
from landcover_plugin.core.model import read_model
from landcover_plugin.training.export import TOLERANCE, export_graph, export_model, halo_of, segmentation_spec
from landcover_plugin.training.network import begun
from landcover_plugin.training.prediction import probabilities
from landcover_plugin.training.quantise import quantise_graph


@pytest.fixture(params=["small_network", "listening_network"])
def network(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def graph(network, tmp_path):
    path = tmp_path / "model.onnx"
    assert export_graph(network, path, halo_of(network.shape), tile=64) < TOLERANCE
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_the_graph_takes_raw_imagery_and_gives_legend_ids_and_both_probabilities(graph, network) -> None:
    halo = halo_of(network.shape)
    side = 64 + 2 * halo
    chips = np.random.default_rng(0).integers(0, 256, (2, 4, side, side), dtype=np.uint8)
    classes, shares8, shares = graph.run(None, {"chips": chips})
    assert classes.shape == (2, 64, 64) and classes.dtype == np.uint8
    assert shares8.shape == (2, 5, 64, 64) and shares8.dtype == np.uint8
    assert np.array_equal(classes, shares.argmax(1) + 1)
    assert np.abs(shares8 / 254 - shares).max() <= 0.5 / 254 + 1e-6
    with torch.no_grad():
        wanted = torch.softmax(network(torch.from_numpy(chips).float()), 1).numpy()
    wanted = wanted[:, :, halo:-halo, halo:-halo]
    assert np.abs(shares - wanted).max() < TOLERANCE


def test_tiles_of_an_image_equal_the_image_in_one_piece(graph, network) -> None:
    halo = halo_of(network.shape)
    image = np.random.default_rng(1).integers(0, 256, (1, 4, 192 + 2 * halo, 256), dtype=np.uint8)
    whole = graph.run(["probabilities"], {"chips": image})[0]
    first = graph.run(["probabilities"], {"chips": image[:, :, : 96 + 2 * halo]})[0]
    second = graph.run(["probabilities"], {"chips": image[:, :, 96:]})[0]
    assert np.abs(whole - np.concatenate([first, second], 2)).max() < 1e-6


def test_a_halo_that_does_not_cover_the_reach_is_refused(small_network, tmp_path) -> None:
    with pytest.raises(ModelError, match="does not cover the network's reach of 44"):
        export_graph(small_network, tmp_path / "model.onnx", halo=32)


def test_a_written_model_folder_is_read_back_with_its_checksum(small_network, tmp_path) -> None:
    spec = segmentation_spec("small", "Small", "", small_network, {"n": 1}, {})
    written = export_model(small_network, spec, tmp_path / "small")
    found = read_model(tmp_path / "small")
    assert found == written
    assert (found.halo, found.tile, found.fill) == (64, 512, "reflect")
    assert [c.id for c in found.legend] == [1, 2, 3, 4, 5]
    assert json.loads((tmp_path / "small" / "model.json").read_text())["figures"] == {"n": 1}
    assert 'name: "small"' in (tmp_path / "small" / "config.pbtxt").read_text()


def test_edges_are_mirrored_in_predictions(small_network) -> None:
    image = np.random.default_rng(2).integers(0, 256, (1, 4, 72, 80), dtype=np.uint8)
    shares = probabilities(small_network, image)
    assert shares.shape == (1, 5, 72, 80)
    flipped = probabilities(small_network, np.ascontiguousarray(image[:, :, ::-1]))
    assert not np.array_equal(shares, flipped)
    assert np.allclose(shares.sum(1), 1, atol=1e-5)


def test_the_8_bit_form_rounds_nothing_after_the_logits(small_network, tmp_path) -> None:
    path, small = tmp_path / "model.onnx", tmp_path / "small.onnx"
    export_graph(small_network, path, 64, tile=64)
    chips = np.random.default_rng(0).integers(0, 256, (4, 4, 192, 192), dtype=np.uint8)
    quantise_graph(path, chips, small)
    operators = [node.op_type for node in onnx.load(small).graph.node]
    assert "QuantizeLinear" in operators[: operators.index("Exp")]
    assert "QuantizeLinear" not in operators[operators.index("Exp") :]


def test_the_first_block_of_the_pretrained_encoder_stays_in_float(small_network, tmp_path) -> None:
    path, small = tmp_path / "model.onnx", tmp_path / "small.onnx"
    export_graph(begun(replace(small_network.shape, pretrained=True), None, 1), path, 96, tile=64)
    quantise_graph(path, np.random.default_rng(0).integers(0, 256, (2, 4, 256, 256), dtype=np.uint8), small)
    graph = onnx.load(small).graph
    weights = {i.name for i in graph.initializer}
    in_float = {n.name for n in graph.node if n.op_type == "Conv" and n.input[1] in weights}
    assert in_float == {
        f"/{part}/Conv" for part in ("pretrained_stem", "blocks.0/look/look.0", "blocks.0/narrow/narrow.0")
    }
