"""Downloads from a local server; no other is ever asked."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bias_audit.cli.app import run
from bias_audit.datasets import DATASETS, dataset, download, get, open_dataset
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
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def publish(server, monkeypatch):
    """Let CrowS-Pairs be on the local server."""

    def info(path="/pairs", sha256=DIGEST, root=f"http://127.0.0.1:{server.server_address[1]}"):
        remote = Remote(url=f"{root}{path}", name=NAME, sha256=sha256)
        changed = replace(DATASETS["crows-pairs"], files=(remote,))
        monkeypatch.setattr(dataset, "DATASETS", {**DATASETS, "crows-pairs": changed})
        return changed

    return info


def test_a_file_is_brought_and_checked(publish, tmp_path, server):
    (file,) = download.fetch(publish(), tmp_path)
    assert (file.checked, file.new, file.sha256) == (True, True, DIGEST)
    copy = open_dataset("crows-pairs", tmp_path)
    assert (copy.summary().rows, copy.files[0].known) == (4, True)
    (again,) = download.fetch(publish(), tmp_path)
    assert (again.new, len(server.asked)) == (False, 1), "what is there is not fetched again"


@pytest.mark.parametrize("path", ["/pairs", "/unsized"])
def test_without_a_known_digest_the_file_is_taken_and_named(publish, tmp_path, path):
    (file,) = download.fetch(publish(path, sha256=""), tmp_path)
    assert (file.checked, file.sha256) == (False, DIGEST)


@pytest.mark.parametrize(
    ("path", "sha256", "said"),
    [
        ("/pairs", "0" * 64, "nothing was kept"),
        ("/gone", "", "could not be fetched: Not Found"),
        ("/cut", "", "could not be fetched|broke off after"),
    ],
)
def test_a_wrong_answer_leaves_nothing(publish, tmp_path, path, sha256, said):
    with pytest.raises(UsageError, match=said):
        download.fetch(publish(path, sha256), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_too_large_a_file_is_not_kept(publish, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 10)
    with pytest.raises(UsageError, match="it was not kept"):
        download.fetch(publish(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_offline_asks_nobody(publish, tmp_path, server):
    with pytest.raises(UsageError, match="--offline forbids it") as caught:
        download.fetch(publish(), tmp_path, offline=True)
    assert "--data crows-pairs=FILE" in caught.value.hint
    assert server.asked == []


def test_a_file_in_the_way_is_kept_unless_asked(publish, tmp_path):
    mine = tmp_path / NAME
    mine.write_text("my own\n")
    with pytest.raises(UsageError, match="is there already and differs"):
        download.fetch(publish(), tmp_path)
    assert mine.read_text() == "my own\n"
    download.fetch(publish(), tmp_path, replace=True)
    assert mine.read_bytes() == BODY
    (same,) = download.fetch(publish(sha256=""), tmp_path)
    assert not same.new


def test_what_is_not_to_be_fetched_points_to_its_page(tmp_path):
    with pytest.raises(UsageError, match="take it from their page") as caught:
        download.fetch(get("eec"), tmp_path)
    assert caught.value.hint == get("eec").home


def test_only_https_is_asked(publish, tmp_path):
    with pytest.raises(UsageError, match="expected an https address"):
        download.fetch(publish(root="http://example.org"), tmp_path)


def test_the_command_fetches_and_says_so(publish, tmp_path, capsys, monkeypatch):
    publish()
    monkeypatch.chdir(tmp_path)
    assert run(["datasets", "fetch", "crows-pairs"]) == 0
    out = capsys.readouterr()
    assert f"bias-audit-data/crows-pairs/{NAME}" in out.out
    assert f"sha256 {DIGEST} (as known)" in out.out
    assert "CC BY-SA 4.0" in out.err
    assert run(["datasets", "fetch", "crows-pairs", "--offline", "--to", "x"]) == 2
    assert "--offline forbids it" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
