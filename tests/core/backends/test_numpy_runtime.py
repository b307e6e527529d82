from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landcover_plugin.core.backends import Priority, configure, open_backend
from landcover_plugin.core.backends.numpy_runtime import NumpyRunner
from landcover_plugin.core.errors import BackendError, LandcoverError, ModelError
from landcover_plugin.core.model import SPEC_FILE, file_sha256, model_json, read_model
from tests.landcover_data import landcover_data
from tests.tiny_model import write_brightest_band_model, write_tiny_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ROOT = Path(__file__).resolve().parents[3]
OUTPUTS = ("classes", "probabilities8", "probabilities")


def noise(spec, count=1, seed=0):
    shape = (count, len(spec.bands), spec.chip, spec.chip)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(spec.dtype)


def answers(url, spec, chips, outputs=OUTPUTS):
    with open_backend(url, spec) as backend:
        return backend.submit(chips, outputs).result(120)


def rewritten(spec, model):
    """The spec of a model folder whose graph is another one."""
    spec.path.write_bytes(model.SerializeToString())
    changed = replace(spec, sha256=file_sha256(spec.path))
    (spec.folder / SPEC_FILE).write_text(json.dumps(model_json(changed)), "utf-8")
    return read_model(spec.folder)


def test_classes_are_those_of_the_network(tmp_path: Path) -> None:
    spec = write_brightest_band_model(tmp_path / "m", halo=4)
    picture = noise(spec, 3)
    with open_backend("numpy:", spec) as backend:
        assert backend.numeric_kind == "numpy-float32"
        assert backend.description.startswith(f"NumPy {np.__version__}, CPU, ")
        answer = backend.submit(picture, ("classes", "probabilities8"), Priority.LIVE).result(20)
    assert np.array_equal(answer["classes"], picture[:, :, 4:-4, 4:-4].argmax(1) + 1)
    assert answer["probabilities8"].shape == (3, 4, 64, 64)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([1, 3, 7]),
    st.integers(0, 3),
    st.sampled_from(["uint8", "uint16", "int16", "float32"]),
    st.integers(2, 6),
    st.integers(0, 99),
)
def test_whole_networks_agree_with_onnx_runtime(
    tmp_path: Path, kernel: int, depth: int, dtype: str, classes: int, seed: int
) -> None:
    folder = tmp_path / f"m-{kernel}-{depth}-{dtype}-{classes}-{seed}"
    spec = write_tiny_model(folder, kernel=kernel, depth=depth, dtype=dtype, classes=classes, seed=seed)
    chips = noise(spec, 2, seed)
    mine, theirs = answers("numpy:", spec, chips), answers("onnxruntime:", spec, chips)
    assert (mine["classes"] == theirs["classes"]).mean() >= 0.999
    assert np.abs(mine["probabilities"] - theirs["probabilities"]).max() < 1e-4
    difference = mine["probabilities8"].astype(int) - theirs["probabilities8"]
    assert np.abs(difference).max() <= 1


def test_bits_depend_neither_on_the_batch_nor_the_threads_nor_the_outputs_asked_for(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m", tile=256, halo=8, depth=3, kernel=7)
    picture = noise(spec, 3)
    one, two = NumpyRunner(spec, 1), NumpyRunner(spec, 2)
    together = two.run(picture, OUTPUTS, Priority.BATCH)
    for n in range(3):
        alone = one.run(picture[n : n + 1], OUTPUTS, Priority.BATCH)
        for name in OUTPUTS:
            assert np.array_equal(together[name][n], alone[name][0])
            single = one.run(picture[n : n + 1], [name], Priority.BATCH)[name]
            assert np.array_equal(single, alone[name])
    one.close()
    two.close()


def test_only_what_an_output_needs_is_computed(tmp_path: Path) -> None:
    runner = NumpyRunner(write_tiny_model(tmp_path / "m"), 1)
    steps = {name: len(runner._program._plan((name,))) for name in OUTPUTS}
    assert steps["probabilities"] < steps["classes"]
    assert steps["probabilities"] < steps["probabilities8"] < len(runner._program._steps)
    runner.close()


def test_handles_share_one_runner_and_its_queue(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m")
    one, two = open_backend("numpy:", spec), open_backend("numpy:", read_model(tmp_path / "m"))
    assert one._queue is two._queue
    order: list[str] = []
    waiting = []
    for n in range(4):
        for name, priority in (("batch", Priority.BATCH), ("live", Priority.LIVE)):
            future = one.submit(noise(spec, 8, n), OUTPUTS, priority)
            future.add_done_callback(lambda _, name=name: order.append(name))
            waiting.append(future)
    for future in waiting:
        future.result(30)
    assert order[0] == "batch" or order[0] == "live"
    assert order[1:5].count("live") >= 3, order
    one.close()
    two.close()


def test_the_thread_setting_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(threads=3)
    with open_backend("numpy:", write_tiny_model(tmp_path / "m")) as backend:
        assert backend.description.endswith(", CPU, 3 threads")
    configure()


def test_auto_is_numpy_where_there_is_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delenv("LANDCOVER_PYTHON", raising=False)
    with open_backend("auto", write_tiny_model(tmp_path / "m")) as backend:
        assert backend.numeric_kind == "numpy-float32"
    with pytest.raises(
        BackendError, match=r"^The backend 'numpy:fast' is not known; write 'numpy:' alone\.$"
    ):
        open_backend("numpy:fast", write_tiny_model(tmp_path / "m"))


def test_another_operator_is_named_with_the_way_out(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m")
    model = onnx.load(spec.path)
    relu = next(n for n in model.graph.node if n.op_type == "Softmax")
    relu.op_type = "Hardmax"
    with pytest.raises(BackendError) as found:
        open_backend("numpy:", rewritten(spec, model))
    assert str(found.value) == (
        "Model 'm' uses Hardmax, which NumPy alone does not run; use 'Set up local inference' in the settings, "
        "or name a Python that has onnxruntime in LANDCOVER_PYTHON."
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"halo": 4, "tile": 72}, "shape"),
        ({"dtype": "float32"}, r"takes uint8 of shape"),
        ({"outputs": ("classes", "probabilities")}, r"no output 'probabilities' \(it has classes\)"),
        ({"sha256": "0" * 64}, "SHA-256 differs"),
    ],
)
def test_a_spec_that_lies_about_its_network_is_refused(tmp_path: Path, change, sentence) -> None:
    spec = write_tiny_model(tmp_path / "m", outputs=("classes",))
    with pytest.raises(ModelError, match=sentence):
        open_backend("numpy:", replace(spec, **change))


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_networks_give_one_sentence(tmp_path: Path, data: st.DataObject) -> None:
    spec = write_tiny_model(tmp_path / "m", tile=16, halo=4, bands=2, depth=1, width=4)
    content = bytearray(spec.path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    spec.path.write_bytes(content)
    damaged = replace(spec, sha256=file_sha256(spec.path))
    try:
        runner = NumpyRunner(damaged, 1)
    except LandcoverError as e:
        assert len(str(e).splitlines()) == 1
    else:
        runner.close()


def test_activations_of_a_large_chip_are_freed_as_soon_as_they_are_dead(tmp_path: Path) -> None:
    spec = write_tiny_model(tmp_path / "m", tile=512, halo=8, depth=12, width=32, kernel=7)
    runner = NumpyRunner(spec, 1)
    chips = noise(spec)
    tracemalloc.start()
    runner.run(chips, OUTPUTS, Priority.BATCH)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    layer = 32 * 528 * 528 * 4
    assert peak < 2.5 * layer, f"{peak / layer:.1f} layers were held at once"
    runner.close()


def test_it_runs_where_onnx_onnxruntime_and_torch_cannot_be_imported(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "m")
    code = f"""
import sys
for name in ("onnx", "onnxruntime", "torch", "google", "rasterio", "requests"):
    sys.modules[name] = None
from pathlib import Path
import numpy as np
from landcover_plugin.core.backends import open_backend
from landcover_plugin.core.model import read_model
spec = read_model(Path({str(tmp_path / "m")!r}))
with open_backend("auto", spec) as backend:
    answer = backend.submit(np.zeros((1, 4, spec.chip, spec.chip), np.uint8)).result(60)
print(backend.numeric_kind, answer["classes"].shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "numpy-float32 (1, 64, 64)", done.stderr


def real_chips(spec, count):
    """Chips of nine pictures side by side, so that they have seams but real content."""
    rasterio = pytest.importorskip("rasterio")
    files = sorted(landcover_data("data/naip_chips").glob("*.tif"))
    for k in range(count):
        chosen = files[31 * k :: 53][:9]
        pictures = [rasterio.open(file).read() for file in chosen]
        rows = [np.concatenate(pictures[r : r + 3], 2) for r in (0, 3, 6)]
        yield np.ascontiguousarray(np.concatenate(rows, 1)[None, :, : spec.chip, : spec.chip])


def test_the_2018_model_agrees_on_real_imagery_and_keeps_to_its_memory(tmp_path: Path) -> None:
    from landcover_plugin.core.model_formats.importing import import_model

    source = landcover_data("models/cntk/250epochs.model")
    import_model(source, tmp_path / "m")
    spec = read_model(tmp_path / "m")
    equal = []
    with open_backend("numpy:", spec) as mine, open_backend("onnxruntime:", spec) as theirs:
        for chip in real_chips(spec, 2):
            tracemalloc.start()
            found = mine.submit(chip).result(200)["classes"]
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 500e6, f"{peak / 1e6:.0f} MB"
            equal.append((found == theirs.submit(chip).result(200)["classes"]).mean())
            assert len(np.unique(found)) > 1
    assert min(equal) >= 0.999, equal


SHIPPED = sorted((ROOT / "models").glob("*/model.json")) if (ROOT / "models").is_dir() else []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_every_shipped_model_agrees_on_real_imagery(path: Path) -> None:
    spec = read_model(path.parent)
    equal = []
    with open_backend("numpy:", spec) as mine, open_backend("onnxruntime:", spec) as theirs:
        for picture in real_chips(spec, 4):
            chip = np.ascontiguousarray(picture[:, : len(spec.bands)])  # near infrared is the last
            found = mine.submit(chip).result(200)["classes"]
            equal.append((found == theirs.submit(chip).result(200)["classes"]).mean())
    assert np.mean(equal) >= 0.995, equal
