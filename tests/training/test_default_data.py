from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio

from landcover_plugin.training import default_data as data
from landcover_plugin.training.landscape import SEED


def test_every_year_of_a_place_is_in_one_fold() -> None:
    assert len({data.fold_of(f"chico_014_{year}") for year in (2016, 2018, 2020)}) == 1
    folds = {data.fold_of(f"chico_{i:03d}_2018") for i in range(60)}
    assert folds == {0, 1, 2, 3, 4}


def test_every_chip_of_an_ohio_cluster_is_in_one_fold() -> None:
    assert {data.fold_of(f"ohio_03_{i:02d}") for i in range(40)} == {0}
    assert set(data.OHIO_FOLDS.values()) == {0, 1, 2, 3, 4}


def test_one_quad_of_west_virginia_is_always_held_out() -> None:
    assert data.held_out("m_3708035_ne_1_new", ()) and not data.held_out("m_3708020_sw_1_old", range(5))
    assert data.held_out("ohio_03_07", (0, 3)) and not data.held_out("ohio_03_07", (1,))


def test_every_fold_is_held_out_while_its_network_is_taught() -> None:
    assert sorted(sum(data.TAUGHT_WITHOUT, ())) == list(range(data.FOLDS))
    assert data.taught_without(3) == (0, 3)


def test_at_the_older_date_only_woods_are_labels_to_learn_from(tmp_path: Path) -> None:
    (tmp_path / "chesapeake").mkdir()
    codes = np.full((1, 256, 256), 3, np.uint8)
    codes[0, :9], codes[0, 9:12] = 2, 6
    with rasterio.open(
        tmp_path / "chesapeake" / "m_1_labels.tif", "w", "GTiff", 256, 256, 1, dtype="uint8"
    ) as f:
        f.write(codes)
    newer, older = (data.read_lasting_labels(tmp_path, f"m_1_{date}") for date in ("new", "old"))
    assert set(np.unique(newer)) == {1, 2, 4}
    assert (older[:9] == 1).all() and (older[9:] == 255).all()
    assert (data.read_chesapeake_labels(tmp_path, "m_1_old") == newer).all()


def test_own_labels_lie_on_chips_and_have_known_classes() -> None:
    points = data.read_own_points()
    assert len(points) >= 600
    assert all(0 <= p.row < 256 and 0 <= p.col < 256 for p in points)
    assert 600 <= len(data.read_own_points(files=data.READ_BY_EYE)) < len(points)


def test_generated_chips_are_of_every_class_and_of_no_fold_and_not_of_the_sample_scene() -> None:
    names, images, truth = data.generated_chips()
    assert images.shape == (len(names), 4, 256, 256)
    assert set(np.unique(truth)) == {0, 1, 2, 3, 4}
    assert SEED not in data.GENERATED_SEEDS
    assert {data.group_of(n) for n in names} == {3}
