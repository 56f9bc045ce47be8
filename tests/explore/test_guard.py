"""Which requests are answered, and which addresses are listened at."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from bias_audit.errors import UsageError
from bias_audit.explore.server import Guard, require_address


async def answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": b"page"})


def ask(host: str, kind: str = "http", at: str = "127.0.0.1", **more: str) -> list[dict[str, Any]]:
    """What is sent to a browser that asks for the page of this host."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    named = {"host": host, **more}
    headers = [(name.encode(), text.encode()) for name, text in named.items()]
    asyncio.run(Guard(answer, host=at)({"type": kind, "headers": headers}, receive, send))
    return sent


@pytest.mark.parametrize(
    ("host", "more"),
    [
        ("127.0.0.1:8501", {}),
        ("localhost:8501", {}),
        ("localhost:9000", {"origin": "http://localhost:9000"}),  # through a tunnel
        ("[::1]:8501", {"origin": "http://[::1]:8501"}),
        ("LOCALHOST:8501", {}),
    ],
)
def test_the_page_itself_is_answered_and_bound_to_a_policy(host: str, more: dict[str, str]) -> None:
    start, body = ask(host, **more)
    headers = {name.decode(): text.decode() for name, text in start["headers"]}
    assert (start["status"], body["body"]) == (200, b"page")
    assert headers["x"] == "y"
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "http" not in headers["content-security-policy"]
    assert ask(host, "websocket", **more) == [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    ("host", "more"),
    [
        ("evil.example:8501", {}),
        ("evil.example", {"origin": "http://evil.example"}),
        ("127.0.0.1:8501", {"origin": "http://evil.example"}),
        ("127.0.0.1:8501", {"origin": "http://127.0.0.1:9999"}),
        ("127.0.0.1:8501", {"origin": "null"}),
        ("127.0.0.1.evil.example:8501", {}),
        ("localhost@evil.example", {}),
        ("192.168.0.7:8501", {}),
        ("[::1", {}),
        ("127.0.0.1:8501", {"origin": "http://[::1"}),
        ("", {}),
    ],
)
def test_other_names_and_pages_get_no_answer(host: str, more: dict[str, str]) -> None:
    start, body = ask(host, **more)
    assert start["status"] == 403
    assert b"page" not in body["body"].replace(b"this page", b"")
    assert ask(host, "websocket", **more) == [{"type": "websocket.close", "code": 1008}]


def test_a_page_for_others_is_asked_by_address_or_by_the_name_of_the_machine() -> None:
    for host in ("192.168.0.7:8501", f"{socket.gethostname()}:8501", "[fe80::1]:8501"):
        assert ask(host, at="0.0.0.0")[0]["status"] == 200  # noqa: S104 - what is tested
    assert ask("evil.example:8501", at="0.0.0.0")[0]["status"] == 403  # noqa: S104


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", "", "127.0.0.1.x"])  # noqa: S104
def test_an_address_that_others_reach_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="no password") as caught:
        require_address(host, None, anyone=False)
    assert "--anyone-may-connect" in caught.value.hint


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_addresses_that_can_be_listened_at(taken: int) -> None:
    for host in ("127.0.0.1", "localhost", "127.0.0.2"):
        require_address(host, None, anyone=False)
    require_address("0.0.0.0", 0, anyone=True)  # noqa: S104
    with pytest.raises(UsageError, match=rf"cannot listen at 127\.0\.0\.1, port {taken}"):
        require_address("127.0.0.1", taken, anyone=False)
    with pytest.raises(UsageError, match=r"cannot listen at 203\.0\.113\.1"):
        require_address("203.0.113.1", None, anyone=True)
