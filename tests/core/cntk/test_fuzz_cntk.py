"""Damaged and hostile CNTK files end in one sentence, and cost no memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landcover_plugin.core.cntk import read_cntk
from landcover_plugin.core.cntk.dictionary import read_dictionary
from landcover_plugin.core.errors import LandcoverError, ModelError
from landcover_plugin.core.protobuf import DamagedError
from tests.core.cntk import cntk_file as cntk

GOOD = cntk.small_network(np.ones((2, 3, 3, 3), np.float32))
BRIEF = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refuses(tmp_path: Path, data: bytes, match: str) -> None:
    path = tmp_path / "net.model"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=match):
        read_cntk(path)


def read_or_refuse(tmp_path: Path, data: bytes) -> Any:
    path = tmp_path / "net.model"
    path.write_bytes(data)
    try:
        return read_cntk(path)
    except LandcoverError as e:
        assert str(path) in str(e)
        return None


def test_the_undamaged_file_is_read(tmp_path: Path) -> None:
    assert read_or_refuse(tmp_path, GOOD) is not None


@BRIEF
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    read_or_refuse(tmp_path, data)


@BRIEF
@given(
    edits=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    end=st.one_of(st.none(), st.integers(0, len(GOOD))),
)
def test_a_damaged_file_is_read_or_refused(
    tmp_path: Path, edits: list[tuple[int, int]], end: int | None
) -> None:
    data = bytearray(GOOD)
    for place, byte in edits:
        data[place] = byte
    read_or_refuse(tmp_path, bytes(data[:end]))


_ITEMS = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(0, 2**64 - 1),
        st.floats(),
        st.text(max_size=8),
        st.lists(st.integers(0, 2**63), max_size=4).map(tuple),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@BRIEF
@given(op=st.sampled_from([3, 14, 16, 19, 20, 33, 39, 40, 43, 57]), data=st.data())
def test_any_attributes_are_read_or_refused(tmp_path: Path, op: int, data: st.DataObject) -> None:
    names = ["axis", "axisVec", "beginIndex", "endIndex", "newShape", "beginAxis", "strides", "autoPadding",
             "lowerPad", "upperPad", "outputShape", "transpose", "dilation", "epsilon", "spatial",
             "reductionOpName"]  # fmt: skip
    attributes = data.draw(st.dictionaries(st.sampled_from(names), _ITEMS, max_size=5))
    inputs = data.draw(st.lists(st.sampled_from(["image", "w", "f_Output_0", "none"]), max_size=5))
    kernel = np.ones((2, 3, 3, 3), np.float32)
    file = cntk.model(
        "f",
        [cntk.function("f", op, inputs, **attributes)],
        [cntk.variable("image", 0, shape=(8, 8, 3)), cntk.variable("w", 2, kernel)],
    )
    read_or_refuse(tmp_path, file)


def test_an_array_that_claims_more_than_it_holds_costs_no_memory(tmp_path: Path) -> None:
    claims = cntk.Raw(11, cntk.array_message(np.ones(4, np.float32), shape=(1 << 20, 1 << 20)))
    data = cntk.small_network(claims)
    tracemalloc.start()
    refuses(tmp_path, data, r"an array of shape \(1048576, 1048576\) holds 4 numbers")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_length_beyond_the_file_is_refused() -> None:
    with pytest.raises(DamagedError, match="ends too early"):
        read_dictionary(memoryview(cntk.varint(2 << 3 | 2) + cntk.varint(1 << 62) + b"x"))


def test_deep_nesting_is_refused() -> None:
    inner: bytes = cntk.dictionary({})
    for _ in range(3000):
        inner = cntk.message((2, cntk.message((1, b"k"), (2, cntk.Raw(10, inner).data))))
    with pytest.raises(DamagedError, match="nested deeper than 32"):
        read_dictionary(memoryview(inner))


def test_a_file_of_countless_values_is_refused() -> None:
    empty = cntk.message((1, b""))
    with pytest.raises(DamagedError, match="more than 1,000,000 values"):
        read_dictionary(memoryview(cntk.message((2, cntk.message((2, cntk.Raw(9, empty * 1_000_001).data))))))


def test_a_shape_of_countless_dimensions_is_refused() -> None:
    shape = cntk.Raw(7, cntk.message((1, b"\x01" * 100_000)))
    with pytest.raises(DamagedError, match="more than 16 dimensions"):
        read_dictionary(memoryview(cntk.dictionary({"shape": shape})))
