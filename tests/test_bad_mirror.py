"""Downloads from servers that do not do what they should: each ends, says why, and leaves nothing."""

from __future__ import annotations

import errno
import gzip
import hashlib
import http.server
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from local_server import serve, serving
from test_data import idx

import minikd.data.mnist
from minikd import fetch_mnist, load_mnist
from minikd.checkpoint import write_atomically
from minikd.data import download

PAGE = b"<html>Please log in to the hotel's network.</html>"


asked: list[str] = []


class BadMirror(http.server.BaseHTTPRequestHandler):
    """The first part of an address says what goes wrong."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        asked.append(self.path)
        kind = self.path.split("/")[1]
        getattr(self, kind if kind.isalpha() else "status")(kind)

    def status(self, kind: str) -> None:
        self.send_error(int(kind))

    def page(self, _kind: str) -> None:
        self._begin(len(PAGE))
        self.wfile.write(PAGE)

    def truncated(self, _kind: str) -> None:
        self._begin(5000)
        self.wfile.write(bytes(100))

    def circle(self, _kind: str) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.end_headers()

    def silent(self, _kind: str) -> None:
        time.sleep(2)

    def bodysilent(self, _kind: str) -> None:
        self._begin(5000)
        self.wfile.write(bytes(300))
        self.server.over.wait(2)  # type: ignore[attr-defined]

    def closed(self, _kind: str) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def junk(self, _kind: str) -> None:
        self.wfile.write(b"SSH-2.0-server\r\n")

    def dripheaders(self, _kind: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self._drip()

    def drip(self, _kind: str) -> None:
        self._begin(10_000_000)
        self._drip()

    def burst(self, _kind: str) -> None:
        self._begin(10_000_000)
        self.wfile.write(bytes(500_000))
        self._drip()

    def _drip(self) -> None:
        try:
            while not self.server.over.wait(0.05):  # type: ignore[attr-defined]
                self.wfile.write(b"x")
        except OSError:
            pass

    def endless(self, _kind: str) -> None:
        self._begin(10**9)
        try:
            while not self.server.over.is_set():  # type: ignore[attr-defined]
                self.wfile.write(bytes(100_000))
        except OSError:
            pass

    def slow(self, _kind: str) -> None:
        self._begin(10_000_000)
        try:
            while not self.server.over.wait(0.05):  # type: ignore[attr-defined]
                self.wfile.write(bytes(100))
        except OSError:
            pass  # the other side has given up

    def _begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()


@pytest.fixture
def bad_mirror():
    with serving(BadMirror) as url:
        yield url


@pytest.fixture
def good(tmp_path_factory, monkeypatch):
    """Four small files and their hashes, which stand for MNIST."""
    folder, hashes = tmp_path_factory.mktemp("good"), {}
    for name in minikd.data.mnist.SHA256:
        array = np.zeros((12, 28, 28) if "images" in name else 12, "u1")
        (folder / name).write_bytes(gzip.compress(idx(array)))
        hashes[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    monkeypatch.setattr(minikd.data.mnist, "SHA256", hashes)
    with serve(folder) as url:
        yield url


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty data folder, and little patience."""
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    for name, seconds in (("SILENT_SECONDS", 0.4), ("SLOW_SECONDS", 1.5)):
        monkeypatch.setattr(download, name, seconds)
    monkeypatch.setattr(minikd.data.mnist, "MOST", 1_000_000)
    return tmp_path / "mnist"


KINDS = [
    ("truncated", r"broke off|delivered another file"), ("page", "delivered another file"),
    ("403", "answered 403"), ("404", "answered 404"), ("429", "answered 429"),
    ("500", "answered 500"), ("503", "answered 503"), ("circle", "redirects in a circle"),
    ("silent", "fell silent"), ("bodysilent", "fell silent"), ("slow", "too slow: "),
    ("drip", "too slow: "), ("burst", "too slow: "), ("dripheaders", "too slow: "), ("closed", "broke off"),
    ("junk", "broke off"), ("endless", "delivered another file"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "said"), KINDS)
def test_a_bad_mirror_is_named_with_what_it_did(kind, said, bad_mirror, empty, monkeypatch):
    monkeypatch.setattr(minikd.data.mnist, "MIRRORS", (f"{bad_mirror}{kind}/",))
    began = time.monotonic()
    with pytest.raises(OSError, match=f"could not download .*/{kind}/.*{said}") as caught:
        fetch_mnist()
    assert time.monotonic() - began < 10
    for words in (str(empty), "MINIKD_DATA_DIR", "--data glyphs"):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(empty.iterdir())


@pytest.mark.parametrize(("kind", "said"), KINDS)
def test_the_next_mirror_is_asked_and_then_first(
    kind, said, bad_mirror, good, empty, monkeypatch
):
    monkeypatch.setattr(minikd.data.mnist, "MIRRORS", (f"{bad_mirror}{kind}/", good))
    asked.clear()
    fetch_mnist()
    # The bad one is asked for one file (in a circle, often), and not for each of four.
    assert len(set(asked)) == 1
    assert len(load_mnist().train) == 12
    assert sorted(path.name for path in empty.iterdir()) == sorted(minikd.data.mnist.SHA256)


def test_downloads_at_the_same_time_do_no_harm(good, empty, monkeypatch):
    monkeypatch.setattr(minikd.data.mnist, "MIRRORS", (good,))
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: fetch_mnist(), range(8)))
    assert set(folders) == {empty}
    assert sorted(path.name for path in empty.iterdir()) == sorted(minikd.data.mnist.SHA256)
    assert len(load_mnist().train) == 12


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_what_is_wrong_here_is_not_blamed_on_a_server(code, good, empty, monkeypatch):
    def fails(*_args, **_kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(minikd.data.mnist, "MIRRORS", (good,))
    monkeypatch.setattr("pooch.retrieve", fails)
    with pytest.raises(OSError, match=f"cannot write .* into {empty} .{os.strerror(code)}"):
        fetch_mnist()


def test_a_full_disk_is_called_so_where_a_download_is_unpacked(good, tmp_path, monkeypatch):
    def no_room(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("minikd.checkpoint.os.fsync", no_room)
    name = next(iter(minikd.data.mnist.SHA256))
    with pytest.raises(OSError, match=r"cannot write .* \(No space left on device\)"):
        download.retrieve(
            [good + name], None, name, tmp_path / "new", False, "", 10**6,
            lambda got: write_atomically(tmp_path / "new" / "unpacked", got.read_bytes()),
        )  # fmt: skip
    assert not list((tmp_path / "new").iterdir())


def test_a_folder_that_cannot_be_made_is_named_before_the_network_is_asked(
    tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("pooch.retrieve", None)
    with pytest.raises(OSError, match="cannot write to the data folder"):
        fetch_mnist()


def test_what_a_killed_download_left_is_removed_after_a_day(good, empty, monkeypatch):
    monkeypatch.setattr(minikd.data.mnist, "MIRRORS", (good,))
    for name, age in ((".download-old", 48 * 3600), (".download-new", 60)):
        (empty / name).mkdir(parents=True)
        (empty / name / "piece").write_bytes(b"x")
        os.utime(empty / name, (time.time() - age,) * 2)
    fetch_mnist()
    left = {path.name for path in empty.iterdir()} - set(minikd.data.mnist.SHA256)
    assert left == {".download-new"}


def test_a_bar_is_shown_where_it_is_asked_for(good, empty, monkeypatch, capsys):
    monkeypatch.setattr(minikd.data.mnist, "MIRRORS", (good,))
    fetch_mnist(progress=True)
    assert "train-images-idx3-ubyte.gz" in capsys.readouterr().err
    assert Path(empty / "train-images-idx3-ubyte.gz").exists()
    assert threading.active_count() < 20
