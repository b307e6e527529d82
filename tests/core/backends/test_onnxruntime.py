from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landcover_plugin.core.backends import Priority, configure, open_backend
from landcover_plugin.core.errors import BackendError, ModelError
from landcover_plugin.core.legend import LandClass, Legend
from landcover_plugin.core.model import SPEC_FILE, file_sha256, model_json, read_model
from tests.tiny_model import write_brightest_band_model, write_tiny_model

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


def chips(spec, count=1, seed=0):
    shape = (count, len(spec.bands), spec.chip, spec.chip)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_classes_are_those_of_the_network(tmp_path: Path) -> None:
    spec = write_brightest_band_model(tmp_path / "m", halo=4)
    backend = open_backend("onnxruntime:cpu", spec)
    assert backend.numeric_kind == "onnxruntime-cpu-float32"
    assert backend.description.startswith("ONNX Runtime 1.")
    picture = chips(spec, 5)
    answer = backend.submit(picture, ("classes", "probabilities8"), Priority.LIVE).result(20)
    assert np.array_equal(answer["classes"], picture[:, :, 4:-4, 4:-4].argmax(1) + 1)
    assert answer["probabilities8"].shape == (5, 4, 64, 64)
    backend.close()


def test_an_answer_that_is_kept_holds_no_memory_but_its_own(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m")
    backend = open_backend("onnxruntime:", spec)
    for count in (1, 3):
        answer = backend.submit(chips(spec, count), spec.outputs).result(30)
        # else one tile in a cache would hold the session's whole pool, long after the session went
        assert all(array.flags.owndata for array in answer.values())
    backend.close()


def test_a_batch_gives_the_bits_of_its_chips_alone(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m", tile=256, halo=8, depth=3, kernel=7)
    backend = open_backend("onnxruntime:", spec)
    picture = chips(spec, 7)
    together = backend.submit(picture, spec.outputs).result(30)
    for n in range(7):
        alone = backend.submit(picture[n : n + 1], spec.outputs).result(30)
        for name in spec.outputs:
            assert np.array_equal(together[name][n], alone[name][0])
    backend.close()


def test_handles_of_one_model_share_a_session_and_auto_is_one_of_them(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m")
    one, two = open_backend("auto", spec), open_backend("onnxruntime:cpu", read_model(tmp_path / "m"))
    assert one._queue is two._queue
    one.close()
    assert two.submit(chips(spec)).result(10)["classes"].shape == (1, 64, 64)
    two.close()


def test_threads_follow_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = write_tiny_model(tmp_path / "m")
    monkeypatch.setenv("LANDCOVER_THREADS", "3")
    with open_backend("onnxruntime:", spec) as backend:
        assert backend.description.endswith(", CPU, 3 threads")
    configure(threads=1)
    with open_backend("onnxruntime:", replace(spec, title="another")) as backend:
        assert backend.description.endswith(", CPU, 1 thread")
    configure()


@pytest.mark.parametrize("url", ["onnxruntime:cuda", "onnxruntime:quantum"])
def test_an_unknown_provider_names_those_there_are(tmp_path: Path, url: str) -> None:
    spec = write_tiny_model(tmp_path / "m")
    with pytest.raises(BackendError, match=r"no execution provider '\w+' here \(available: cpu\)"):
        open_backend(url, spec)


@pytest.mark.parametrize("url", ["", "gpu", "nonsense:1", "auto:fast"])
def test_an_unknown_backend_is_one_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(BackendError, match=r"^The backend '.*' is not known; .*\.$"):
        open_backend(url, write_tiny_model(tmp_path / "m"))


def test_a_legend_that_does_not_fit_is_refused_at_opening(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m", classes=3)
    shorter = replace(spec, legend=Legend(spec.legend.classes[:2]))
    with pytest.raises(ModelError, match=r"'classes' holds class 3, which is not in its legend"):
        open_backend("onnxruntime:", replace(shorter, outputs=("classes",)))
    longer = replace(spec, legend=Legend((*spec.legend.classes, LandClass(9, "more", "#000000"))))
    with pytest.raises(ModelError, match=r"legend of 4 classes"):
        open_backend("onnxruntime:", longer)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"halo": 4, "tile": 72}, "shape"),
        ({"dtype": "float32"}, r"takes tensor\(uint8\)"),
        ({"bands": ()}, "1 to 64 bands"),
    ],
)
def test_a_spec_that_lies_about_its_network_is_refused(tmp_path: Path, change, sentence) -> None:
    spec = write_tiny_model(tmp_path / "m")
    with pytest.raises(ModelError, match=sentence):
        open_backend("onnxruntime:", replace(spec, **change))


def test_an_output_that_the_file_lacks_is_named(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m", outputs=("classes",))
    with pytest.raises(ModelError, match=r"no output 'probabilities' \(it has classes\)"):
        open_backend("onnxruntime:", replace(spec, outputs=("classes", "probabilities")))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m")
    for junk in (b"", b"junk" * 100, spec.path.read_bytes()[:200]):
        spec.path.write_bytes(junk)
        with pytest.raises(ModelError, match="SHA-256 differs"):
            open_backend("onnxruntime:", spec)
        lying = replace(spec, sha256=file_sha256(spec.path))
        (tmp_path / "m" / SPEC_FILE).write_text(json.dumps(model_json(lying)))
        with pytest.raises(ModelError, match=r"model\.onnx"):
            open_backend("onnxruntime:", lying)
