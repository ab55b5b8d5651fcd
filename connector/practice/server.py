"""Serves a practice CRM on loopback: threads, keep-alive, TLS if asked, and lines that go dead."""

from __future__ import annotations

import socket
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Protocol

from connector.practice import faults as fault_script
from connector.practice.clock import PracticeClock
from connector.practice.control import PREFIX, steer
from connector.practice.faults import Faults
from connector.practice.oracle import Oracle
from connector.practice.wire import LineDroppedError, Request, Response


class PracticeCrm(Protocol):
    """What a practice CRM offers to the server and to whoever steers it."""

    clock: PracticeClock
    faults: Faults

    @property
    def oracle(self) -> Oracle:
        """What truly changed."""

    def answer(self, request: Request) -> Response:
        """Do what the request asks."""

    def steer(self, verb: str, given: Any) -> Any:
        """Do what no client could: load rows, merge, lock, hide. Raises ValueError."""


class PracticeServer:
    """One practice CRM at one loopback port. `port` 0 takes a free one."""

    def __init__(
        self, crm: PracticeCrm, *, port: int = 0, certificate: tuple[Path, Path] | None = None
    ) -> None:
        self.crm = crm
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.crm = crm
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
            self._http.scheme = "https"
        self._thread: Thread | None = None

    @property
    def address(self) -> str:
        """Where it is reached."""
        scheme = self._http.scheme
        host = "localhost" if scheme == "https" else "127.0.0.1"
        return f"{scheme}://{host}:{self._http.server_address[1]}"

    def start(self) -> PracticeServer:
        """Serve in a thread."""
        self._thread = Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def serve(self) -> None:
        """Serve until interrupted."""
        self._http.serve_forever()

    def stop(self) -> None:
        """Stop serving and free the port."""
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def __enter__(self) -> PracticeServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Http(ThreadingHTTPServer):
    crm: PracticeCrm
    scheme = "http"
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.turn = Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer, or
    disable_nagle_algorithm = True  # no wait for the first one to be acknowledged
    server: _Http

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        size = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers.setdefault("x-forwarded-proto", self.server.scheme)
        request = Request(self.command, path, query, headers, self.rfile.read(size))
        try:
            self._send(self._answer(request))
        except LineDroppedError as dropped:
            self._hang_up(dropped)

    def _answer(self, request: Request) -> Response:
        crm = self.server.crm
        if request.path.startswith(PREFIX):
            with self.server.turn:
                return steer(crm, request)
        fault = crm.faults.due(request)
        instead = fault_script.before(fault) if fault else None
        if instead is not None:
            return instead
        with self.server.turn:
            given = crm.answer(request)
        return fault_script.after(fault, given) if fault else given

    def _send(self, response: Response, *, cut: bool = False) -> None:
        self.send_response_only(response.status)
        named = {"Date": self.server.crm.clock.http_date(), **response.headers}
        for name, value in named.items():
            self.send_header(name, value)
        if response.status not in {204, 304}:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        body = response.body
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.wfile.flush()

    def _hang_up(self, dropped: LineDroppedError) -> None:
        if dropped.said is not None:
            self._send(dropped.said, cut=True)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Say nothing: the oracle remembers what mattered."""

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  the library's names
