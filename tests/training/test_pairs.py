from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from landcover_plugin.core.errors import ImageryError, OptionError
from landcover_plugin.training.chips import UNLABELLED
from landcover_plugin.training.default_legend import LEGEND
from landcover_plugin.training.pairs import find_pairs, read_pairs, require_classes, split_by_name
from landcover_plugin.training.remap import read_remap

IDS = read_remap(None, LEGEND)


def _write(
    path: Path, bands: np.ndarray, crs: str | None = "EPSG:26910", x: float = 0, pixel: float = 1
) -> Path:
    path.parent.mkdir(exist_ok=True)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": len(bands)}
    profile |= {"height": bands.shape[1], "width": bands.shape[2]}
    if crs:
        profile |= {"crs": crs, "transform": from_origin(x, 1000, pixel, pixel)}
    with rasterio.open(path, "w", **profile) as target:
        target.write(bands)
    return path


def _pair(folder: Path, name: str, size=(300, 280), **label_options) -> None:
    rng = np.random.default_rng(len(name))
    labels = rng.integers(1, 6, (1, *label_options.pop("label_size", size)), dtype=np.uint8)
    _write(folder / "images" / f"{name}.tif", rng.integers(0, 255, (4, *size), dtype=np.uint8))
    _write(folder / "labels" / f"{name}_labels.tif", labels, **label_options)


def _read(folder: Path, table=IDS, said: list | None = None):
    say = (said if said is not None else []).append
    return read_pairs(find_pairs(folder / "images", folder / "labels"), table, (1, 2, 3, 4), say)


def test_images_of_any_size_become_chips_that_cover_them(tmp_path) -> None:
    _pair(tmp_path, "large")
    _pair(tmp_path, "small", size=(100, 200))
    chips = _read(tmp_path)
    assert len(chips) == 5
    assert chips.names[0] == "large row 0 col 0"
    small = chips.names.index("small row 0 col 0")
    assert (chips.hard[small, 100:] == UNLABELLED).all() and (chips.hard[small, :100, :200] < 5).all()
    assert (chips.hard_weight[small, 100:] == 0).all()


def test_a_label_raster_that_covers_a_part_is_cut_to_it(tmp_path) -> None:
    _pair(tmp_path, "a", size=(400, 400), label_size=(300, 260), x=100)
    with rasterio.open(tmp_path / "images" / "a.tif") as source:
        wanted = source.read()[:, :256, 100:356]
    assert np.array_equal(_read(tmp_path).images[0], wanted)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"crs": "EPSG:26911"}, "is in EPSG:26910 but .* in EPSG:26911"),
        ({"x": 5000}, "do not overlap"),
        ({"pixel": 2}, "has pixels of 1 but .* of 2"),
        ({"crs": None, "label_size": (100, 100)}, "without a CRS they cannot be fitted"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused_in_one_sentence(tmp_path, options, sentence) -> None:
    _pair(tmp_path, "a", **options)
    with pytest.raises(ImageryError, match=sentence):
        _read(tmp_path)


def test_a_label_outside_the_table_is_named(tmp_path) -> None:
    _pair(tmp_path, "a")
    _write(tmp_path / "labels" / "a_labels.tif", np.full((1, 300, 280), 77, np.uint8))
    with pytest.raises(OptionError, match="holds the label 77"):
        _read(tmp_path)


def test_a_corrupt_image_is_skipped_counted_and_named(tmp_path) -> None:
    for name in ("a", "b", "c"):
        _pair(tmp_path, name)
    (tmp_path / "images" / "b.tif").write_bytes(b"II*\0 not really")
    said: list[str] = []
    assert len(_read(tmp_path, said=said)) == 8
    assert said[0].startswith("1 of 3 pairs were skipped") and "b.tif" in said[0]


def test_empty_and_missing_folders_are_said_at_once(tmp_path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(OptionError, match="holds no images"):
        find_pairs(tmp_path / "images", tmp_path)
    with pytest.raises(OptionError, match="There is no folder"):
        find_pairs(tmp_path / "nowhere", tmp_path)
    _pair(tmp_path, "a")
    with pytest.raises(OptionError, match="has the name of an image"):
        find_pairs(tmp_path / "images", tmp_path / "images")


def test_a_class_that_training_never_sees_is_named_before_it_starts(tmp_path) -> None:
    _pair(tmp_path, "a")
    chips = _read(tmp_path)
    chips.hard[chips.hard == 3] = 2
    with pytest.raises(OptionError, match="No training pixel is 'barren'"):
        require_classes(chips, [c.name for c in LEGEND])


def test_chips_of_one_image_never_lie_on_both_sides_of_the_split() -> None:
    names = [f"image{i} row {r} col 0" for i in range(10) for r in (0, 256)]
    held = split_by_name(names, 0.2, seed=1)
    assert held.sum() == 4
    assert len({n.split(" row ")[0] for n, h in zip(names, held) if h}) == 2


def test_the_chesapeake_table_merges_roads_and_leaves_no_data_out(tmp_path) -> None:
    labels = np.array([[1, 2, 3], [5, 6, 15]], np.uint8)
    found = read_remap("chesapeake", LEGEND).channels(labels, "x.tif")
    assert found.tolist() == [[0, 1, 2], [4, 4, UNLABELLED]]


def test_a_table_of_ones_own_is_read_from_csv(tmp_path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("from,to\n10,1\n20,5\n0,\n")
    assert read_remap(str(table), LEGEND).channels(np.array([[10, 20, 0]]), "x").tolist() == [
        [0, 4, UNLABELLED]
    ]
    table.write_text("from,to\n10,9\n")
    with pytest.raises(OptionError, match="leads to class 9"):
        read_remap(str(table), LEGEND)
    with pytest.raises(OptionError, match="There is no table 'nothing'"):
        read_remap("nothing", LEGEND)
