from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from landcover_plugin.core.backends.tensors import TensorError, decode, encode, split

DTYPES = ("uint8", "uint16", "int16", "float32")
SHAPES = arrays_of.array_shapes(min_dims=1, max_dims=4, max_side=5)
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays_of.arrays(
        dtype, SHAPES, elements=st.floats(-1e6, 1e6, width=32) if dtype == "float32" else None
    )
)


@given(st.lists(st.tuples(ARRAYS, st.booleans()), min_size=1, max_size=4))
def test_tensors_come_back_as_they_went(tensors: list[tuple[Any, bool]]) -> None:
    arrays = {f"t{n}": array for n, (array, _) in enumerate(tensors)}
    binary = {f"t{n}": raw for n, (_, raw) in enumerate(tensors)}
    body, length = encode({"id": "7"}, "outputs", arrays, binary)
    message, raw = split(bytearray(body), None if length is None else str(length))
    found = decode(message["outputs"], raw)
    assert message["id"] == "7"
    assert (length is None) == (not any(binary.values()))
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_raw_tensors_are_not_copied_and_may_be_changed() -> None:
    body, length = encode({}, "inputs", {"a": np.zeros(4, np.uint8)}, {"a": True})
    buffer = bytearray(body)
    _, raw = split(buffer, str(length))
    message, _ = split(buffer, str(length))
    array = decode(message["inputs"], raw)["a"]
    array[0] = 9
    assert buffer[-4] == 9


def entry(**changed: Any) -> dict[str, Any]:
    return {"name": "a", "datatype": "UINT8", "shape": [2, 2], "data": [1, 2, 3, 4], **changed}


def raw_entry(size: Any, **changed: Any) -> dict[str, Any]:
    return {
        "name": "a",
        "datatype": "UINT8",
        "shape": [2, 2],
        "parameters": {"binary_data_size": size},
    } | changed


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]], [1.0, 2, 3, 4]])
def test_json_data_may_be_flat_or_nested(data: Any) -> None:
    assert decode([entry(data=data)], memoryview(b""))["a"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({}, "list"),
        ([1], "object"),
        ([entry(name=3)], "name"),
        ([entry(datatype="FP16")], "datatype FP16"),
        ([entry(datatype=["UINT8"])], "datatype"),
        ([entry(shape=[-1, -4])], "positive"),
        ([entry(shape=[True, 4])], "positive"),
        ([entry(shape=[10**30])], "positive"),
        ([entry(shape=[2**30] * 8)], "must hold"),
        ([entry(shape=[])], "positive"),
        ([entry(data=None)], "neither"),
        ([entry(data=[1, 2, 3])], "must hold 4"),
        ([entry(data=[[1, 2], [3]])], "numbers"),
        ([entry(data=["1", "2", "3", "4"])], "numbers"),
        ([entry(data=[1, 2, 3, 300])], "between 0 and 255"),
        ([entry(data=[1, 2, 3, 10**40])], "between"),
        ([entry(data=[1, 2, 3, 10**400])], "numbers"),
        ([entry(data=["a" * 10**7, *[""] * 10**6])], "numbers"),
        ([entry(data=[1, 2, 3, True])], "numbers"),
        ([entry(data=[1, 2, 3, None])], "numbers"),
        ([entry(data=[1, 2, 3, 1.5])], "whole"),
        ([entry(data=[1, 2, 3, float("nan")])], "between"),
        ([entry(), entry()], "twice"),
        ([entry(parameters=[])], "parameters"),
        ([raw_entry(3)], "needs 4 bytes"),
        ([raw_entry("4")], "needs 4 bytes"),
        ([raw_entry(-4)], "needs 4 bytes"),
        ([raw_entry(4, shape=[2, 3])], "needs 6 bytes"),
        ([raw_entry(4)], "2 bytes follow"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused(entries: Any, sentence: str) -> None:
    with pytest.raises(TensorError, match=sentence):
        decode(entries, memoryview(bytearray(6)))


@pytest.mark.parametrize("length", ["-1", "1e3", "99", "9" * 40, "", "٣"])
def test_a_header_length_that_lies_is_refused(length: str) -> None:
    with pytest.raises(TensorError):
        split(bytearray(b"{}1234"), length)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b"1"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(TensorError):
        split(bytearray(body), None)


def test_nothing_of_a_message_is_evaluated_as_anything_but_json() -> None:
    body, _ = encode({}, "outputs", {"a": np.array([np.nan], np.float32)}, {})
    assert np.isnan(decode(json.loads(body)["outputs"], memoryview(b""))["a"][0])
