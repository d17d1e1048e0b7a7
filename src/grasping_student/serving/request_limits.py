"""Limits on what is received: size and time of a body, and how many requests are inside at once."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grasping_student.serving.metrics import Metrics

DRAINING = 2.0
"""Seconds for which the rest of a refused body is read and thrown away: who still sends would not see the answer."""


class Refusal(Exception):
    """Why a request gets no answer.

    Attributes:
        status: of HTTP.
        code: for programs.
        message: one sentence.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> JSONResponse:
        """The refusal as an answer of HTTP."""
        headers = {"Retry-After": "1"} if self.status in (429, 503) else {}
        return JSONResponse({"code": self.code, "message": self.message}, self.status, headers)


class RequestLimits:
    """Receives whole bodies of POST requests for an app, within limits; the app sees only those.

    Args:
        app: what answers.
        most_bytes: of a body.
        seconds: for a body to arrive.
        most_inside: requests at a time.
        metrics: counts.
    """

    def __init__(self, app: ASGIApp, most_bytes: int, seconds: float, most_inside: int, metrics: Metrics) -> None:
        self._app = app
        self._most_bytes, self._seconds, self._most_inside = most_bytes, seconds, most_inside
        self._metrics = metrics
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        begun, status = time.monotonic(), 0

        async def send_counted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        self._inside += 1
        self._metrics.inside.set(self._inside)
        try:
            await self._answer(scope, receive, send_counted)
        finally:
            self._inside -= 1
            self._metrics.inside.set(self._inside)
            if scope["path"] == "/v1/grasps" and status:
                self._metrics.answered(status, time.monotonic() - begun)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        begun = time.monotonic()
        try:
            if self._inside > self._most_inside:
                raise Refusal(429, "too-many", f"{self._most_inside} requests are inside, as many as may be; try again")
            body = await self._body(receive, headers)
        except Refusal as refusal:
            self._metrics.refused(refusal.code)
            if headers.get("expect", "").lower() != "100-continue" and refusal.status != 408:
                await _drain(receive)
            response = refusal.response()
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        if body is None:
            return  # whoever asked has gone
        self._metrics.stages({"receive": time.monotonic() - begun})
        given = False

        async def receive_body() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_body, send)

    async def _body(self, receive: Receive, headers: Headers) -> bytes | None:
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._most_bytes:
            raise self._too_large(int(declared))
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    size += len(message.get("body", b""))
                    if size > self._most_bytes:
                        raise self._too_large(size)
                    parts.append(message.get("body", b""))
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise Refusal(
                408, "too-slow", f"the body did not arrive within {self._seconds:g} seconds; {size} bytes of it did"
            ) from None

    def _too_large(self, size: int) -> Refusal:
        return Refusal(
            413,
            "too-large",
            f"the body has {size / 1e6:.0f} MB or more, at most {self._most_bytes / 1e6:g} MB are taken; send "
            "fewer pixels, or a PNG of 16 bits",
        )


async def _drain(receive: Receive) -> None:
    try:
        async with asyncio.timeout(DRAINING):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    except TimeoutError:
        return
