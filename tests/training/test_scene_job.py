from __future__ import annotations

import csv

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

from landcover_plugin.core.errors import OptionError
from landcover_plugin.core.model import read_model
from landcover_plugin.training.commands import train
from landcover_plugin.training.scene_chips import read_scene_chips
from landcover_plugin.training.shipped import shipped_classes


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """Ten dark and ten bright chips in a folder each."""
    folder = tmp_path_factory.mktemp("chips")
    rng = np.random.default_rng(0)
    for i in range(20):
        kind = ("bright", "dark")[i % 2]
        (folder / kind).mkdir(exist_ok=True)
        _write(
            folder / kind / f"{i}.tif", rng.integers(0, 50, (4, 64, 64)) + (150 if kind == "bright" else 20)
        )
    return folder


def _write(path, pixels) -> None:
    profile = {"driver": "GTiff", "dtype": "uint8", "count": len(pixels), "height": pixels.shape[1]}
    with rasterio.open(path, "w", width=pixels.shape[2], **profile) as target:
        target.write(pixels.astype(np.uint8))


@pytest.mark.parametrize("tune", [0, 3])
def test_one_command_goes_from_folders_of_chips_to_a_model(chips, tmp_path, tune) -> None:
    done = CliRunner().invoke(train, ["scenes", str(chips), str(tmp_path), "--tune", str(tune)])
    assert done.exit_code == 0, done.output
    spec = read_model(tmp_path / "model")
    assert spec.task == "chip-classification" and [c.name for c in spec.legend] == ["bright", "dark"]
    read = read_scene_chips(chips, 4, lambda _: None)
    assert np.array_equal(shipped_classes(spec, read.images), read.scenes)
    assert "Overall accuracy 1.000" in (tmp_path / "figures.md").read_text()


def test_a_table_names_chips_scenes_and_places(chips, tmp_path) -> None:
    table = tmp_path / "chips.csv"
    with table.open("w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["image", "scene", "place"])
        for path in sorted(chips.glob("*/*.tif")):
            writer.writerow([path, path.parent.name, f"place {int(path.stem) // 4}"])
    read = read_scene_chips(table, 4, lambda _: None)
    assert len(read.scenes) == 20 and len(set(read.places)) == 5
    for place in set(read.places):
        mine = [p == place for p in read.places]
        assert len(set(read.folds(5)[mine])) == 1


def test_chips_that_cannot_be_read_are_skipped_counted_and_named(chips, tmp_path) -> None:
    for path in chips.glob("*/*.tif"):
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        (tmp_path / path.parent.name / path.name).write_bytes(path.read_bytes())
    (tmp_path / "dark" / "broken.tif").write_bytes(b"no image")
    _write(tmp_path / "dark" / "narrow.tif", np.zeros((4, 64, 72)))
    said: list[str] = []
    assert len(read_scene_chips(tmp_path, 4, said.append).scenes) == 20
    assert said[0].startswith("2 of 22 chips were skipped") and "broken.tif, narrow.tif" in said[0]


def test_one_class_is_not_enough(chips) -> None:
    with pytest.raises(OptionError, match="holds no folders of chips"):
        read_scene_chips(chips / "dark", 4, lambda _: None)
