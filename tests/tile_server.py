"""A small map server on the loopback, of pictures that are known pixel by pixel: XYZ tiles, WMS, WCS, ImageServer."""

from __future__ import annotations

import base64
import contextlib
import json
import struct
import subprocess
import sys
import threading
import time
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import numpy.typing as npt

from tests import coverage_server, image_server

HALF = 20037508.342789244
TILE = 256
REFERER = "http://maps.example/"
BASIC = "Basic " + base64.b64encode(b"ada:lovelace").decode()


def world_pixels(zoom: int, row: int, col: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """``(band, row, col)``: red, green, blue of the world at a zoom; each pixel tells where it is."""
    rows = np.arange(row, row + height)[:, None]
    cols = np.arange(col, col + width)[None, :]
    red = (cols * 3 + rows * 5) % 251
    green = (cols // 7 + rows // 3 + 40 * zoom) % 241
    blue = (cols ^ rows) % 239
    return np.stack([red, green, np.broadcast_to(blue, red.shape)]).astype(np.uint8)


def shows(pixels: npt.NDArray[np.uint8], zoom: int, row: int, col: int) -> bool:
    """Whether ``(band, row, col)`` is the world at a place, pixel by pixel."""
    _, height, width = pixels.shape
    return bool(np.array_equal(pixels, world_pixels(zoom, row, col, height, width)))


def png(values: npt.NDArray[np.uint8]) -> bytes:
    """``(3 or 4, row, col)`` as a PNG."""
    bands, height, width = values.shape
    rows = np.moveaxis(values, 0, -1).reshape(height, width * bands)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2 if bands == 3 else 6, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@dataclass
class Answer:
    """What the server sends."""

    status: int = 200
    body: bytes = b""
    kind: str = "image/png"
    seconds: float = 0.0


def behave(manner: str, number: int, answer: Answer, headers: Mapping[str, str]) -> Answer:
    """The right answer to the ``number``-th request, spoilt in the ``manner`` that the URL names."""
    name, _, amount = manner.partition("-")
    if name == "referred":
        return answer if headers.get("Referer") == REFERER else Answer(403, b"from where?", "text/plain")
    if name == "basic":
        return answer if headers.get("Authorization") == BASIC else Answer(401, b"who?", "text/plain")
    if name == "refused":
        said = {"error": {"code": 400, "message": "Unable to complete operation.", "details": ["No room."]}}
        return Answer(200, json.dumps(said).encode(), "application/json;charset=utf-8")
    if name == "truncated":
        return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.kind)
    if name == "missing":
        return Answer(404, b"no such tile", "text/plain")
    if name == "broken":
        return Answer(500, b"out of order", "text/plain")
    if name == "onebroken":
        return Answer(500, b"out of order", "text/plain") if number == 2 else answer
    if name == "flaky":
        return Answer(503, b"try again", "text/plain") if number % 2 else answer
    if name == "garbage":
        return Answer(200, b"garbage" * 40)
    if name == "page":
        return Answer(200, b"<html>log in first</html>", "text/html")
    if name == "nothing":
        return Answer(204)
    if name == "slow":
        answer.seconds = float(amount)
    return answer


def answer_of(path: str) -> Answer:
    """The right answer to ``/manner/z/x/y.png`` and ``/manner/wms?…``."""
    parts = urlsplit(path)
    folders = parts.path.strip("/").split("/")
    if folders[1:2] == ["ImageServer"]:
        said = image_server.json_answer(path)
        if said is not None:
            return Answer(body=json.dumps(said).encode(), kind="application/json;charset=utf-8")
        body = image_server.export(path)
        return Answer(body=body, kind="application/json" if body.startswith(b"{") else "image/tiff")
    if folders[1:] == ["wcs"]:
        kind, body = coverage_server.answer(path)
        return Answer(body=body, kind=kind)
    if folders[1:] == ["wms"]:
        return _wms(folders[0], {k.upper(): v[0] for k, v in parse_qs(parts.query).items()})
    scheme = folders.pop(1) if folders[1] in ("tms", "quad", "large") else ""
    try:
        zoom, x, y = place_of(scheme, folders[1:])
    except ValueError:
        return Answer(404, b"not here", "text/plain")
    if scheme == "large":
        return Answer(body=png(world_pixels(zoom + 1, y * 2 * TILE, x * 2 * TILE, 2 * TILE, 2 * TILE)))
    return Answer(body=png(world_pixels(zoom, y * TILE, x * TILE, TILE, TILE)))


def place_of(scheme: str, folders: list[str]) -> tuple[int, int, int]:
    """Zoom, x and y of a tile from the parts of its path."""
    parts = ".".join(folders).replace(".png", "").split(".")
    if scheme == "quad":
        digits = [int(digit) for digit in parts[0]]
        x = sum((digit & 1) << place for place, digit in enumerate(reversed(digits)))
        return len(digits), x, sum((digit >> 1) << place for place, digit in enumerate(reversed(digits)))
    zoom, x, y = (int(part) for part in parts)
    return zoom, x, (1 << zoom) - 1 - y if scheme == "tms" else y


def _wms(manner: str, query: dict[str, str]) -> Answer:
    if query.get("REQUEST") == "GetCapabilities":
        return Answer(body=_CAPABILITIES.replace("MANNER", manner).encode(), kind="text/xml")
    xmin, _ymin, xmax, ymax = (float(v) for v in query["BBOX"].split(","))
    width, height = int(query["WIDTH"]), int(query["HEIGHT"])
    size = (xmax - xmin) / width
    row, col = round((HALF - ymax) / size), round((xmin + HALF) / size)
    return Answer(body=png(world_pixels(0, row, col, height, width)))


_DESCRIPTIONS = ("GetCapabilities", "DescribeCoverage", "f=json")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    requests: list[str] = []
    numbers: dict[str, int] = {}
    turned: dict[str, str] = {}
    lock = threading.Lock()

    def do_GET(self) -> None:
        if self.path == "/requests":
            self._send(Answer(body="\n".join(self.requests).encode(), kind="text/plain"))
            return
        manner = self.path.split("/")[1]
        if manner == "turn":
            self.turned[self.path.split("/")[2]] = self.path.split("/")[3]
            self._send(Answer())
            return
        with self.lock:
            described = any(word in self.path for word in _DESCRIPTIONS)
            if not described:
                self.requests.append(self.path)
                self.numbers[manner] = self.numbers.get(manner, 0) + 1
            number = self.numbers.get(manner, 0)
        answer = answer_of(self.path)
        manner = self.turned.get(manner, manner)
        if described and manner.startswith("mum-"):  # says nothing of itself for some seconds
            answer.seconds = float(manner.partition("-")[2])
        self._send(answer if described else behave(manner, number, answer, self.headers))

    def _send(self, answer: Answer) -> None:
        time.sleep(answer.seconds)
        with contextlib.suppress(OSError):
            body = answer.body
            if answer.kind == "text/xml":
                body = body.replace(b"URL", b"http://" + self.headers["Host"].encode())
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class MapServer:
    """The server, in a process of its own: QGIS may hold this one's Python while it waits."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.tile_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).resolve().parents[1],
        )
        if self._process.stdout is None:
            raise RuntimeError("the server has no output")
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    @property
    def requests(self) -> list[str]:
        """The paths that were asked for, descriptions left out."""
        with urllib.request.urlopen(f"{self.url}/requests", timeout=10) as answer:
            return answer.read().decode().split()

    def turn(self, name: str, manner: str) -> None:
        """From now on answer what is asked under a name in a manner."""
        urllib.request.urlopen(f"{self.url}/turn/{name}/{manner}", timeout=10).close()

    def xyz_uri(
        self, manner: str = "fine", zmax: int = 19, place: str = "{z}/{x}/{y}", more: str = ""
    ) -> str:
        """For QGIS' provider ``wms``; ``more`` goes behind as it is."""
        place = quote(place, safe="/")
        return f"type=xyz&url={self.url}/{manner}/{place}.png&zmax={zmax}&zmin=0{more}"

    def wms_uri(self, manner: str = "fine", crs: str = "EPSG:3857") -> str:
        """For QGIS' provider ``wms``."""
        return f"crs={crs}&dpiMode=7&format=image/png&layers=world&styles=&url={self.url}/{manner}/wms"

    def wcs_uri(self, manner: str = "fine") -> str:
        """For QGIS' provider ``wcs``."""
        return f"cache=AlwaysNetwork&crs=EPSG:3857&format=GeoTIFF&identifier=fields&url={self.url}/{manner}/wcs&version=1.0.0"

    def image_uri(self, manner: str = "fine", more: str = "") -> str:
        """For QGIS' provider ``arcgismapserver``."""
        return f"crs='EPSG:3857' format='PNG32' layer='' url='{self.url}/{manner}/ImageServer' {more}"

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


_CAPABILITIES = """<?xml version="1.0" encoding="UTF-8"?>
<WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms" xmlns:xlink="http://www.w3.org/1999/xlink">
<Service><Name>WMS</Name><Title>World</Title><OnlineResource xlink:href="URL/MANNER/wms"/></Service>
<Capability><Request>
<GetCapabilities><Format>text/xml</Format><DCPType><HTTP><Get><OnlineResource xlink:href="URL/MANNER/wms?"/></Get></HTTP></DCPType></GetCapabilities>
<GetMap><Format>image/png</Format><DCPType><HTTP><Get><OnlineResource xlink:href="URL/MANNER/wms?"/></Get></HTTP></DCPType></GetMap>
</Request><Exception><Format>XML</Format></Exception>
<Layer><Title>World</Title><CRS>EPSG:3857</CRS><CRS>EPSG:4326</CRS>
<EX_GeographicBoundingBox><westBoundLongitude>-180</westBoundLongitude><eastBoundLongitude>180</eastBoundLongitude><southBoundLatitude>-85</southBoundLatitude><northBoundLatitude>85</northBoundLatitude></EX_GeographicBoundingBox>
<BoundingBox CRS="EPSG:3857" minx="-20037508" miny="-20037508" maxx="20037508" maxy="20037508"/>
<Layer queryable="0"><Name>world</Name><Title>World</Title>
<EX_GeographicBoundingBox><westBoundLongitude>7</westBoundLongitude><eastBoundLongitude>9</eastBoundLongitude><southBoundLatitude>46</southBoundLatitude><northBoundLatitude>48</northBoundLatitude></EX_GeographicBoundingBox>
</Layer></Layer></Capability></WMS_Capabilities>
"""


def serve() -> None:
    """Serve as long as the input is open; the port is the first line of the output."""
    server = _Server(("127.0.0.1", 0), _Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    serve()
