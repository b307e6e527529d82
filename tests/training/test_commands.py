from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

from landcover_plugin.core.errors import OptionError
from landcover_plugin.core.model import read_model
from landcover_plugin.training.commands import train


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        labels = np.broadcast_to(np.repeat(np.arange(1, 6, dtype=np.uint8), [52, 51, 51, 51, 51]), (256, 256))
        image = (45 * labels + rng.integers(-6, 7, (4, 256, 256))).clip(0, 255).astype(np.uint8)
        for kind, bands in (("images", image), ("labels", labels[None])):
            (tmp_path / kind).mkdir(exist_ok=True)
            profile = {"driver": "GTiff", "dtype": "uint8", "count": len(bands), "height": 256, "width": 256}
            with rasterio.open(tmp_path / kind / f"{i}.tif", "w", **profile) as target:
                target.write(bands)
    return tmp_path


def _segment(folder, *more: str):
    arguments = ["segment", str(folder / "images"), str(folder / "labels"), str(folder / "run"), *more]
    return CliRunner().invoke(train, arguments, catch_exceptions=True)


def test_one_command_goes_from_folders_to_a_model_with_figures_curves_and_a_sheet(pairs) -> None:
    done = _segment(pairs, "--steps", "4", "--batch", "2", "--crop", "64", "--check-every", "2")
    assert done.exit_code == 0, done.output
    run = pairs / "run"
    assert {"checkpoint.pt", "curves.csv", "curves.png", "figures.md", "sheet.png", "model"} <= {
        p.name for p in run.iterdir()
    }
    spec = read_model(run / "model")
    assert spec.figures["validation"]["n"] == 256 * 256
    assert json.loads((run / "model" / "model.json").read_text())["provenance"]["seed"] == 1


def test_a_crop_that_does_not_fit_the_network_is_refused(pairs) -> None:
    done = _segment(pairs, "--crop", "100")
    assert isinstance(done.exception, OptionError)
    assert "multiple of 16" in str(done.exception)


def test_bands_that_are_not_numbers_are_refused(pairs) -> None:
    assert "must be numbers" in str(_segment(pairs, "--bands", "red,green").exception)


def test_help_says_how_to_use_several_processes_and_how_to_go_on() -> None:
    text = CliRunner().invoke(train, ["--help"]).output
    assert "torchrun" in text and "the same command again" in text
    for verb in ("segment", "default", "evaluate"):
        assert verb in text


def test_a_shipped_model_goes_on_learning(pairs) -> None:
    done = _segment(pairs, "--from", "naip-landcover", "--steps", "2", "--batch", "2", "--crop", "64")
    assert done.exit_code == 0, done.output
    assert (pairs / "run" / "model" / "model.json").is_file()


def test_a_model_with_other_bands_is_no_start(pairs) -> None:
    done = _segment(pairs, "--from", "rgb-landcover", "--steps", "2")
    assert isinstance(done.exception, OptionError)
    assert "has 3 bands and 5 classes, but 4 bands and 5 classes are to be learned" in str(done.exception)
