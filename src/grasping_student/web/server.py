"""NiceGUI pages, served to whom ``serving.access`` lets in."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from grasping_student.serving.access import Binding, Guard, address_to_open, open_socket


def serve(
    binding: Binding,
    title: str,
    build: Callable[[], Any],
    on_start: Callable[[], Awaitable[None]] | None = None,
    on_stop: Callable[[], object] = lambda: None,
) -> None:
    """Serve NiceGUI pages until Ctrl-C.

    Args:
        binding: from ``checked_binding``.
        title: of the browser's tab, and in the line that tells the address.
        build: registers the pages.
        on_start: awaited by the server's event loop when it begins.
        on_stop: called by it at Ctrl-C, before connections and running work are waited for.

    Raises:
        UserError: the port is taken.
    """
    import uvicorn
    from fastapi import FastAPI
    from nicegui import app as nicegui_app
    from nicegui import ui

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            on_stop()
            await super().shutdown(sockets)

    listening = open_socket(binding)
    try:
        port = listening.getsockname()[1]
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        build()
        if on_start is not None:
            nicegui_app.on_startup(on_start)
        ui.run_with(
            app, title=f"{title} · Grasping Student", favicon="🤏", reconnect_timeout=30.0, show_welcome_message=False
        )
        guard = Guard(app, Binding(binding.host, port, binding.token))
        config = uvicorn.Config(guard, log_level="warning", timeout_graceful_shutdown=2, server_header=False)
        print(f"{title}: {address_to_open(binding, port)}  (Ctrl-C ends it)", file=sys.stderr, flush=True)
        with contextlib.suppress(KeyboardInterrupt):  # the usual end, no interruption
            Server(config).run(sockets=[listening])
    finally:
        listening.close()
