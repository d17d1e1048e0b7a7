"""The command ``serve``: listen, load the models, answer until told to stop, and finish what was taken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys

from grasping_student.pipeline.errors import UserError, require_extra
from grasping_student.serving.access import Binding, Guard, address_to_open, checked_binding, open_socket
from grasping_student.serving.configuration import ServeConfig
from grasping_student.serving.grasp_worker import ModelSpec

OPEN_PATHS = ("/healthz", "/readyz")
"""Answered without a token: they tell nothing, and whoever watches processes has none."""

MOST_CONNECTIONS = 1000

log = logging.getLogger(__name__)


def run(config: ServeConfig) -> None:
    """Serve until SIGTERM or Ctrl-C; SIGHUP loads the models anew.

    Raises:
        UserError: the extra ``serve`` is missing, an address that cannot be served on, or a model that cannot be.
    """
    require_extra("serve", "fastapi", "uvicorn", "prometheus_client", "multipart")
    binding = checked_binding(config.host, config.port, config.token)
    with contextlib.suppress(KeyboardInterrupt):  # the usual end
        asyncio.run(serve(config, binding))


async def serve(config: ServeConfig, binding: Binding) -> None:
    """Serve in the running loop; errors as of ``run``."""
    import uvicorn

    from grasping_student.serving.application import make_application, reload_models
    from grasping_student.serving.metrics import Metrics
    from grasping_student.serving.request_limits import Refusal, RequestLimits
    from grasping_student.serving.worker_pool import WorkerPool

    specs = tuple(ModelSpec(name, folder, config.backend) for name, folder in config.named_models())
    pool = WorkerPool(specs, config.workers or os.cpu_count() or 1, config.threads)
    metrics = Metrics()
    listening = open_socket(binding)
    binding = Binding(binding.host, listening.getsockname()[1], binding.token)
    limited = RequestLimits(
        make_application(config, pool, metrics),
        int(config.max_megabytes * 1e6),
        config.max_seconds,
        config.max_waiting,
        metrics,
    )
    settings = uvicorn.Config(
        Guard(limited, binding, OPEN_PATHS),
        log_level="warning",
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=30,
    )
    server = uvicorn.Server(settings)

    async def reload() -> None:
        try:
            await reload_models(pool, metrics)
            print("models loaded anew", file=sys.stderr, flush=True)
        except Refusal as refusal:
            log.warning("the models stay as they are: %s", refusal.message)

    tasks: set[asyncio.Task[None]] = set()

    def begin_reload() -> None:
        task = asyncio.get_running_loop().create_task(reload())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, begin_reload)
    answering = asyncio.create_task(server.serve(sockets=[listening]))
    starting = asyncio.create_task(pool.start())
    try:
        await asyncio.wait({answering, starting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            served = ", ".join(f"{model.name} ({model.backend})" for model in pool.models)
            address = address_to_open(binding, binding.port)
            print(f"Grasps of {served}: {address}  (Ctrl-C ends it)", file=sys.stderr, flush=True)
        await answering
    except UserError:
        server.should_exit = True
        await answering
        raise
    finally:
        starting.cancel()
        await pool.close()
        listening.close()
