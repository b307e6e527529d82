from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from landcover_plugin.cli.bench import bench
from landcover_plugin.core.backends import configure
from tests.tiny_model import write_brightest_band_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def run(*arguments: Any) -> Any:
    try:
        return CliRunner().invoke(bench, [str(a) for a in arguments])
    finally:
        configure()


def test_every_way_to_run_a_model_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    from landcover_plugin.server.app import make_app
    from landcover_plugin.server.models import ServedModels
    from tests.server.serving import served

    monkeypatch.setenv("LANDCOVER_PYTHON", sys.executable)
    spec = write_brightest_band_model(tmp_path / "brightest")
    models = ServedModels()
    models.load("brightest", spec, "onnxruntime:cpu")
    with served(make_app(models, bearer=None)) as url:
        urls = ["onnxruntime:cpu", "numpy:", "worker:", url]
        given = [part for u in urls for part in ("--backend", u)]
        done = run("--model", tmp_path / "brightest", *given, "--in-flight", "1,2", "--batch", "1,2",
                   "--seconds", "0.05", "--rounds", "2", "--csv", tmp_path / "b.csv",
                   "--plot", tmp_path / "b.svg")  # fmt: skip
    models.close()
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "b.csv").open()))
    assert [row["backend"] for row in rows] == [u for u in urls for _ in range(4)] + ["FPGA"]
    assert all(float(row["chips_per_s"]) > 1 for row in rows)
    assert rows[0]["busy_of"] == "CPU" and rows[-2]["busy_share"] == ""
    assert "another network on other hardware" in done.output
    assert (tmp_path / "b.svg").read_text().count("<polyline") == 8


def test_wrong_calls_are_refused(tmp_path: Path) -> None:
    for option in (["--in-flight", "1,x"], ["--in-flight", "0"], ["--batch", "9999"], ["--seconds", "0"]):
        assert run("--model", "m", *option).exit_code == 2
    assert run().exit_code == 2


def test_a_backend_that_is_not_there_is_left_out_and_alone_an_error(tmp_path: Path) -> None:
    from landcover_plugin.core.errors import BackendError, OutputError

    spec = write_brightest_band_model(tmp_path / "brightest")
    quick = ["--model", spec.folder, "--in-flight", "1", "--seconds", "0.05", "--rounds", "1"]
    done = run(*quick, "--backend", "http://127.0.0.1:9", "--backend", "numpy:")
    assert done.exit_code == 0 and "brightest on http://127.0.0.1:9 is left out: No answer" in done.output
    assert isinstance(run(*quick, "--backend", "http://127.0.0.1:9").exception, BackendError)
    nowhere = run(*quick, "--backend", "numpy:", "--csv", tmp_path / "no" / "b.csv")
    assert isinstance(nowhere.exception, OutputError)
