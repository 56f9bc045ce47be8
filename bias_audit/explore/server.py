"""Serve the page: to this machine, to no page but its own, and with no request to elsewhere."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bias_audit.errors import UsageError
from bias_audit.explore.subject import Subject

LOOPBACK = "127.0.0.1"
_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""What a browser on this machine calls it."""
_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval';"
        " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:;"
        " worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self';"
        " frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""A browser obeys these, so that not even a word of a stranger can make it ask elsewhere."""
_SETTINGS = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "global.developmentMode": False,
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    "runner.magicEnabled": False,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 1,
    "theme.light.primaryColor": "#1f5a8c",
    "theme.light.textColor": "#101218",  # captions are its shade, and shall be read too
    "theme.dark.primaryColor": "#3e7aad",
}
_subject: list[Subject] = []


def subject() -> Subject:
    """Return what the page is about."""
    return _subject[-1]


def require_address(host: str, port: int | None, *, anyone: bool) -> None:
    """Refuse an address that others can reach, unless they are meant to, and one that is taken.

    Raises:
        UsageError: it is such an address.
    """
    if not (host == "localhost" or _is_address(host, of_loopback=True) or anyone):
        raise UsageError(
            f"'{host}' can be reached from other machines, and the page has no password: whoever"
            " reaches it may use the model and read the stored audits",
            hint=f"leave --host out ({LOOPBACK}), or say --anyone-may-connect if that is meant",
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port or 0))
    except OSError as error:
        raise UsageError(
            f"cannot listen at {host}{f', port {port}' if port else ''}: {error.strerror}",
            hint="choose another --port" if port else "name an address of this machine",
        ) from error


def serve(about: Subject, *, host: str, port: int | None, announce: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted.

    Args:
        about: what the page shows.
        host: address to listen at; see :func:`require_address`.
        port: 0 for any; None for the first free one from 8501.
        announce: called with the page's address once it answers.

    Raises:
        UsageError: the packages that it needs are not installed, or it cannot be started.
    """
    try:
        import streamlit
        from starlette.middleware import Middleware
    except ImportError as error:
        raise UsageError(
            f"the page needs a package that is not installed: {error.name}",
            hint="pip install 'bias-audit[explore]'",
        ) from error
    from streamlit.config import get_option

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        shown = f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{get_option('server.port')}")
        yield

    _subject.append(about)
    app = streamlit.App(
        str(Path(__file__).with_name("page.py")),
        lifespan=lifespan,
        middleware=[Middleware(Guard, host=host)],
    )
    settings = {**_SETTINGS, "server.address": host}
    try:
        app.run(config=settings if port is None else settings | {"server.port": port})
    except KeyboardInterrupt:
        return
    except SystemExit as error:
        raise UsageError("the page could not be started", hint="choose another --port") from error


class Guard:
    """Refuse what a page of somebody else asks through the reader's browser.

    A browser names in ``Host`` whom it means to ask, and in ``Origin`` whose page asks: a name that
    was pointed at this machine (DNS rebinding), or another site's page, gets no answer.

    Args:
        app: what answers the rest.
        host: the address that the server listens at.
    """

    def __init__(self, app: Any, host: str) -> None:
        self._app = app
        self._is_public = not (host == "localhost" or _is_address(host, of_loopback=True))
        self._names = _NAMES | {host, *([socket.gethostname()] if self._is_public else [])}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        if not self._is_own(headers.get("host", ""), headers.get("origin")):
            await _refuse(scope, receive, send)
            return

        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                more = [(name.encode(), text.encode()) for name, text in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        await self._app(scope, receive, send_with_policy)

    def _is_own(self, host: str, origin: str | None) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            of_page = host if origin is None else urlsplit(origin).netloc
        except ValueError:
            return False
        known = name in self._names or (self._is_public and _is_address(name))
        return known and of_page == host


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b"Refused: this page did not ask.\n"})


def _is_address(name: str, *, of_loopback: bool = False) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not of_loopback
