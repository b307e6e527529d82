"""Published models, served from the loopback."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("onnx")

from landcover_plugin.core.errors import ModelError, OutputError
from landcover_plugin.core.model_formats import get_model, published_models
from landcover_plugin.core.model_formats.published import licence_of
from tests.landcover_data import landcover_data

NAME = "chesapeake-2018"
SIZE = int(published_models()[NAME]["bytes"])


class _Server(ThreadingHTTPServer):
    """Answers each request with ``content``; None is a 404, ``promised`` the length it announces."""

    content: bytes | None = b""
    promised: int | None = None


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        if not isinstance(server, _Server) or server.content is None:
            self.send_error(404)
            return
        self.send_response(200)
        if server.promised != -1:
            self.send_header("Content-Length", str(server.promised or len(server.content)))
        self.end_headers()
        try:
            self.wfile.write(server.content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def url(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/sample_models"


def refused(server: _Server, tmp_path: Path, match: str) -> None:
    with pytest.raises(ModelError, match=match):
        get_model(NAME, tmp_path / NAME, base_url=url(server))
    assert list(tmp_path.iterdir()) == []


def test_the_2018_model_is_downloaded_checked_and_imported(server: _Server, tmp_path: Path) -> None:
    server.content = (landcover_data("models/cntk") / "250epochs.model").read_bytes()
    spec = get_model(NAME, tmp_path / NAME, base_url=url(server))
    assert (spec.name, spec.licence, len(spec.legend)) == (NAME, "MIT", 5)
    assert spec.path.is_file()
    assert [p.name for p in tmp_path.iterdir()] == [NAME]


def test_another_file_of_the_same_size_is_refused(server: _Server, tmp_path: Path) -> None:
    server.content = bytes(SIZE)
    refused(server, tmp_path, "its SHA-256 differs")


def test_a_missing_file_is_refused(server: _Server, tmp_path: Path) -> None:
    server.content = None
    refused(server, tmp_path, "answers with status 404")


@pytest.mark.parametrize("promised", [SIZE, None, -1])
def test_a_truncated_file_is_refused(server: _Server, tmp_path: Path, promised: int | None) -> None:
    server.content, server.promised = bytes(SIZE // 2), promised
    refused(server, tmp_path, "cannot be downloaded|ended after")


def test_a_file_without_end_is_not_stored(server: _Server, tmp_path: Path) -> None:
    server.content = bytes(SIZE * 4)
    refused(server, tmp_path, f"gives more than the {SIZE} bytes")


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be downloaded \(ConnectionError\); check the connection"):
        get_model(NAME, tmp_path / NAME, base_url="http://127.0.0.1:9")


def test_an_unknown_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no published model 'mars'; there are chesapeake-2018"):
        get_model("mars", tmp_path / "mars")


def test_a_taken_folder_is_refused_before_anything_is_downloaded(server: _Server, tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "mine.txt").write_text("x")
    with pytest.raises(OutputError, match="holds no model"):
        get_model(NAME, tmp_path / NAME, base_url="http://127.0.0.1:9")


def test_published_files_come_over_tls_at_a_pinned_commit() -> None:
    entry = published_models()[NAME]
    assert entry["base_url"].startswith("https://")
    assert re.search(r"/[0-9a-f]{40}/", entry["base_url"])
    assert len(entry["sha256"]) == 64 and licence_of(entry["sha256"]) == "MIT"
