from __future__ import annotations

import os
from pathlib import Path

import pytest

from landcover_plugin.core.raster_io import raster_io
from landcover_plugin.live.source_watch import ChangingSourceError, SourceState, SourceWatch
from tests.rasters import noise, write_raster


class Clock:
    now = 100.0

    def __call__(self) -> float:
        self.now += 1.1
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "image.tif", noise(4, 50, 60))


@pytest.fixture
def watch(path: Path) -> SourceWatch:
    return SourceWatch(raster_io("gdal").open(str(path)), Clock())


def test_a_file_that_stays_is_no_news(watch: SourceWatch) -> None:
    assert [watch.news() for _ in range(3)] == [None] * 3
    watch.check()


def test_a_file_that_goes_is_told_once_and_so_is_its_return(watch: SourceWatch, path: Path) -> None:
    path.rename(path.with_name("moved.tif"))
    assert [watch.news() for _ in range(3)] == [SourceState.GONE, None, None]
    watch.check()  # what is still open can be read on
    path.with_name("moved.tif").rename(path)
    assert [watch.news() for _ in range(2)] == [SourceState.SAME, None]


def test_a_file_that_is_written_anew_counts_when_it_is_whole(watch: SourceWatch, path: Path) -> None:
    whole = write_raster(path.with_name("new.tif"), noise(4, 50, 60, seed=2)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ChangingSourceError, match="image.tif is being changed"):
        watch.check()
    assert watch.news() is None
    path.write_bytes(whole)
    os.utime(path, ns=(1, 1))
    assert [watch.news() for _ in range(3)] == [None, SourceState.REPLACED, None]
    with pytest.raises(ChangingSourceError):
        watch.check()


def test_a_file_that_is_no_raster_any_more_is_never_taken_for_a_new_one(
    watch: SourceWatch, path: Path
) -> None:
    path.write_text("<html>not here</html>")
    assert [watch.news() for _ in range(4)] == [None] * 4


def test_imagery_without_files_is_not_watched() -> None:
    watch = SourceWatch(object(), Clock())  # type: ignore[arg-type]
    assert [watch.news() for _ in range(3)] == [None] * 3
    watch.check()


def test_the_file_of_a_mosaic_is_watched_with_those_that_it_is_made_of(path: Path) -> None:
    from osgeo import gdal

    mosaic = path.with_suffix(".vrt")
    gdal.BuildVRT(str(mosaic), [str(path)]).FlushCache()
    watch = SourceWatch(raster_io("gdal").open(str(mosaic)), Clock())
    write_raster(path, noise(4, 50, 60, seed=9))
    os.utime(path, ns=(5, 5))
    assert [watch.news() for _ in range(2)] == [None, SourceState.REPLACED]
