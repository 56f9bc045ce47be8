"""Fetching from a server on this machine; nothing else is ever asked."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bias_audit.cli._app import run
from bias_audit.datasets import DATASETS, fetching, get, info, open_dataset
from bias_audit.datasets.info import Remote
from bias_audit.errors import UsageError
from tests.datasets import files

BODY = files.CROWS.encode()
DIGEST = hashlib.sha256(BODY).hexdigest()
NAME = "crows_pairs_anonymized.csv"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/gone":
            self.send_error(404)
            return
        self.send_response(200)
        size = len(BODY) + (10 if self.path == "/cut" else 0)
        if self.path != "/unsized":
            self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.asked = []
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def home(server, monkeypatch):
    """Let CrowS-Pairs live on this machine."""

    def at(path="/pairs", sha256=DIGEST):
        url = f"http://127.0.0.1:{server.server_address[1]}{path}"
        remote = Remote(url=url, name=NAME, sha256=sha256)
        monkeypatch.setattr(info, "HOMES", {"crows-pairs": (remote,)})
        return get("crows-pairs")

    return at


def test_a_file_is_brought_and_checked(home, tmp_path, server):
    (found,) = fetching.fetch(home(), tmp_path)
    assert (found.checked, found.new, found.sha256) == (True, True, DIGEST)
    assert open_dataset("crows-pairs", tmp_path).facts().rows == 4
    (again,) = fetching.fetch(home(), tmp_path)
    assert (again.new, len(server.asked)) == (False, 1), "what is there is not fetched again"


@pytest.mark.parametrize("path", ["/pairs", "/unsized"])
def test_without_a_known_digest_the_file_is_taken_and_named(home, tmp_path, path):
    (found,) = fetching.fetch(home(path, sha256=""), tmp_path)
    assert (found.checked, found.sha256) == (False, DIGEST)


@pytest.mark.parametrize(
    ("path", "sha256", "said"),
    [
        ("/pairs", "0" * 64, "nothing was kept"),
        ("/gone", "", "could not be fetched: Not Found"),
        ("/cut", "", "could not be fetched|broke off after"),
    ],
)
def test_a_wrong_answer_leaves_nothing(home, tmp_path, path, sha256, said):
    with pytest.raises(UsageError, match=said):
        fetching.fetch(home(path, sha256), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_too_large_a_file_is_not_kept(home, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "MOST", 10)
    with pytest.raises(UsageError, match="it was not kept"):
        fetching.fetch(home(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_offline_asks_nobody(home, tmp_path, server):
    with pytest.raises(UsageError, match="--offline forbids it") as caught:
        fetching.fetch(home(), tmp_path, offline=True)
    assert "--data crows-pairs=FILE" in caught.value.hint
    assert server.asked == []


def test_a_file_in_the_way_is_kept_unless_asked(home, tmp_path):
    mine = tmp_path / NAME
    mine.write_text("my own\n")
    with pytest.raises(UsageError, match="is there already and differs"):
        fetching.fetch(home(), tmp_path)
    assert mine.read_text() == "my own\n"
    fetching.fetch(home(), tmp_path, replace=True)
    assert mine.read_bytes() == BODY
    (same,) = fetching.fetch(home(sha256=""), tmp_path)
    assert not same.new


def test_what_is_not_to_be_fetched_points_to_its_page(tmp_path):
    with pytest.raises(UsageError, match="take it from their page") as caught:
        fetching.fetch(get("eec"), tmp_path)
    assert caught.value.hint == get("eec").home


def test_only_https_is_asked(monkeypatch, tmp_path):
    remote = Remote(url="http://example.org/x.csv", name="x.csv")
    monkeypatch.setattr(info, "HOMES", {"crows-pairs": (remote,)})
    with pytest.raises(UsageError, match="expected an https address"):
        fetching.fetch(get("crows-pairs"), tmp_path)
    assert all(r.url.startswith("https:") for d in DATASETS.values() for r in info.HOMES.get(d, ()))


def test_the_command_fetches_and_says_so(home, tmp_path, capsys, monkeypatch):
    home()
    monkeypatch.chdir(tmp_path)
    assert run(["datasets", "fetch", "crows-pairs"]) == 0
    out = capsys.readouterr()
    assert f"bias-audit-data/crows-pairs/{NAME}" in out.out
    assert f"sha256 {DIGEST} (as known)" in out.out
    assert "CC BY-SA 4.0" in out.err
    assert run(["datasets", "fetch", "crows-pairs", "--offline", "--to", "x"]) == 2
    assert "--offline forbids it" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
