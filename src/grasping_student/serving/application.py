"""The HTTP application: grasps, models, health, metrics, and a page to try them on."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from grasping_student.pipeline.errors import UserError
from grasping_student.serving.answers import STATUSES, GraspAnswer, Refused, ServedModels, request_body
from grasping_student.serving.configuration import ServeConfig
from grasping_student.serving.metrics import Metrics
from grasping_student.serving.request_form import MOST_TEXT, GraspRequest, read_form
from grasping_student.serving.request_limits import Refusal
from grasping_student.serving.worker_pool import Lost, OutOfTime, WorkerPool

PAGE = Path(__file__).parent / "page"

NOT_READY = Refusal(503, "not-ready", "the models are being loaded; ask again in a moment, or wait for GET /readyz")


def make_application(config: ServeConfig, pool: WorkerPool, metrics: Metrics) -> FastAPI:
    """The application over a pool of workers.

    Args:
        config: limits.
        pool: computes the answers; it may still be starting.
        metrics: counts.
    """
    app = FastAPI(
        title="Grasping Student",
        description="Grasps for a parallel gripper on one depth picture. Lengths in metres, angles in radians.",
        docs_url=None,  # its scripts would be fetched from another site
        redoc_url=None,
    )
    asker = _Asker(config, pool, metrics)
    refused: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "model": Refused} for status, text in STATUSES.items() if status != 401
    }
    refused[401] = {"description": STATUSES[401], "content": {"text/plain": {}}}

    @app.exception_handler(Refusal)
    async def refuse(request: Request, refusal: Refusal) -> Response:
        metrics.refused(refusal.code)
        return refusal.response()

    @app.exception_handler(HTTPException)
    async def no_such_page(request: Request, error: HTTPException) -> Response:
        return JSONResponse({"code": "no-such-page", "message": str(error.detail)}, error.status_code, error.headers)

    @app.post(
        "/v1/grasps", response_model=GraspAnswer, responses=refused, openapi_extra={"requestBody": request_body()}
    )
    async def grasps(request: Request) -> Response:
        """The best grasps on one depth picture."""
        return await asker.ask(request)

    @app.get("/v1/models", response_model=ServedModels)
    async def models() -> Response:
        """Models that may be asked, the first of which answers where none is named."""
        return JSONResponse({"models": [model._asdict() for model in pool.models]})

    @app.post("/v1/models/reload", response_model=ServedModels, responses={409: {"model": Refused}})
    async def reload() -> Response:
        """Load the models anew from their folders; requests are answered meanwhile, and none is lost."""
        await reload_models(pool, metrics)
        return await models()

    @app.get("/healthz", response_class=PlainTextResponse)
    async def healthy() -> str:
        """The process answers."""
        return "ok\n"

    @app.get("/readyz", response_class=PlainTextResponse, responses={503: {"description": "Not ready"}})
    async def ready() -> Response:
        """The models are loaded."""
        return PlainTextResponse(*(("ready\n", 200) if pool.models else ("loading\n", 503)))

    @app.get("/metrics", response_class=PlainTextResponse)
    async def measured() -> Response:
        """Metrics for Prometheus."""
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    for path, name in (("/", "index.html"), ("/page.js", "page.js"), ("/page.css", "page.css")):
        app.add_api_route(path, _file(PAGE / name), include_in_schema=False)
    return app


def _file(path: Path) -> Callable[[], Awaitable[Response]]:
    async def give() -> Response:
        return FileResponse(path, headers={"Cache-Control": "no-cache"})

    return give


async def reload_models(pool: WorkerPool, metrics: Metrics) -> None:
    """Load the models anew; the old ones stay where that fails.

    Raises:
        Refusal: it failed.
    """
    try:
        await pool.reload()
    except UserError as error:
        metrics.reloaded(False)
        raise Refusal(409, "reload-failed", " ".join(str(error).split())) from None
    metrics.reloaded(True)


class _Asker:
    """Takes a request, asks the workers, and turns what they say into an answer of HTTP."""

    def __init__(self, config: ServeConfig, pool: WorkerPool, metrics: Metrics) -> None:
        self._config, self._pool, self._metrics = config, pool, metrics
        memory = Path("/dev/shm")
        self._folders = memory if memory.is_dir() else None

    async def ask(self, request: Request) -> Response:
        models = tuple(model.name for model in self._pool.models)
        if not models:
            raise NOT_READY
        begun = time.perf_counter()
        folder = Path(tempfile.mkdtemp(prefix="grasping-student-", dir=self._folders))
        try:
            asked = await self._form(request, folder, models)
            parsed = time.perf_counter() - begun
            return await self._answered(asked, parsed)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _form(self, request: Request, folder: Path, models: tuple[str, ...]) -> GraspRequest:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise Refusal(415, "no-form", "the body must be multipart/form-data: depth, intrinsics, camera_to_world")
        try:
            async with request.form(max_files=8, max_fields=256, max_part_size=MOST_TEXT) as form:
                return await read_form(form, folder, models, self._config.max_pixels)
        except (HTTPException, MultiPartException) as error:
            told = error.detail if isinstance(error, HTTPException) else error.message
            raise Refusal(422, "broken-form", f"the body is no whole multipart form: {told}") from None

    async def _answered(self, asked: GraspRequest, parsed: float) -> Response:
        limit = self._config.max_seconds
        try:
            answer, waited = await self._pool.answer(asked.model, asked.config, asked.picture, limit)
        except OutOfTime:
            raise Refusal(
                503, "out-of-time", f"no answer within {limit:g} seconds; ask less often, or start more workers"
            ) from None
        except Lost:
            raise Refusal(
                503, "lost", "the processes that computed the answer died; the memory may be too small for this picture"
            ) from None
        seconds = {"parse": parsed, "wait": waited, **answer.seconds}
        self._metrics.stages(seconds)
        if answer.kind == "refused":
            raise Refusal(422, answer.body["code"], answer.body["message"])
        if answer.kind == "nothing":
            self._metrics.nothing(answer.body["nothing"]["code"])
        return JSONResponse({**answer.body, "seconds": seconds})
