"""model.json is read strictly and comes back as it was written."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landcover_plugin.core import model
from landcover_plugin.core.errors import LandcoverError, ModelError
from landcover_plugin.core.model import file_sha256, model_json, parse_model, read_model
from landcover_plugin.core.model_library import best_model, find_model, list_models
from tests.fake_backend import BANDS, fake_spec

GOOD = model_json(fake_spec())


def changed(path: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    at: Any = data
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if value is KeyError:
        del at[last]
    else:
        at[last] = value
    return data


def write_folder(folder: Path, data: dict[str, Any], content: bytes = b"network") -> Path:
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.onnx").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(data), "utf-8")
    return folder


def good_folder(folder: Path, **changes: Any) -> Path:
    write_folder(folder, GOOD)
    data = model_json(fake_spec(sha256=file_sha256(folder / "1" / "model.onnx"), **changes))
    (folder / "model.json").write_text(json.dumps(data), "utf-8")
    return folder


def test_a_spec_comes_back_as_it_was_written() -> None:
    spec = fake_spec(fill=3.0, licence="MIT", figures={"accuracy": 0.9})
    assert parse_model(json.loads(json.dumps(model_json(spec))), "x") == spec


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("legend", KeyError, "'legend' is missing"),
        ("tile", "big", "'tile' must be a whole number"),
        ("tile", True, "'tile' must be a whole number"),
        ("colour", 1, "unknown key 'colour'"),
        ("input.bandz", 1, "unknown key 'bandz'"),
        ("input.bands.0.wave", 1, "unknown key 'wave'"),
        ("legend.0.colour", "green", "like #1a2b3c"),
        ("legend.1.id", 1, "same id"),
        ("legend.1.id", 255, "not between 0 and 254"),
        ("file", "../../etc/passwd", "inside the model folder"),
        ("file", "/etc/passwd", "inside the model folder"),
        ("file", "C:\\model.onnx", "inside the model folder"),
        ("sha256", "abc", "64 lower-case hex"),
        ("task", "detection", "not one of segmentation"),
        ("stride", 48, "multiples of the stride"),
        ("input.fill", "magic", "'mean' or 'reflect'"),
        ("input.pixel_size_m.min", 5.0, "0 < min <= best <= max"),
        ("format", 99, "update the plugin"),
        ("name", "../x", "letters, digits"),
        ("outputs", ["probabilities"], "must name 'classes'"),
    ],
)
def test_a_wrong_key_is_named(path: str, value: Any, fault: str) -> None:
    with pytest.raises(ModelError, match=fault) as caught:
        parse_model(changed(path, value), "model.json")
    assert "\n" not in str(caught.value)


SCHEMA = json.loads((Path(model.__file__).parent / "model.schema.json").read_text("utf-8"))
ABOVE_THE_SCHEMA = {"inside the model folder", "same id", "multiples of the stride", "0 < min <= best <= max"}


def test_the_schema_takes_what_is_written_and_refuses_what_the_reader_refuses() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert validator.is_valid(GOOD)
    for mark in test_a_wrong_key_is_named.pytestmark:
        for path, value, fault in mark.args[1]:
            if fault not in ABOVE_THE_SCHEMA:
                assert not validator.is_valid(changed(path, value)), path


def test_every_model_in_the_repository_is_valid() -> None:
    for path in (Path(__file__).parents[2] / "models").glob("*/model.json"):
        jsonschema.validate(json.loads(path.read_text("utf-8")), SCHEMA)
        assert read_model(path.parent).name == path.parent.name


def test_a_folder_is_read_and_its_file_verified(tmp_path: Path) -> None:
    spec = read_model(good_folder(tmp_path / "fake"))
    assert spec.path == tmp_path / "fake" / "1" / "model.onnx"
    spec.path.write_bytes(b"another network")
    with pytest.raises(ModelError, match="not the file that model.json describes"):
        read_model(tmp_path / "fake")
    spec.path.unlink()
    with pytest.raises(ModelError, match="cannot be read.*import it again"):
        read_model(tmp_path / "fake")


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = good_folder(tmp_path / "fake")
    (tmp_path / "outside.onnx").write_bytes(b"network")
    (folder / "1" / "model.onnx").unlink()
    os.symlink(tmp_path / "outside.onnx", folder / "1" / "model.onnx")
    with pytest.raises(ModelError, match="leads out"):
        read_model(folder)


def test_models_are_found_by_name_and_path_and_the_rest_is_listed(tmp_path: Path) -> None:
    folder = good_folder(tmp_path / "fake")
    write_folder(tmp_path / "broken", {"format": 1})
    assert find_model("fake", [tmp_path]) == find_model(str(folder)) == find_model(str(folder / "model.json"))
    assert [m.name for m in list_models([tmp_path])] == ["fake"]
    with pytest.raises(ModelError, match=r"no model 'nope' \(found: fake\)"):
        find_model("nope", [tmp_path])
    with pytest.raises(ModelError, match="import it first"):
        find_model(str(folder / "1" / "model.onnx"), [tmp_path])


def test_nobody_gets_an_8_bit_form_who_did_not_ask_for_it() -> None:
    best = best_model(4, list_models())
    assert best is not None and best.name == "naip-landcover"
    assert "8-bit" in find_model("naip-landcover-8bit").description


def test_the_best_model_uses_most_bands() -> None:
    nir, rgb = fake_spec(), fake_spec(name="rgb", bands=BANDS[:3])
    assert (
        best_model(4, [rgb, nir]) is nir and best_model(3, [rgb, nir]) is rgb and best_model(1, [nir]) is None
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
paths = st.sampled_from(
    [*GOOD, "input.bands", "input.fill", "input.dtype", "input.pixel_size_m", "input.pixel_size_m.best",
     "input.bands.0", "legend.0", "legend.0.id", "legend.0.name", "legend.0.land_cover"]
)  # fmt: skip


@given(paths, json_values)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_in_a_key_only_our_errors_come_out(path: str, value: Any) -> None:
    try:
        parse_model(changed_item(path, value), "model.json")
    except LandcoverError as e:
        assert "\n" not in str(e)


def changed_item(path: str, value: Any) -> Any:
    data = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    at: Any = data
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    return data


@given(st.binary(max_size=300))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_as_model_json_give_our_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(LandcoverError):
        read_model(tmp_path)


def test_deep_nesting_is_an_error_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("[" * 100_000, "utf-8")
    with pytest.raises(ModelError):
        read_model(tmp_path)
