from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from landcover_plugin.core.errors import ImageryError, OptionError
from landcover_plugin.core.model import read_model
from landcover_plugin.training.chips import UNLABELLED, empty_set
from landcover_plugin.training.default_legend import LEGEND
from landcover_plugin.training.export import export_model, segmentation_spec
from landcover_plugin.training.partial import add_points, add_polygons, add_teacher


@pytest.fixture
def chips():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 256, 256), dtype=np.uint8)
    names = ["a row 0 col 0", "a row 0 col 256"]
    return empty_set(names, images, np.zeros(2, np.int64), ["pairs"])


def test_a_point_labels_the_square_around_it_on_the_chip_that_holds_it(chips, tmp_path) -> None:
    table = tmp_path / "points.csv"
    table.write_text("image,col,row,class,weight\na,300,10,barren,0.5\na,5,6,1,\nb,1,1,water,\n")
    assert add_points(chips, table, LEGEND) == 2
    assert (chips.hard[1, 9:12, 43:46] == 3).all()
    assert (chips.hard_weight[1, 9:12, 43:46] == 32).all()
    assert (chips.hard != UNLABELLED).sum() == 18
    assert [(a.chip, a.row, a.col, a.class_index) for a in chips.anchors] == [(1, 10, 44, 3), (0, 6, 5, 0)]


def test_a_point_of_an_unknown_class_is_named_with_its_line(chips, tmp_path) -> None:
    table = tmp_path / "points.csv"
    table.write_text("image,col,row,class\na,1,1,snow\n")
    with pytest.raises(OptionError, match="line 2: the legend has no class 'snow'"):
        add_points(chips, table, LEGEND)
    table.write_text("picture,x,y\na,1,1\n")
    with pytest.raises(OptionError, match="must have the columns image, col, row and class"):
        add_points(chips, table, LEGEND)


def test_polygons_label_the_pixels_inside_them(chips, tmp_path) -> None:
    image = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 256, "width": 512}
    with rasterio.open(image, "w", crs="EPSG:26910", transform=from_origin(0, 256, 1, 1), **profile):
        pass
    ring = [[250, 246], [270, 246], [270, 256], [250, 256], [250, 246]]
    feature = {"type": "Feature", "properties": {"class": "water"}}
    feature["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    shapes = tmp_path / "shapes.geojson"
    shapes.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert add_polygons(chips, shapes, {"a": image}, LEGEND) == 200
    assert (chips.hard[0, :10, 250:] == 0).all() and (chips.hard[1, :10, :14] == 0).all()
    feature["properties"]["class"] = "ice"
    shapes.write_text(json.dumps({"features": [feature]}))
    with pytest.raises(OptionError, match="polygon 0 has the class 'ice'"):
        add_polygons(chips, shapes, {"a": image}, LEGEND)


def test_a_teachers_shares_become_soft_labels(chips, small_network, tmp_path) -> None:
    spec = segmentation_spec("teacher", "Teacher", "", small_network, {}, {})
    export_model(small_network, spec, tmp_path / "teacher")
    teacher = read_model(tmp_path / "teacher")
    add_teacher(chips, teacher, LEGEND, 0.7)
    assert chips.soft.shape == (2, 5, 128, 128)
    assert np.abs(chips.soft.astype(int).sum(1) - 254).max() <= 4
    assert chips.soft_weight.tolist() == [np.float32(0.7)] * 2
    with pytest.raises(ImageryError, match="reads 4 bands but the training imagery has 3"):
        add_teacher(chips.with_bands((0, 1, 2)), teacher, LEGEND)
