"""What goes wrong, played by the script: which call meets a fault, and what is answered instead.

Source for what a CRM may do to a client: the vendors' error pages, and peers' public issues.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from threading import Lock
from typing import TYPE_CHECKING, Any

import orjson

from connector.practice.wire import LineDroppedError, Request, Response

if TYPE_CHECKING:
    from connector.practice.fault_script import Fault

_HTML = b"<html><head><title>Maintenance</title></head><body>Back soon</body></html>"


class Faults:
    """The script as it is played: counts which calls have passed and which have failed."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._lock = Lock()
        self._left: list[list[Any]] = []
        self.add(faults)

    def add(self, faults: Sequence[Fault]) -> None:
        """Put faults at the end of the script."""
        with self._lock:
            self._left += [[fault, fault.after, fault.times] for fault in faults]

    def clear(self) -> None:
        """Forget the script."""
        with self._lock:
            self._left.clear()

    def due(self, request: Request) -> Fault | None:
        """The fault this call meets, counted off; None when it passes."""
        said = f"{request.method} {request.path}" + (f"?{request.query}" if request.query else "")
        with self._lock:
            for entry in self._left:
                fault, waits, times = entry
                if not fnmatchcase(said, fault.match) or times == 0:
                    continue
                if waits:
                    entry[1] -= 1
                    continue
                if times is not None:
                    entry[2] -= 1
                return fault  # type: ignore[no-any-return]
        return None


def before(fault: Fault) -> Response | None:
    """What is answered instead of doing the call; None when it is done."""
    if fault.delay:
        time.sleep(fault.delay)
    if fault.drop == "before":
        raise LineDroppedError
    return None if fault.applied or fault.drop else _answer(fault)


def after(fault: Fault, given: Response) -> Response:
    """What is answered once the call was done."""
    if fault.drop:
        raise LineDroppedError(given if fault.drop == "half" else None)
    return _answer(fault) or given


def _answer(fault: Fault) -> Response | None:
    if fault.html:
        return Response(fault.status or 200, {"Content-Type": "text/html", **fault.headers}, _HTML)
    if fault.status is None:
        return None
    kind = {"Content-Type": "application/json;charset=UTF-8"}
    body = b"" if fault.body is None else orjson.dumps(fault.body)
    return Response(fault.status, {**kind, **fault.headers}, body)
