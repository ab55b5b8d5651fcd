"""The service's addresses. Whatever is asked by GET changes nothing."""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.errors import LeadloopError, UsageError
from connector.serve.hooks import HookDesk
from connector.serve.house import House
from connector.serve.metrics import metrics
from connector.serve.pages import Pages

_SAFE = {
    b"content-security-policy": b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    b"frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}
Answer = Callable[[Request], Awaitable[Response]]


def application(house: House, desk: HookDesk) -> Starlette:
    """Give the application over an open house; its life is the caller's."""
    pages = Pages(house)

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if house.closing:
            return PlainTextResponse("closing\n", 503)
        try:
            await run_in_threadpool(_look, house)
        except LeadloopError as error:
            return PlainTextResponse(f"{type(error).code}\n", 503)
        return PlainTextResponse("ok\n")

    async def measured(_: Request) -> Response:
        text = await run_in_threadpool(metrics, house)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def report(_: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(pages.report))

    async def status(_: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(pages.status))

    async def explain(request: Request) -> Response:
        word = str(request.path_params["person"])
        try:
            return HTMLResponse(await run_in_threadpool(pages.explain, word))
        except UsageError as error:
            return PlainTextResponse(f"{error}\n", 404)

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/metrics", measured),
            Route("/", _guarded(house, status)),
            Route("/status", _guarded(house, status)),
            Route("/report", _guarded(house, report)),
            Route("/explain/{person:path}", _guarded(house, explain, always=True)),
            Route("/hooks/{connection}", desk.take, methods=["POST"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(house), www_redirect=False),
            Middleware(_SafeHeaders),
        ],
    )


def _look(house: House) -> None:
    with house.store.read() as tx:
        tx.exec_driver_sql("SELECT 1 FROM run LIMIT 1").fetchall()


def _hosts(house: House) -> list[str]:
    """The names we answer to: a page elsewhere must not reach us through a name of its own."""
    serve = house.loaded.settings.serve
    names = {"127.0.0.1", "localhost", "[::1]", serve.host}
    if serve.public is not None:
        names.add(str(urlsplit(serve.public).hostname))
    return ["*"] if serve.host in {"0.0.0.0", "::"} and house.token else sorted(names)  # noqa: S104


def _guarded(house: House, answer: Answer, *, always: bool = False) -> Answer:
    """Ask for the token; `always` keeps a page away where none is set."""

    async def guarded(request: Request) -> Response:
        if house.token is None:
            if always:
                said = "set `serve: {auth: {token: ...}}` to see people here\n"
                return PlainTextResponse(said, 403)
        elif not hmac.compare_digest(_given(request).encode(), house.token.encode()):
            ask = {"WWW-Authenticate": 'Basic realm="leadloop", charset="UTF-8"'}
            return PlainTextResponse("the token is missing or wrong\n", 401, ask)
        return await answer(request)

    return guarded


def _given(request: Request) -> str:
    """The token as a bearer's, or as the password a browser asks for."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return b64decode(value, validate=True).decode().partition(":")[2]
        except (Error, UnicodeDecodeError):
            return ""
    return ""


class _SafeHeaders:
    """Adds to every answer what keeps a browser from doing more with it than show it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_SAFE.items()]
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)
