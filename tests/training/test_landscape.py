"""The generated landscape: repeatable, of every class, and true to itself."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import rasterio

from landcover_plugin.core.backends import open_backend
from landcover_plugin.core.classify import classify
from landcover_plugin.core.model_formats import import_model
from landcover_plugin.core.raster_io import raster_io
from landcover_plugin.training.landscape import CLASSES, compose, generate
from tests.landcover_data import landcover_data

SHARES = {1: 0.049, 2: 0.201, 3: 0.612, 4: 0.090, 5: 0.047}


def read(image: str, truth: str):
    with rasterio.open(image) as pixels, rasterio.open(truth) as classes:
        return pixels.read(), classes.read(1)


@pytest.fixture(scope="module")
def first(landscape):
    return read(landscape.image, landscape.truth)


@pytest.fixture(scope="module")
def second(landscape):
    return read(landscape.image_second_date, landscape.truth_second_date)


def test_each_class_covers_what_it_is_known_to_cover(first):
    _, truth = first
    assert set(np.unique(truth)) == set(CLASSES)
    for class_id, share in SHARES.items():
        assert (truth == class_id).mean() == pytest.approx(share, abs=0.004), CLASSES[class_id]


def test_a_seed_gives_one_landscape_and_another_seed_another():
    once, again, other = compose(256, 7), compose(256, 7), compose(256, 8)
    assert all(np.array_equal(a, b) for a, b in zip(once, again))
    assert (once[1] != other[1]).mean() > 0.05


def test_vegetation_is_bright_in_near_infrared_and_water_dark(first):
    image, truth = first
    red, nir = image[0].astype(float), image[3].astype(float)
    ndvi = (nir - red) / (nir + red)
    assert nir[truth == 1].mean() < 35
    assert np.median(ndvi[truth == 2]) > 0.35
    assert np.median(ndvi[truth == 3]) > 0.1
    assert abs(np.median(ndvi[truth == 4])) < 0.08
    assert np.median(ndvi[truth == 5]) < 0.08


def test_between_the_dates_houses_are_built_and_a_wood_is_felled(first, second):
    before, after = first[1], second[1]
    built, felled = (before != 5) & (after == 5), (before == 2) & (after == 4)
    assert 4_000 < built.sum() < 9_000
    assert 7_000 < felled.sum() < 18_000
    # The rest stays: what changes is where it was changed.
    assert (before != after).mean() < 0.06
    assert ((before == 5) & (after != 5)).mean() < 0.002
    assert np.array_equal(before == 1, after == 1)


def test_fields_change_their_look_without_changing_their_class(first, second):
    low = (first[1] == 3) & (second[1] == 3)
    difference = np.abs(first[0][0].astype(int) - second[0][0])[low]
    assert (difference > 30).mean() > 0.15


def test_the_files_are_georeferenced_and_hold_what_was_composed(tmp_path):
    written = generate(tmp_path / "scene", size=256, seed=3)
    image, truth = compose(256, 3)
    with rasterio.open(written.image) as dataset:
        assert np.array_equal(dataset.read(), image)
        assert dataset.descriptions == ("Red", "Green", "Blue", "NIR")
        assert dataset.crs.to_epsg() == 26918
        assert dataset.res == (1, 1)
        assert dataset.nodata is None
        assert rasterio.enums.ColorInterp.alpha not in dataset.colorinterp
    with rasterio.open(written.truth) as dataset:
        assert np.array_equal(dataset.read(1), truth)
        assert dataset.colormap(1)[1] == (0x3C, 0x7F, 0xB1, 255)
    with rasterio.open(written.image_second_date) as dataset:
        assert not np.array_equal(dataset.read(), image)


def test_a_network_that_knows_only_real_imagery_recognises_it(landscape, first, tmp_path):
    spec = import_model(landcover_data("models/cntk/250epochs.model"), tmp_path / "model")
    source = raster_io().open(landscape.image)
    backend = open_backend("onnxruntime:cpu", spec)
    classify(source, spec, backend, tmp_path / "map.tif", io=raster_io())
    source.close()
    backend.close()
    with rasterio.open(tmp_path / "map.tif") as dataset:
        found = dataset.read(1)
    # The model's classes: 1 water, 2 trees, 3 low vegetation, 4 barren or impervious.
    for truth, model, share in ((1, 1, 0.97), (2, 2, 0.86), (3, 3, 0.96), (5, 4, 0.89)):
        assert (found[first[1] == truth] == model).mean() == pytest.approx(share, abs=0.015), CLASSES[truth]


@pytest.mark.parametrize("size", [64, 255, 300])
def test_small_and_odd_sizes_work(size):
    image, truth = compose(size)
    assert image.shape == (4, size, size)
    assert truth.shape == (size, size)
    assert image.min() >= 1


def test_the_command_asks_for_a_folder():
    command = [sys.executable, "-m", "landcover_plugin.training.landscape"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "FOLDER" in done.stderr
