"""The batch job: tiled equals untiled, resumed equals undisturbed, faults leave nothing behind."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover_plugin.core.classify import ClassifyOptions, classify
from landcover_plugin.core.errors import (
    BackendError,
    CancelledError,
    ImageryError,
    LandcoverError,
    OptionError,
    OutputError,
)
from landcover_plugin.core.grid import Extent
from landcover_plugin.core.progress import Progress, Silent
from landcover_plugin.core.raster_io import Polygon, raster_io
from tests.fake_backend import BANDS, FakeBackend, fake_spec, scores_of
from tests.rasters import noise, read_raster, write_raster

RGB = BANDS[:3]


class Listener(Silent):
    """Remembers what it was told; stops the job after some tiles."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.infos: list[str] = []
        self.warnings: list[str] = []
        self.steps: list[Progress] = []
        self._stop_after = stop_after

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, progress: Progress) -> None:
        self.steps.append(progress)

    def is_cancelled(self) -> bool:
        return self._stop_after is not None and len(self.steps) >= self._stop_after


def run(
    image: Path,
    out: Path,
    spec: Any = None,
    backend: Any = None,
    listener: Listener | None = None,
    adapter: str = "rasterio",
    **options: Any,
) -> Any:
    spec = spec or fake_spec(bands=RGB)
    backend = backend or FakeBackend(spec)
    io = raster_io(adapter)
    source = io.open(str(image))
    try:
        return classify(
            source, spec, backend, out, ClassifyOptions(**options), io=io, reporter=listener or Silent()
        )
    finally:
        source.close()
        backend.close()


def whole_at_once(values: np.ndarray, reach: int) -> np.ndarray:
    padded = np.pad(values, ((0, 0), (reach, reach), (reach, reach)), mode="reflect") if reach else values
    return scores_of(padded, reach)


@pytest.mark.parametrize("adapter", ["gdal", "rasterio"])
def test_a_map_has_classes_palette_names_overviews_and_provenance(tmp_path: Path, adapter: str) -> None:
    import rasterio

    values = noise(3, 700, 900)
    image = write_raster(tmp_path / "a.tif", values)
    result = run(image, tmp_path / "map.tif", adapter=adapter)
    np.testing.assert_array_equal(read_raster(tmp_path / "map.tif")[0], 1 + values.argmax(axis=0))
    with rasterio.open(tmp_path / "map.tif") as dataset, rasterio.open(image) as source:
        assert dataset.transform == source.transform and dataset.crs == source.crs
        assert dataset.nodata == 255 and dataset.dtypes == ("uint8",)
        assert dataset.colormap(1)[2] == (0, 128, 0, 255)
        assert dataset.overviews(1) == [2, 4]
        tags = dataset.tags()
    assert tags["LANDCOVER_MODEL"] == "fake 1" and tags["LANDCOVER_IMAGERY"] == "a.tif"
    assert raster_io(adapter).classes_of(str(tmp_path / "map.tif")) == {
        1: ("Water", "#0000ff"),
        2: ("Trees & shrubs", "#008000"),
        3: ("Grass", "#80ff80"),
    }
    assert sum(result.pixels.values()) == 700 * 900 and result.inferred == 11 * 15
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "map.tif", "map.tif.aux.xml"]


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    tile=st.sampled_from([16, 37, 64, 128]),
    reach=st.sampled_from([0, 3, 8]),
)
@settings(max_examples=25)
def test_tiled_equals_untiled(tmp_path_factory: Any, height: int, width: int, tile: int, reach: int) -> None:
    if min(height, width) <= reach:
        reach = 0
    folder = tmp_path_factory.mktemp("seams")
    values = noise(3, height, width, seed=height * 1000 + width)
    spec = fake_spec(tile=tile, halo=8, bands=RGB)
    run(
        write_raster(folder / "a.tif", values),
        folder / "map.tif",
        spec,
        FakeBackend(spec, reach=reach),
        probabilities=folder / "p.tif",
        probability_dtype="float32",
    )
    scores = whole_at_once(values, reach)
    np.testing.assert_allclose(read_raster(folder / "p.tif"), scores, atol=1e-5)
    decided = np.sort(scores, axis=0)
    clear = decided[-1] - decided[-2] > 1e-5
    np.testing.assert_array_equal(read_raster(folder / "map.tif")[0][clear], 1 + scores.argmax(axis=0)[clear])


@pytest.mark.parametrize("tile", [128, 256, 512, 1024])
@pytest.mark.parametrize(("height", "width"), [(1, 1500), (1501, 1), (1111, 777)])
def test_tiles_of_any_size_give_the_same_map(tmp_path: Path, tile: int, height: int, width: int) -> None:
    values = noise(3, height, width)
    spec = fake_spec(tile=tile, halo=64, bands=RGB)
    reach = 0 if min(height, width) == 1 else 7
    image = write_raster(tmp_path / "a.tif", values)
    run(image, tmp_path / "map.tif", spec, FakeBackend(spec, reach=reach))
    expected = 1 + whole_at_once(values, reach).argmax(axis=0)
    assert (read_raster(tmp_path / "map.tif")[0] == expected).mean() > 0.9999


def test_an_extent_gives_the_same_pixels_as_the_whole(tmp_path: Path) -> None:
    values = noise(3, 900, 900)
    image = write_raster(tmp_path / "a.tif", values)
    spec = fake_spec(bands=RGB)
    x, y = 400_000.2, 3_800_000.4
    extent = Extent(x + 100 * 0.6, y - 800 * 0.6, x + 777 * 0.6, y - 33 * 0.6)
    run(image, tmp_path / "part.tif", spec, FakeBackend(spec, reach=5), extent=extent)
    run(image, tmp_path / "all.tif", spec, FakeBackend(spec, reach=5))
    np.testing.assert_array_equal(
        read_raster(tmp_path / "part.tif")[0], read_raster(tmp_path / "all.tif")[0][33:800, 100:777]
    )


def test_holes_become_nodata_and_empty_tiles_are_not_sent(tmp_path: Path) -> None:
    values = noise(3, 256, 256) | 1
    values[:, :128, :128] = 0
    spec = fake_spec(bands=RGB)
    backend = FakeBackend(spec)
    run(write_raster(tmp_path / "a.tif", values, nodata=0), tmp_path / "map.tif", spec, backend,
        confidence=tmp_path / "sure.tif", probabilities=tmp_path / "p.tif")  # fmt: skip
    got = read_raster(tmp_path / "map.tif")[0]
    assert (got[:128, :128] == 255).all() and (got[128:] != 255).all()
    assert (read_raster(tmp_path / "p.tif")[:, :128, :128] == 255).all()
    assert (read_raster(tmp_path / "sure.tif")[0][128:, 128:] <= 254).all()
    assert backend.requests == 12


def test_a_mask_leaves_the_rest_alone(tmp_path: Path) -> None:
    from shapely.geometry import box

    values = noise(3, 256, 256)
    x, y = 400_000.2, 3_800_000.4
    zone = box(x + 10 * 0.6, y - 60 * 0.6, x + 90 * 0.6, y - 20 * 0.6)
    polygons = (Polygon("zone", zone.wkb, Extent(*zone.bounds)),)
    spec = fake_spec(bands=RGB)
    backend = FakeBackend(spec)
    run(write_raster(tmp_path / "a.tif", values), tmp_path / "map.tif", spec, backend, mask=polygons)
    got = read_raster(tmp_path / "map.tif")[0]
    inside = np.zeros((256, 256), bool)
    inside[20:60, 10:90] = True
    np.testing.assert_array_equal(got != 255, inside)
    assert backend.requests == 2


@pytest.mark.parametrize(("wanted", "level"), [(0.6, 0), (1.2, 1), (2.4, 2), (4.8, 3)])
def test_a_pixel_size_chooses_the_level(tmp_path: Path, wanted: float, level: int) -> None:
    values = noise(3, 300, 300)
    result = run(write_raster(tmp_path / "a.tif", values), tmp_path / "map.tif", pixel_size_m=wanted)
    assert result.level == level
    side = -(-300 // 2**level)
    assert read_raster(tmp_path / "map.tif").shape == (1, side, side)


def test_resumed_equals_undisturbed_byte_for_byte_and_repeats_nothing(tmp_path: Path) -> None:
    values = noise(3, 700, 700)
    image = write_raster(tmp_path / "a.tif", values)
    spec = fake_spec(bands=RGB)
    run(image, tmp_path / "calm.tif", spec)
    stops = 0
    while True:
        listener = Listener(stop_after=17)
        try:
            result = run(image, tmp_path / "stormy.tif", spec, listener=listener)
        except CancelledError:
            stops += 1
            assert not (tmp_path / "stormy.tif").exists()
            continue
        break
    assert stops == 7 and result.inferred + result.resumed == 121 and result.resumed == 7 * 17
    digests = [hashlib.sha256((tmp_path / n).read_bytes()).hexdigest() for n in ("calm.tif", "stormy.tif")]
    assert digests[0] == digests[1]
    assert not (tmp_path / "stormy.tif.spool").exists()


def test_a_changed_image_starts_over(tmp_path: Path) -> None:
    image = write_raster(tmp_path / "a.tif", noise(3, 300, 300))
    with pytest.raises(CancelledError):
        run(image, tmp_path / "map.tif", listener=Listener(stop_after=5))
    write_raster(image, noise(3, 300, 300, seed=9))
    listener = Listener()
    result = run(image, tmp_path / "map.tif", listener=listener)
    assert result.resumed == 0 and any("Starting over" in text for text in listener.infos)
    np.testing.assert_array_equal(
        read_raster(tmp_path / "map.tif")[0], 1 + noise(3, 300, 300, seed=9).argmax(axis=0)
    )


def test_progress_counts_map_pixels_and_ends_at_all(tmp_path: Path) -> None:
    listener = Listener()
    run(write_raster(tmp_path / "a.tif", noise(3, 100, 200)), tmp_path / "map.tif", listener=listener)
    assert listener.steps[-1].done == listener.steps[-1].total == 20_000
    assert listener.steps[-1].share == 1 and "Mpx/s" in str(listener.steps[-1])


def test_a_failing_backend_fails_the_job_and_keeps_what_is_done(tmp_path: Path) -> None:
    image = write_raster(tmp_path / "a.tif", noise(3, 300, 300))
    spec = fake_spec(bands=RGB)
    broken = FakeBackend(spec, fail=lambda n: BackendError("The worker died.") if n == 9 else None)
    with pytest.raises(BackendError, match="The worker died"):
        run(image, tmp_path / "map.tif", spec, broken)
    assert not (tmp_path / "map.tif").exists() and not list(tmp_path.glob("*.part*"))
    assert run(image, tmp_path / "map.tif", spec).resumed >= 7


def test_a_truncated_image_is_one_sentence_and_leaves_no_map(tmp_path: Path) -> None:
    image = write_raster(tmp_path / "a.tif", noise(3, 600, 600))
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
    for adapter in ("gdal", "rasterio"):
        with pytest.raises(ImageryError, match=r"a\.tif .*(whole|check the file)"):
            run(image, tmp_path / "map.tif", adapter=adapter)
    assert not (tmp_path / "map.tif").exists()


@pytest.mark.parametrize("adapter", ["gdal", "rasterio"])
@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda p: None, "does not exist"),
        (lambda p: p.write_text("hello"), "not a raster"),
        (lambda p: write_raster(p, noise(1, 50, 50)), "1 band"),
        (lambda p: write_raster(p, noise(3, 50, 50), transform=_rotated()), "rotated or sheared"),
    ],
)
def test_imagery_that_cannot_be_used_is_named(tmp_path: Path, adapter: str, make: Any, fault: str) -> None:
    make(tmp_path / "bad.tif")
    with pytest.raises(LandcoverError, match=fault) as caught:
        run(tmp_path / "bad.tif", tmp_path / "map.tif", adapter=adapter)
    assert "bad.tif" in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "map.tif").exists()


def _rotated() -> Any:
    from rasterio.transform import Affine

    return Affine(0.6, 0.1, 400_000, 0.1, -0.6, 3_800_000)


def test_all_nodata_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    image = write_raster(tmp_path / "a.tif", np.zeros((3, 100, 100), np.uint8), nodata=0)
    with pytest.raises(ImageryError, match="no valid pixel"):
        run(image, tmp_path / "map.tif")
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize(
    ("out", "fault"),
    [
        ("a.tif", "is the imagery itself"),
        ("no/such/map.tif", "does not exist"),
        ("map.png", "must be a GeoTIFF"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_done(
    tmp_path: Path, out: str, fault: str
) -> None:
    image = write_raster(tmp_path / "a.tif", noise(3, 50, 50))
    before = image.read_bytes()
    with pytest.raises(OutputError, match=fault):
        run(image, tmp_path / out)
    assert image.read_bytes() == before


def test_a_map_that_is_open_elsewhere_is_kept_under_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = write_raster(tmp_path / "a.tif", noise(3, 50, 50))
    (tmp_path / "map.tif").write_text("held by another program")
    replace = os.replace

    def locked(source: Any, target: Any) -> None:
        if str(target).endswith("map.tif"):
            raise PermissionError(13, "in use")
        replace(source, target)

    monkeypatch.setattr(os, "replace", locked)
    listener = Listener()
    result = run(image, tmp_path / "map.tif", listener=listener)
    assert result.path == tmp_path / "map.new.tif" and "map.new.tif" in listener.warnings[0]
    assert (tmp_path / "map.tif").read_text() == "held by another program"
    assert read_raster(result.path).shape == (1, 50, 50)


def test_no_crs_is_warned_and_done(tmp_path: Path) -> None:
    listener = Listener()
    run(write_raster(tmp_path / "a.tif", noise(3, 50, 50), crs=None), tmp_path / "map.tif", listener=listener)
    assert any("has no CRS" in text for text in listener.warnings)
    assert (tmp_path / "map.tif").exists()


def test_a_ground_pixel_outside_of_the_range_is_warned_with_both_figures(tmp_path: Path) -> None:
    from rasterio.transform import from_origin

    image = write_raster(tmp_path / "a.tif", noise(3, 50, 50), transform=from_origin(4e5, 3.8e6, 30, 30))
    listener = Listener()
    run(image, tmp_path / "map.tif", listener=listener)
    warned = [text for text in listener.warnings if "ground" in text]
    assert len(warned) == 1 and "30 m" in warned[0] and "0.4 to 1.2 m" in warned[0]


def test_an_extent_elsewhere_is_refused(tmp_path: Path) -> None:
    image = write_raster(tmp_path / "a.tif", noise(3, 50, 50))
    with pytest.raises(OptionError, match="does not touch"):
        run(image, tmp_path / "map.tif", extent=Extent(0, 0, 10, 10))


def test_a_cog_is_one(tmp_path: Path) -> None:
    import rasterio

    run(write_raster(tmp_path / "a.tif", noise(3, 900, 900)), tmp_path / "map.tif", cog=True)
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.colormap(1)[1] == (0, 0, 255, 255) and dataset.overviews(1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "map.tif", "map.tif.aux.xml"]


def test_both_adapters_write_the_same_classes_and_names(tmp_path: Path) -> None:
    image = write_raster(tmp_path / "a.tif", noise(3, 300, 300))
    for adapter in ("gdal", "rasterio"):
        run(image, tmp_path / f"{adapter}.tif", adapter=adapter)
    np.testing.assert_array_equal(read_raster(tmp_path / "gdal.tif"), read_raster(tmp_path / "rasterio.tif"))
    assert (tmp_path / "gdal.tif.aux.xml").read_text() == (tmp_path / "rasterio.tif.aux.xml").read_text()
