from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from landcover_plugin.core.backends.agreement import (
    Agreement,
    agree,
    canary,
    combined_kind,
    equal_share,
    numeric_kind,
)
from landcover_plugin.core.errors import ModelError
from tests.fake_backend import fake_spec

SPEC = fake_spec()
WHERE = "http://a:8000"
METADATA: dict[str, Any] = {
    "name": "fake",
    "versions": ["2", "10", "9"],
    "platform": "onnxruntime_onnx",
    "inputs": [{"name": "chips", "datatype": "UINT8", "shape": [-1, 4, -1, -1]}],
    "outputs": [
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3, -1, -1]},
        {"name": "classes", "datatype": "UINT8", "shape": [-1, -1, -1]},
        {"name": "probabilities8", "datatype": "UINT8", "shape": [-1, 3, 64, 64]},
    ],
}


def changed(path: str, value: Any) -> Any:
    """The metadata with one thing in it changed; None removes it."""
    found = copy.deepcopy(METADATA)
    keys = [int(key) if key.isdecimal() else key for key in path.split("/")]
    place: Any = found
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return found


def test_a_fitting_server_is_asked_for_its_highest_version() -> None:
    assert agree(SPEC, METADATA, WHERE) == Agreement("10", None, False)


@pytest.mark.parametrize("versions", [[], None, ["latest"]])
def test_versions_are_optional(versions: Any) -> None:
    assert agree(SPEC, {**METADATA, "versions": versions}, WHERE).version is None


def test_whole_numbers_may_be_texts_and_sides_may_be_fixed() -> None:
    found = agree(SPEC, changed("inputs/0/shape", ["-1", "4", "80", "80"]), WHERE)
    assert found.has_fixed_side
    assert canary(SPEC, found).shape == (1, 4, 80, 80)
    assert canary(SPEC, agree(SPEC, METADATA, WHERE)).shape == (1, 4, 48, 48)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("name", "other", "it is called 'other'"),
        ("inputs/0/name", "image", "its inputs are image, not chips"),
        ("inputs/0/datatype", "FP32", "chips is FP32, not UINT8"),
        ("inputs/0/shape", [-1, 3, -1, -1], "chips has the shape"),
        ("inputs/0/shape", [4, -1, -1], "chips has the shape"),
        ("inputs/0/shape", "many", "its inputs are none"),
        ("inputs", None, "its inputs are none"),
        ("outputs/1", None, "it has no output classes"),
        ("outputs/0/shape", [-1, 5, -1, -1], "probabilities has the shape"),
        ("outputs/2/shape", [-1, 3, 80, 80], "probabilities8 has the shape"),
        ("outputs/1/datatype", "INT64", "classes is INT64, not UINT8"),
        ("parameters", {"sha256": "f" * 64}, "another SHA-256"),
    ],
)
def test_what_does_not_fit_is_one_sentence(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence) as found:
        agree(SPEC, changed(path, value), WHERE)
    assert str(found.value).startswith("Model 'fake' at http://a:8000 does not fit its model.json: ")
    assert str(found.value).count(". ") == 0 and str(found.value).endswith("there.")


@pytest.mark.parametrize("metadata", [None, [], "x", 3])
def test_metadata_may_be_anything(metadata: Any) -> None:
    with pytest.raises(ModelError, match="not a JSON object"):
        agree(SPEC, metadata, WHERE)


def test_a_kind_depends_on_software_and_bits_only() -> None:
    agreement = agree(SPEC, METADATA, WHERE)
    answer = {"probabilities": np.linspace(0, 1, 9, dtype=np.float32)}
    server = {"name": "triton", "version": "2.51.0"}
    kind = numeric_kind(agreement, server, METADATA, answer)
    assert kind == numeric_kind(
        agreement, dict(server), METADATA, {"probabilities": answer["probabilities"].copy()}
    )
    other = answer["probabilities"].copy()
    other[3] = np.nextafter(other[3], np.float32(1))
    assert kind != numeric_kind(agreement, server, METADATA, {"probabilities": other})
    assert kind != numeric_kind(agreement, {**server, "version": "2.52.0"}, METADATA, answer)
    told = Agreement(None, "onnxruntime-cpu-float32", False)
    assert numeric_kind(told, server, METADATA, answer) == "onnxruntime-cpu-float32"


def test_what_http_leaves_empty_and_grpc_leaves_out_is_the_same() -> None:
    answer = {"classes": np.zeros((1, 2, 2), np.uint8)}
    kinds = {
        numeric_kind(Agreement(None, None, False), {"name": "mlserver"}, {"name": "m", **platform}, answer)
        for platform in ({}, {"platform": ""}, {"platform": None})
    }
    assert len(kinds) == 1


def test_a_mixture_of_kinds_has_a_kind_of_its_own() -> None:
    assert combined_kind(["a", "a"]) == "a"
    assert combined_kind(["a", "b"]) == combined_kind(["b", "a", "b"]) != combined_kind(["a", "c"])
    assert combined_kind(["a", "b"]).startswith("mixed-")


def test_equal_classes_are_counted() -> None:
    a = {"classes": np.array([1, 2, 3, 4])}
    assert equal_share(a, {"classes": np.array([1, 2, 3, 1])}) == 0.75
    assert equal_share(a, {"classes": np.array([1, 2])}) == equal_share(a, {}) == 0


def test_one_class_a_chip_may_have_a_dimension_of_its_own() -> None:
    spec = fake_spec(task="chip-classification", outputs=("classes",))
    for shape in ([-1], [-1, 1]):
        agree(
            spec, {**METADATA, "outputs": [{"name": "classes", "datatype": "UINT8", "shape": shape}]}, WHERE
        )
