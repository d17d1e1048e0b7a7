"""Access to what we serve: this machine alone unless a token is given, never another site's scripts or frames."""

from __future__ import annotations

import contextlib
import errno
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from grasping_student.pipeline.errors import UserError

SHORTEST_TOKEN = 12
"""Characters; a shorter token could be guessed."""

NO_FRAME = {"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY"}
"""Headers of every response: no site may show our page in a frame and have the person click on it unawares."""

REFUSED = 1008
"""WebSocket close code for a breach of policy."""


@dataclass(frozen=True)
class Binding:
    """Where a page is served, and to whom."""

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine and no other."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def checked_binding(host: str, port: int, token: str | None, moves_robot: bool = False) -> Binding:
    """A binding that is safe to serve; the token ``auto`` becomes a random one.

    Args:
        host: address to listen on.
        port: 0 takes any free one.
        token: word that opens the page, or None.
        moves_robot: whether the page commands a robot. Its token is then ``auto`` by default, also on this machine,
            where every account reaches the port.

    Raises:
        UserError: a host that others can reach without a token, a token that could be guessed, an impossible port.
    """
    if token == "auto" or (token is None and moves_robot):
        token = secrets.token_urlsafe(18)
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise UserError(
            f"--token has {len(token)} characters; give at least {SHORTEST_TOKEN}, or 'auto' for a random one"
        )
    if token is not None and not re.fullmatch(r"[A-Za-z0-9._~-]+", token):
        raise UserError("--token must consist of letters, digits and - . _ ~, or be 'auto': it is part of an address")
    if not is_loopback(host) and token is None:
        raise UserError(
            f"--host {host} lets other machines reach the page; add --token auto (or a token of your own), "
            "or leave --host out to serve this machine alone"
        )
    if not 0 <= port <= 65535:
        raise UserError(f"--port is {port}; it must be between 0 (any free one) and 65535")
    return Binding(host, port, token)


class Guard:
    """Lets a request through if it comes from our own page and, where a token is set, from somebody who has it."""

    def __init__(self, app: ASGIApp, binding: Binding, open_paths: Collection[str] = ()) -> None:
        """Guard an app; ``open_paths`` are answered without a token."""
        self._app = app
        self._binding = binding
        self._open_paths = open_paths
        self._cookie = f"grasping-student-{binding.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(NO_FRAME)
            await send(message)

        await self._answer(scope, receive, send_unframed)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._refusal(headers)
        if refusal is not None:
            await _refuse(scope, receive, send, 403, refusal)
            return
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        if self._binding.token is None or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
        elif self._token_is_among(value for name, value in query if name == "token"):
            if scope["type"] == "http":
                # the token leaves the address bar, and with it the history and the Referer header
                rest = urlencode([(name, value) for name, value in query if name != "token"])
                response = RedirectResponse(scope["path"] + ("?" + rest if rest else ""), status_code=303)
                response.set_cookie(self._cookie, self._binding.token, httponly=True, samesite="strict")
                await response(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        elif self._token_is_among(self._tokens_in(headers)):
            await self._app(scope, receive, send)
        else:
            await _refuse(
                scope, receive, send, 401, "This page needs its token: open the address that the terminal shows."
            )

    def _refusal(self, headers: Headers) -> str | None:
        """Why a request may not come in whoever sends it, or None."""
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname or ""
        if self._binding.loopback and not is_loopback(name):
            return "This page is served to this machine alone."  # a foreign name that resolves to us: DNS rebinding
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return "This page answers its own scripts only."
        return None

    def _tokens_in(self, headers: Headers) -> Iterable[str]:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            yield value
        with contextlib.suppress(CookieError):
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
            if cookie is not None:
                yield cookie.value

    def _token_is_among(self, given: Iterable[str]) -> bool:
        """Whether one of the given words is the token, in a time that tells nothing about it."""
        assert self._binding.token is not None
        wanted = self._binding.token.encode()
        matches = [hmac.compare_digest(word.encode(), wanted) for word in given]  # all of them, whichever fits
        return any(matches)


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose(REFUSED)(scope, receive, send)
    else:
        await PlainTextResponse(why + "\n", status_code=status)(scope, receive, send)


def open_socket(binding: Binding) -> socket.socket:
    """A listening socket.

    Raises:
        UserError: the address is not ours, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in binding.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # connections inherit it: an answer's body must not wait 40 ms until the client has acknowledged its head
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((binding.host.strip("[]"), binding.port))
        listening.listen(128)  # whoever comes before the server runs waits instead of being refused
    except OSError as error:
        listening.close()
        advice = "choose another --port, or 0 for any free one"
        if error.errno == errno.EADDRNOTAVAIL:
            advice = "--host must be an address of this machine"
        raise UserError(f"cannot serve on {binding.host}:{binding.port}: {error.strerror or error}; {advice}") from None
    return listening


def address_to_open(binding: Binding, port: int) -> str:
    """The address to open in a browser; in place of "all addresses" it holds one that other machines reach."""
    host = binding.host.strip("[]")
    if host in ("", "0.0.0.0", "::"):
        host = _own_address(socket.AF_INET6 if host == "::" else socket.AF_INET)
    query = "" if binding.token is None else f"?token={binding.token}"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/{query}"


def _own_address(family: socket.AddressFamily) -> str:
    """This machine's address on its way out, or its name where it has no way out."""
    # connecting a datagram socket sends nothing; the addresses are those of RFC 5737 and RFC 3849, for documentation
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(("2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return socket.gethostname()
