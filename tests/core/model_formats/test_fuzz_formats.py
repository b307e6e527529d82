"""Damaged and hostile model files: one sentence, nothing outside the folder, no memory."""

from __future__ import annotations

import json
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")

from landcover_plugin.core.errors import LandcoverError, ModelError
from landcover_plugin.core.model import ModelSpec, model_json, parse_model, read_model
from landcover_plugin.core.model_formats import AssumptionWarning, import_model
from landcover_plugin.core.model_formats.deepness import KEYS, deepness_fields
from tests.core.model_formats import onnx_networks as nets
from tests.tiny_model import write_tiny_model

BRIEF = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
GOOD = nets.network(keys={"class_names": {"0": "a", "1": "b", "2": "c", "3": "d"}, "resolution": 60})
ONNX = GOOD.SerializeToString()

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just(10**400),
    st.sampled_from(["../x", "/etc/passwd", "a\0b", "C:\\x", "mean", "reflect", "uint8"]),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=10,
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        yield


def import_or_refuse(source: Path, overrides: dict[str, Any] | None = None) -> ModelSpec | None:
    """Import beside the source; whatever happens, nothing but the model's folder may appear."""
    before = {p.name for p in source.parent.parent.iterdir()}
    try:
        spec = import_model(source, source.parent / "m", overrides=overrides)
    except LandcoverError as e:
        assert "\n" not in str(e) and len(str(e)) < 800
        assert {p.name for p in source.parent.iterdir()} - {source.name, "net.onnx"} <= {"m"}
        return None
    finally:
        assert {p.name for p in source.parent.parent.iterdir()} == before
    inside = (source.parent / "m").resolve()
    assert inside in spec.path.resolve().parents
    return spec


@BRIEF
@given(data=st.binary(max_size=300))
def test_any_bytes_called_onnx_are_imported_or_refused(tmp_path: Path, data: bytes) -> None:
    room = tmp_path / "room"
    room.mkdir(exist_ok=True)
    (room / "m.onnx").write_bytes(data)
    import_or_refuse(room / "m.onnx")


@BRIEF
@given(
    edits=st.lists(st.tuples(st.integers(0, len(ONNX) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    end=st.one_of(st.none(), st.integers(0, len(ONNX))),
)
def test_a_damaged_onnx_file_is_imported_or_refused(
    tmp_path: Path, edits: list[tuple[int, int]], end: int | None
) -> None:
    data = bytearray(ONNX)
    for place, byte in edits:
        data[place] = byte
    room = tmp_path / "room"
    room.mkdir(exist_ok=True)
    (room / "m.onnx").write_bytes(bytes(data[:end]))
    import_or_refuse(room / "m.onnx")


def test_the_undamaged_onnx_file_is_imported(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "m.onnx").write_bytes(ONNX)
    assert import_or_refuse(tmp_path / "room" / "m.onnx") is not None


@BRIEF
@given(
    metadata=st.dictionaries(
        st.sampled_from(sorted(KEYS)), st.one_of(st.text(), JSON.map(repr), JSON.map(json.dumps))
    )
)
def test_any_deepness_keys_are_read_or_refused(metadata: dict[str, str]) -> None:
    try:
        deepness_fields(metadata, "m.onnx")
    except LandcoverError as e:
        assert "m.onnx" in str(e)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{" * 5000 + "}" * 5000, "(" * 90_000, "-" * 90_000, "9" * 99_999]
)
def test_nested_and_endless_metadata_are_survived(text: str) -> None:
    with pytest.raises(ModelError, match=r"m\.onnx"):
        deepness_fields({"class_names": text, "resolution": text}, "m.onnx")


def test_metadata_are_never_evaluated(tmp_path: Path) -> None:
    code = f"__import__('pathlib').Path({str(tmp_path / 'x')!r}).touch()"
    with pytest.raises(ModelError, match="no table"):
        deepness_fields({"class_names": code}, "m.onnx")
    assert not (tmp_path / "x").exists()


@BRIEF
@given(
    emd=st.dictionaries(
        st.sampled_from(["ModelFile", "ModelType", "ImageHeight", "ImageWidth", "ModelPadding", "DataRange",
                         "ExtractBands", "Classes", "ModelName", "Version", "Description"]),
        st.one_of(JSON, st.lists(st.fixed_dictionaries({"Value": SCALARS, "Name": SCALARS, "Color": JSON}), max_size=5)),
    )
)  # fmt: skip
@pytest.mark.parametrize("with_file", [True, False])
def test_any_emd_is_imported_or_refused(tmp_path: Path, with_file: bool, emd: dict[str, Any]) -> None:
    room = tmp_path / "room"
    room.mkdir(exist_ok=True)
    (room / "net.onnx").write_bytes(ONNX)
    if with_file:
        emd = {**emd, "ModelFile": "net.onnx", "ModelType": "ImageClassification"}
    (room / "m.emd").write_text(json.dumps(emd))
    import_or_refuse(room / "m.emd", {"pixel_size_m": 1})


def test_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.emd").write_text("[" * 200_000)
    with pytest.raises(ModelError, match="not valid JSON"):
        import_model(tmp_path / "m.emd", tmp_path / "m")


@BRIEF
@given(overrides=st.dictionaries(
    st.sampled_from(["title", "bands", "dtype", "fill", "pixel_size_m", "tile", "halo", "stride", "chip",
                     "overlap_percent", "divisor", "data_range", "mean", "std", "activation", "threshold",
                     "legend", "class_names", "output", "batch"]), JSON, max_size=3))  # fmt: skip
def test_any_overrides_are_taken_or_refused(tmp_path: Path, overrides: dict[str, Any]) -> None:
    room = tmp_path / "room"
    room.mkdir(exist_ok=True)
    (room / "m.onnx").write_bytes(ONNX)
    import_or_refuse(room / "m.onnx", overrides)


@BRIEF
@given(data=st.data())
def test_any_change_to_model_json_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "tiny"
    good = model_json(read_model(folder) if folder.exists() else write_tiny_model(folder))
    changed: dict[str, Any] = json.loads(json.dumps(good))
    for _ in range(data.draw(st.integers(1, 3))):
        place = changed
        if data.draw(st.booleans()) and isinstance(changed.get("input"), dict):
            place = changed["input"]
        place[data.draw(st.sampled_from([*place, "new"]))] = data.draw(JSON)
    try:
        spec = parse_model(changed, "model.json").with_folder(folder)
    except LandcoverError:
        return
    assert folder.resolve() in spec.path.resolve().parents


def test_a_tensor_that_claims_a_terabyte_costs_no_memory(tmp_path: Path) -> None:
    import onnx

    model = nets.network()
    (weights,) = model.graph.initializer
    del weights.dims[:]
    weights.dims.extend([1 << 20, 1 << 20])
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    tracemalloc.start()
    with pytest.raises(ModelError, match=r"m\.onnx"):
        import_model(tmp_path / "m.onnx", tmp_path / "m", overrides={"pixel_size_m": 1})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert onnx.__version__
