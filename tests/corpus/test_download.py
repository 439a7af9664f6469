"""A download is whole, the right one, and goes on where it stopped."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from leitmotiv.corpus.download import download
from leitmotiv.errors import CorpusError

CONTENT = bytes(range(256)) * 4000  # about a megabyte


class _Server(ThreadingHTTPServer):
    content = CONTENT
    tag = '"1"'
    cut_at: int | None = None
    says_length = True
    requests: list[str | None]

    def handle_error(self, *_: object) -> None:
        """A client that has had enough hangs up; that is no fault."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append(asked)
        if self.path == "/gone":
            self.send_error(404)
            return
        body, start = server.content, 0
        if asked and self.headers.get("If-Range") == server.tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        body = body[start:]
        self.send_header("ETag", server.tag)
        if server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if server.cut_at is None else body[: server.cut_at])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def address(server: _Server, path: str = "/a.zip") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_the_content_arrives_whole_and_once(server: _Server, tmp_path: Path) -> None:
    path, seen = tmp_path / "new" / "a.zip", []
    report = lambda count, total: seen.append((count, total))  # noqa: E731
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert download(address(server), path, sha256=digest, progress=report) == path
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [file.name for file in path.parent.iterdir()] == ["a.zip"]
    download(address(server), path, sha256=digest)
    assert len(server.requests) == 1, "what is there is not fetched again"


def test_a_download_that_broke_off_goes_on(server: _Server, tmp_path: Path) -> None:
    server.cut_at = 300_000
    with pytest.raises(CorpusError, match=r"broke off after 300,000 of 1,024,000.*goes on"):
        download(address(server), tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    server.cut_at = None
    download(address(server), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert server.requests == [None, "bytes=300000-"]


def test_another_version_on_the_server_starts_anew(server: _Server, tmp_path: Path) -> None:
    server.cut_at = 300_000
    with pytest.raises(CorpusError, match="broke off"):
        download(address(server), tmp_path / "a.zip")
    server.cut_at, server.tag, server.content = None, '"2"', CONTENT[::-1]
    download(address(server), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT[::-1]


def test_another_content_than_expected_is_thrown_away(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"not the one that the catalogue knows \(sha256\)"):
        download(address(server), tmp_path / "a.zip", sha256="0" * 64)
    assert not list(tmp_path.glob("a.zip*.zip")) + list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("says_length", [True, False])
def test_too_much_is_refused(server: _Server, tmp_path: Path, says_length: bool) -> None:
    server.says_length = says_length
    with pytest.raises(CorpusError, match="more than the 500,000 that are allowed"):
        download(address(server), tmp_path / "a.zip", max_bytes=500_000)
    assert not (tmp_path / "a.zip").exists()


def test_a_missing_page_a_dead_server_and_a_strange_address(
    server: _Server, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match=r"the server answers 404 .* name it with --from"):
        download(address(server, "/gone"), tmp_path / "a.zip")
    with pytest.raises(CorpusError, match="the download failed"):
        download("http://127.0.0.1:9/a.zip", tmp_path / "a.zip", timeout_sec=5)
    with pytest.raises(CorpusError, match="must begin with https://"):
        download((tmp_path / "a.zip").as_uri(), tmp_path / "b.zip")
