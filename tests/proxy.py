"""A TCP proxy that misbehaves: put between a client and a CRM, it does to answers what lines do.

One fault a connection, in the order given; when they are used up everything passes.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterable

_BUSY = b"HTTP/1.1 429 Too Many\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_DOWN = b"HTTP/1.1 %d Down\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndown"
_HTML = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 30\r\nConnection: close\r\n\r\n"
    b"<html><body>soon</body></html>"
)
FAULTS = (
    "pass",
    "latency",
    "reset before",
    "reset after",
    "half",
    "drip",
    "429",
    "500",
    "502",
    "503",
    "html",
    "html after",
    "duplicated",
    "stale",
)


class Proxy:
    """Listens on this machine and hands each request on, or does not."""

    def __init__(self, port: int, faults: Iterable[str] = ()) -> None:
        self.faults = list(faults)
        self.met: list[str] = []
        self._to = port
        self._last = b""
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client:
            while request := _message(client):
                with self._lock:
                    fault = self.faults.pop(0) if self.faults else "pass"
                    self.met.append(fault)
                    last = self._last
                try:
                    keep = self._answer(client, request, fault, last)
                except OSError:
                    return
                if not keep:
                    return

    def _answer(self, client: socket.socket, request: bytes, fault: str, last: bytes) -> bool:
        """Answer one request; whether the connection may go on."""
        if fault in {"reset before", "429", "503", "html"}:  # nothing reaches the CRM
            told = {"429": _BUSY, "503": _DOWN % 503, "html": _HTML}.get(fault, b"")
            _say(client, told)
            return False
        if fault == "latency":
            time.sleep(0.2)
        answer = self._asked(request)
        if fault == "duplicated":
            self._asked(request)  # the line repeats what was asked
        if fault == "stale" and last:
            answer = last  # the answer to an earlier question
        with self._lock:
            self._last = answer
        match fault:
            case "reset after":
                _reset(client)
                return False
            case "half":
                client.sendall(answer[: len(answer) * 2 // 3])
                return False
            case "500" | "502":
                client.sendall(_DOWN % int(fault))
                return False
            case "html after":
                client.sendall(_HTML)
                return False
            case "drip":
                for start in range(0, len(answer), 200):
                    client.sendall(answer[start : start + 200])
                    time.sleep(0.005)
            case _:
                client.sendall(answer)
        return fault != "stale"

    def _asked(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self._to)) as crm:
            crm.sendall(request)
            return _message(crm)


def _say(client: socket.socket, told: bytes) -> None:
    if told:
        client.sendall(told)
    else:
        _reset(client)


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _message(line: socket.socket) -> bytes:
    """One whole HTTP message whose length its header names; empty when the line ends."""
    found = b""
    while b"\r\n\r\n" not in found:
        try:
            some = line.recv(65536)
        except OSError:
            return b""
        if not some:
            return b""
        found += some
    head, _, body = found.partition(b"\r\n\r\n")
    size = 0
    for row in head.split(b"\r\n"):
        name, _, value = row.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    while len(body) < size:
        some = line.recv(65536)
        if not some:
            return b""
        body += some
    return head + b"\r\n\r\n" + body
