"""The command as a user types it: results on stdout, remarks on stderr, an exit status that tells."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.core.model_formats.onnx_networks import saved
from tests.rasters import noise, read_raster, write_raster
from tests.tiny_model import write_box_model, write_brightest_band_model

COMMAND = [sys.executable, "-m", "landcover_plugin.cli.main"]


def landcover(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_an_image_becomes_a_map_and_its_path_is_all_that_stdout_holds(tmp_path: Path) -> None:
    values = noise(4, 200, 300)
    image = write_raster(tmp_path / "a.tif", values)
    write_brightest_band_model(tmp_path / "brightest", pixel_size_m=(0.6, 0.4, 1.2))
    done = landcover("classify", image, tmp_path / "map.tif", "--model", tmp_path / "brightest")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "map.tif")
    assert "red 1, green 2, blue 3, near infrared 4" in done.stderr and "Mpx/s" in done.stderr
    np.testing.assert_array_equal(read_raster(tmp_path / "map.tif")[0], 1 + values.argmax(axis=0))


def test_json_and_areas(tmp_path: Path) -> None:
    image = write_raster(tmp_path / "a.tif", noise(4, 200, 300))
    write_brightest_band_model(tmp_path / "brightest", pixel_size_m=(0.6, 0.4, 1.2))
    done = landcover(
        "classify", image, tmp_path / "map.tif", "--model", tmp_path / "brightest", "--json", "-q"
    )
    result = json.loads(done.stdout)
    assert result["map"] == str(tmp_path / "map.tif") and sum(result["pixels"].values()) == 60_000
    assert done.stderr == ""
    table = json.loads(landcover("areas", tmp_path / "map.tif", "--json").stdout)
    assert {row["value"]: row["pixels"] for row in table} == {int(k): v for k, v in result["pixels"].items()}
    page = tmp_path / "areas.html"
    text = landcover("areas", tmp_path / "map.tif", "--html", page, "--csv", tmp_path / "areas.csv")
    assert "class 1" in text.stdout and page.exists() and (tmp_path / "areas.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["classify", "no.tif", "map.tif", "--model", "brightest"], "no.tif does not exist"),
        (["classify", "a.tif", "map.tif", "--model", "nope"], "There is no model 'nope'"),
        (
            ["classify", "a.tif", "map.tif", "--model", "brightest", "--backend", "onnxruntime:gpu9"],
            "no execution provider",
        ),
        (["classify", "a.tif", "a.tif", "--model", "brightest"], "is the imagery itself"),
        (["classify", "a.tif", "map.tif", "--model", "brightest", "--bands", "1,2"], "must name 4 bands"),
        (["classify", "a.tif", "map.tif", "--model", "brightest", "--level", "7"], "Level 7"),
        (["areas", "no.tif"], "no.tif does not exist"),
    ],
)
def test_a_fault_is_one_sentence_and_status_1(tmp_path: Path, arguments: list[str], fault: str) -> None:
    write_raster(tmp_path / "a.tif", noise(4, 40, 40))
    write_brightest_band_model(tmp_path / "brightest", pixel_size_m=(0.6, 0.4, 1.2))
    here = {"a.tif", "map.tif", "no.tif", "brightest"}
    done = landcover(*[tmp_path / a if a in here else a for a in arguments])
    assert done.returncode == 1 and fault in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
    assert not (tmp_path / "map.tif").exists()


def test_a_wrong_call_is_status_2() -> None:
    assert landcover("classify").returncode == 2
    assert landcover("nonsense").returncode == 2


def test_help_fits_a_screen_and_every_verb_has_an_example() -> None:
    text = landcover("--help").stdout
    assert len(text.splitlines()) <= 24
    for verb in ("classify", "areas", "models", "import-model", "export-model", "get-model"):
        assert f"landcover {verb}" in landcover(verb, "--help").stdout


def test_a_full_disk_is_one_sentence_and_the_job_goes_on_when_there_is_room(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount the small disk that this fills")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        image = write_raster(tmp_path / "a.tif", noise(4, 2300, 2100))
        write_box_model(tmp_path / "box", reach=3, tile=64, pixel_size_m=(0.6, 0.4, 1.2))
        arguments = ("classify", image, disk / "map.tif", "--model", tmp_path / "box")
        filler = disk / "filler"
        filler.write_bytes(b"x" * 7_900_000)
        early = landcover(*arguments)
        assert early.returncode == 1 and "MB free" in early.stderr and not (disk / "map.tif").exists()
        filler.unlink()
        process = subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
        spool = disk / "map.tif.spool"
        while not spool.exists() or spool.stat().st_size < 100_000:
            time.sleep(0.005)
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as f:
            while True:
                f.write(b"x" * 4096)
        said = process.communicate(timeout=60)[1].strip().splitlines()[-1]
        assert (process.returncode == 1 and "cannot be written" in said) or "is full" in said, said
        assert not (disk / "map.tif").exists()
        filler.unlink()
        done = landcover(*arguments, "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["tiles_resumed"] > 0
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    folder = Path("/proc")
    if not folder.is_dir():
        pytest.skip("there is no folder here that nobody can write to")
    image = write_raster(tmp_path / "a.tif", noise(4, 40, 40))
    write_brightest_band_model(tmp_path / "brightest", pixel_size_m=(0.6, 0.4, 1.2))
    done = landcover("classify", image, folder / "map.tif", "--model", tmp_path / "brightest")
    assert done.returncode == 1 and "/proc" in done.stderr and "Traceback" not in done.stderr


def spooled(out: Path) -> int:
    path = Path(f"{out}.spool")
    if not path.exists():
        return 0
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(DISTINCT row * 100000 + col) FROM tile").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0
    finally:
        connection.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", ["onnxruntime:cpu"])
def test_killed_twenty_times_the_bytes_are_those_of_an_undisturbed_run(tmp_path: Path, backend: str) -> None:
    image = write_raster(tmp_path / "a.tif", noise(4, 2300, 2100), tiled=True, blockxsize=256, blockysize=256)
    write_box_model(tmp_path / "box", reach=3, tile=64, pixel_size_m=(0.6, 0.4, 1.2))
    calm, stormy = tmp_path / "calm.tif", tmp_path / "stormy.tif"

    def arguments(out: Path) -> list[Any]:
        return ["classify", image, out, "--model", tmp_path / "box", "--backend", backend, "--json", "-q"]

    assert landcover(*arguments(calm)).returncode == 0
    chance, known, hits = random.Random(7), 0, 0
    for _ in range(200):
        if hits == 20:
            break
        process = subprocess.Popen([*COMMAND, *map(str, arguments(stormy))], stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.3, 1.6))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0 or stormy.exists():  # the job was quicker
            known = 0
            stormy.unlink()
            continue
        hits += 1
        assert spooled(stormy) >= known, "a killed run lost finished tiles"
        known = spooled(stormy)
    done = landcover(*arguments(stormy))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert hits == 20 and result["tiles_resumed"] == known
    assert hashlib.sha256(calm.read_bytes()).digest() == hashlib.sha256(stormy.read_bytes()).digest()
    assert Path(f"{calm}.aux.xml").read_bytes() == Path(f"{stormy}.aux.xml").read_bytes()
    assert not Path(f"{stormy}.spool").exists()


def test_an_onnx_file_without_keys_says_in_one_line_what_was_assumed(tmp_path: Path) -> None:
    done = landcover("import-model", saved(tmp_path / "bare.onnx"), tmp_path / "imported")
    assert done.returncode == 0 and done.stdout.strip() == str(tmp_path / "imported")
    warned, described = done.stderr.strip().splitlines()
    assert warned.startswith("Warning: ") and "bare.onnx" in warned and "bands" in described
