"""Takes in the calls of CRMs: proved, kept until the next run, answered within a second.

What a call says is a hint where to look, never a value. It is answered well only once its hints are
in the store; while the store is taken by a run the CRM is told to call again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from hashlib import blake2b
from queue import Empty, Full, Queue
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.adapters import open_hooks
from connector.adapters.base import Hooks
from connector.errors import LeadloopError, LoginError
from connector.serve.house import House
from connector.store.incoming import hooks_seen
from connector.sync.reading import hints

BODY = 1_000_000
"""Bytes a call may have; a batch of a hundred events is far below."""
WAIT_S = 0.8
_WAITING = 1_000
_AT_ONCE = 200


class _Call(NamedTuple):
    connection: str
    said: Sequence[str]
    digest: str
    done: Future[bool]


class HookDesk:
    """Verifies calls, and writes what they say in one thread: many of them, one transaction."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._hooks: dict[str, Hooks] = {}
        for connection in house.loaded.settings.connections:
            found = open_hooks(connection)
            if found is not None:
                self._hooks[connection.name] = found
        self._calls: Queue[_Call] = Queue(_WAITING)
        self._over = threading.Event()
        self._writer = threading.Thread(target=self._write_all, name="hooks", daemon=True)
        self._writer.start()

    async def take(self, request: Request) -> Response:
        """Answer POST /hooks/{connection}."""
        name = str(request.path_params["connection"])
        hooks = self._hooks.get(name)
        if hooks is None:
            return _answer(404, "no connection of this name takes calls")
        body = await _body(request)
        if body is None:
            return _answer(413, f"more than {BODY:,} bytes")
        headers = {key.lower(): value for key, value in request.headers.items()}
        try:
            said = hooks.verify(headers, body, self._address(request), self._house.clock())
        except LoginError:
            self._house.note("hook.refused", connection=name)
            return _answer(401, "the signature or its time is wrong")
        except LeadloopError as error:
            self._house.note("hook.failed", connection=name, code=type(error).code)
            return _answer(503, "calls cannot be proved just now")
        return await self._keep(name, said, _digest(headers, body))

    async def _keep(self, name: str, said: Sequence[str], digest: str) -> Response:
        call = _Call(name, said, digest, Future())
        try:
            self._calls.put_nowait(call)
            new = await asyncio.wait_for(asyncio.wrap_future(call.done), WAIT_S)
        except (Full, TimeoutError, LeadloopError):
            self._house.note("hook.busy", connection=name)
            return _answer(503, "the store is busy; call again")
        self._house.note("hook.taken", connection=name, records=len(said), new=new)
        return JSONResponse({"records": len(said), "known": not new})

    def _address(self, request: Request) -> str:
        """The address the CRM called, which its signature covers."""
        public = self._house.loaded.settings.serve.public
        if public is None:
            return str(request.url)
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{public}{request.url.path}{query}"

    # --- the writing thread ----------------------------------------------------------------------

    def _write_all(self) -> None:
        while True:
            calls = self._next()
            if calls:
                self._write(calls)
            elif self._over.is_set():
                return

    def _next(self) -> list[_Call]:
        try:
            calls = [self._calls.get(timeout=0.1)]
        except Empty:
            return []
        while len(calls) < _AT_ONCE:
            try:
                calls.append(self._calls.get_nowait())
            except Empty:
                break
        return [one for one in calls if not one.done.cancelled()]

    def _write(self, calls: Sequence[_Call]) -> None:
        now = self._house.clock()
        try:
            for call in calls:
                new = hooks_seen.is_new(self._house.store, call.connection, call.digest)
                if new:
                    hints.note(self._house.store, call.connection, call.said, now)
                    hooks_seen.add(self._house.store, call.connection, call.digest, now)
                _tell(call, new=new)
        except LeadloopError as error:
            for call in calls:
                with suppress(InvalidStateError):
                    call.done.set_exception(error)

    def close(self) -> None:
        """Write what was taken in, then end."""
        self._over.set()
        self._writer.join(timeout=10)


def _tell(call: _Call, *, new: bool) -> None:
    with suppress(InvalidStateError):  # nobody waits for it any more
        call.done.set_result(new)


async def _body(request: Request) -> bytes | None:
    """The body, or None for one that is too long; no more than the limit is ever held."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > BODY:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _digest(headers: dict[str, str], body: bytes) -> str:
    """Of the signed call as a whole: the same one sent twice, not another that says the same."""
    found = blake2b(body, digest_size=20)
    for name in sorted(headers):
        if "signature" in name or "timestamp" in name:
            found.update(f"\n{name}:{headers[name]}".encode())
    return found.hexdigest()


def _answer(status: int, said: str) -> Response:
    headers = {"Retry-After": "30"} if status == 503 else {}
    return JSONResponse({"error": said}, status, headers)
