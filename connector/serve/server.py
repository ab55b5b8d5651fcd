"""Opens the house, starts schedule and server, and closes all in good order at SIGTERM."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from connector.config.load import Loaded
from connector.domain.moment import Micros
from connector.errors import UsageError
from connector.serve.app import application
from connector.serve.hooks import HookDesk
from connector.serve.house import House, Note, token_of
from connector.serve.schedule import Schedule
from connector.store.database import open_store

DRAIN_S = 20
"""How long requests that are being answered may take, once the end is asked for."""


def serve(
    loaded: Loaded,
    *,
    clock: Callable[[], Micros],
    note: Note,
    command: Sequence[str] | None,
    ready: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or Ctrl-C; `command` is what the schedule starts, None for none.

    `ready` is told the address as soon as it can be reached. Raises UsageError when it cannot be
    bound, or when pages that others could reach ask for no token.
    """
    settings = loaded.settings.serve
    token = token_of(loaded, settings.host)
    listening = _bind(settings.host, settings.port)
    store = open_store(loaded.store_url())
    house = House(loaded, store, clock, note, token)
    desk = HookDesk(house)
    schedule = Schedule(house, command) if command is not None else None
    try:
        if schedule is not None:
            schedule.start(clock())
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        ready(f"http://{host}:{listening.getsockname()[1]}")
        with _surviving_sigterm():
            _server(house, desk).run(sockets=[listening])
    finally:
        house.closing = True
        if schedule is not None:
            schedule.close()
        desk.close()
        store.close()
        listening.close()


@contextmanager
def _surviving_sigterm() -> Iterator[None]:
    """The server answers SIGTERM by draining, then raises it anew: it has done its work."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda _signal, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)  # who calls from now on waits for the first answer
    except OSError as error:
        listening.close()
        raise UsageError(
            f"{host}:{port} cannot be served on: {error.strerror}",
            hint="Choose another `serve: port:`, or end what uses it",
        ) from error
    return listening


def _server(house: House, desk: HookDesk) -> uvicorn.Server:
    config = uvicorn.Config(
        application(house, desk),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=5,
        limit_concurrency=200,
        lifespan="off",
        ws="none",
    )
    return uvicorn.Server(config)
