"""A TCP proxy that misbehaves: put between a client and a CRM, it does to answers what lines do.

One fault a request, in the order given; when they are used up everything passes. What is doubled
there: `duplicated` asks the CRM twice, `answered twice` sends its answer twice on one line, so that
the second stands where the next answer is waited for. `swapped` holds an answer until that to the
next request is there, and gives each to the other's line; alone for long, it arrives late.
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
_UNASKED = {
    "reset before": b"",
    "401": _DOWN % 401,
    "429": _BUSY,
    "503": _DOWN % 503,
    "html": _HTML,
}
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
MIXED = ("answered twice", "swapped")
"""Faults of a line that mixes up whose answer is whose: what is read may be of another request."""
TOGETHER_S = 0.5
"""How long a swapped answer waits for another one."""


class Proxy:
    """Listens on this machine and hands each request on, or does not."""

    def __init__(self, port: int, faults: Iterable[str] = ()) -> None:
        self.faults = list(faults)
        self.met: list[str] = []
        self._to = port
        self._last = b""
        self._swap = Swap()
        self.always: str | None = None
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
                    fault = self.faults.pop(0) if self.faults else self.always or "pass"
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
        if fault in _UNASKED:  # nothing reaches the CRM
            told = _UNASKED[fault]
            _say(client, told)
            return False
        if fault == "latency":
            time.sleep(0.2)
        answer = self._asked(request)
        if fault == "duplicated":
            self._asked(request)  # the line repeats what was asked
        if fault == "stale" and last:
            answer = last  # the answer to an earlier question
        if fault == "swapped":
            answer = self._swap.of(answer)
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
            case "answered twice":
                client.sendall(answer + answer)
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


class Swap:
    """Where two answers meet and change lines."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._waiting: list[list[bytes]] = []

    def of(self, answer: bytes) -> bytes:
        """Give another's answer for this one; its own where nobody comes."""
        with self._lock:
            if self._waiting:
                other = self._waiting.pop()
                (theirs,) = other
                other[:] = [answer, b""]
                self._lock.notify_all()
                return theirs
            mine = [answer]
            self._waiting.append(mine)
            self._lock.wait_for(lambda: len(mine) > 1, TOGETHER_S)
            if len(mine) == 1:
                self._waiting.remove(mine)
            return mine[0]


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
