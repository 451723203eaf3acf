"""The addresses of the service, and their answers."""

import asyncio
import hmac
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien._io.errors import printable
from mien.app.listening import is_local_name
from mien.app.service.bodies import Memory, check_head, read_body, uploads
from mien.app.service.limits import Limits
from mien.app.service.metrics import MEDIA_TYPE, Metrics
from mien.app.service.page import page
from mien.app.service.schemas import READING
from mien.app.service.workers import QueueFullError, Readers, Reading, Workers, read_uploads
from mien.inference.recognizer import EmotionRecognizer

#: Addresses that need no token, because they tell nothing about pictures.
OPEN = ("/", "/docs", "/health", "/openapi.json")

_BODIES = 8  # bodies of the largest size that may be held at one time
_CLIENT_GONE = 499  # nginx's status for a client that closed the connection; only counted, as nobody receives it
_DESCRIPTION = """Reads emotions from faces. The answer is how people would label a face, not what the person feels. \
Do not use it to make decisions about people. Send photos, or crops that are one face each, as files of \
multipart/form-data or one picture file as the body."""


def make_api(workers: Workers, limits: Limits, metrics: Metrics, token: str | None, local: bool) -> ASGIApp:
    """Return the service as an ASGI application.

    Args:
        workers: the threads that read photos.
        limits: the limits of a request.
        metrics: the counters.
        token: what clients must send as Authorization: Bearer; None if they need no token.
        local: answer only to names of this machine (against DNS rebinding).
    """
    service = _Service(workers, limits, metrics)
    api = FastAPI(title="mien", version=version("mien"), description=_DESCRIPTION, docs_url=None, redoc_url=None)
    api.add_api_route("/photos", service.photos, summary="Find the faces in photos and read their emotions", **READING)
    api.add_api_route("/crops", service.crops, summary="Read emotions from pictures that are one face each", **READING)
    api.add_api_route("/health", service.health, summary="Check that the service runs", response_model=dict[str, str])
    api.add_api_route("/metrics", service.metrics, summary="Return counters in the text format of Prometheus")
    for path in ("/", "/docs"):
        api.add_api_route(path, lambda: HTMLResponse(page(api.openapi())), include_in_schema=False)
    for route in [route for route in api.routes if isinstance(route, APIRoute) and route.methods == {"GET"}]:
        api.add_api_route(route.path, route.endpoint, methods=["HEAD"], include_in_schema=False)
    api.add_exception_handler(AnyHTTPException, _as_json)
    api.add_exception_handler(500, _as_fault)  # uvicorn logs it
    return _Guard(api, metrics, token, local)


async def busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a connection beyond the maximum number."""
    headers = {"Retry-After": "5", "Connection": "close"}
    await _error(503, "too many connections, try again later", headers)(scope, receive, send)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": printable(message)}, status, headers)


async def _as_json(_: Request, error: Any) -> JSONResponse:
    return _error(error.status_code, error.detail, dict(error.headers or {}))


async def _as_fault(*_: object) -> JSONResponse:
    return _error(500, "internal error, see the log of the server", {"Connection": "close"})  # which uvicorn does


class _Guard:
    """Refuses requests without permission, and counts all responses."""

    def __init__(self, app: ASGIApp, metrics: Metrics, token: str | None, local: bool) -> None:
        self._app, self._metrics, self._local = app, metrics, local
        self._authorization = None if token is None else f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.count_response(message["status"])
            await send(message)

        await (self._refusal(scope["path"], Headers(scope=scope)) or self._app)(scope, receive, counted)

    def _refusal(self, path: str, headers: Headers) -> JSONResponse | None:
        if self._local and not is_local_name(headers.get("host", "")):
            return _error(400, f"Host: found {headers.get('host', '')!r}, expected a name of this machine")
        if self._authorization is None or path in OPEN:
            return None
        if hmac.compare_digest(headers.get("authorization", "").encode(), self._authorization):
            return None
        return _error(401, "Authorization: expected Bearer and the token", {"WWW-Authenticate": "Bearer"})


class _Service:
    """Answers requests."""

    def __init__(self, workers: Workers, limits: Limits, metrics: Metrics) -> None:
        self._workers, self._limits, self._metrics = workers, limits, metrics
        self._memory = Memory(_BODIES * limits.size)
        metrics.gauges |= {"mien_jobs": lambda: workers.jobs, "mien_bodies_bytes": lambda: self._memory.used}

    async def photos(self, request: Request) -> Response:
        return await self._read(request, lambda readers: readers.photos)

    async def crops(self, request: Request) -> Response:
        return await self._read(request, lambda readers: readers.crops)

    async def health(self) -> JSONResponse:
        return JSONResponse({"status": "ok", "version": version("mien")})

    async def metrics(self) -> Response:
        return Response(self._metrics.text(), media_type=MEDIA_TYPE)

    async def _read(self, request: Request, choose: Callable[[Readers], EmotionRecognizer]) -> Response:
        check_head(request, self._limits)
        try:
            self._workers.check_room(self._metrics.mean_seconds)
            with self._memory.holding() as chunks:
                await read_body(request, self._limits, self._memory, chunks)
                self._workers.check_room(self._metrics.mean_seconds)
                readings = await self._answer(request, chunks, choose)
        except QueueFullError as full:
            raise HTTPException(503, "the queue is full, try again later", {"Retry-After": str(full)}) from None
        except ClientDisconnect:
            return Response(status_code=_CLIENT_GONE)
        return _response(readings)

    async def _answer(
        self, request: Request, chunks: list[bytes], choose: Callable[[Readers], EmotionRecognizer]
    ) -> list[Reading]:
        """Let a worker read a body. Raises HTTPException 503 if that takes too long, or ClientDisconnect."""
        content_type = request.headers["content-type"]
        deadline = time.monotonic() + self._limits.seconds

        def job(readers: Readers) -> tuple[list[Reading], float]:
            start = time.perf_counter()
            pictures = uploads(content_type, b"".join(chunks), self._limits)
            readings = read_uploads(pictures, choose(readers), self._limits, deadline)
            return readings, time.perf_counter() - start

        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._limits.seconds):
                readings, seconds = await _unless_gone(request, self._workers.submit(job))
        except TimeoutError:
            message = f"the photos took more than {self._limits.seconds:g} s, send fewer or smaller ones, or try later"
            raise HTTPException(503, message, {"Retry-After": "5"}) from None
        self._metrics.count_read(seconds, [reading.faces for reading in readings])
        return readings


async def _unless_gone(request: Request, job: "asyncio.Future[Any]") -> Any:
    """Return a job's result. If the client does not wait for it, cancel the job and raise ClientDisconnect."""
    gone = asyncio.ensure_future(_closed(request))
    try:
        await asyncio.wait({job, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ClientDisconnect
        return job.result()
    finally:
        gone.cancel()
        job.cancel()


async def _closed(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _response(readings: list[Reading]) -> Response:
    if all(reading.faces is None for reading in readings):
        more = f"; none of {len(readings)} photos can be read" if len(readings) > 1 else ""
        return _error(422, f"{readings[0].notes[0]}{more}")
    return JSONResponse([reading.to_dict() for reading in readings])
