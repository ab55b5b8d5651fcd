"""The way behind the curtain: what steers a practice CRM, under a path no vendor has.

`GET /__practice__/oracle?since=N`, `POST /__practice__/clock {"at": MICROS}`,
`POST /__practice__/faults {"faults": [...]}` (an empty list clears), and the CRM's own verbs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.practice.wire import Request, Response, json_response

if TYPE_CHECKING:
    from connector.practice.server import PracticeCrm

PREFIX = "/__practice__/"


def steer(crm: PracticeCrm, request: Request) -> Response:
    """Do what is asked behind the curtain, and say 400 with a reason when it cannot be."""
    verb = request.path.removeprefix(PREFIX).strip("/")
    try:
        return json_response(200, _steered(crm, verb, request))
    except (ValueError, KeyError, TypeError) as error:
        return json_response(400, {"error": f"{type(error).__name__}: {error}"})


def _steered(crm: PracticeCrm, verb: str, request: Request) -> Any:
    if verb == "oracle":
        return crm.oracle.plain(int(request.argument("since", "0") or 0))
    if verb == "clock":
        if request.method == "POST":
            crm.clock.set(request.json()["at"])
        return {"now": crm.clock.now()}
    if verb == "faults":
        from connector.practice.fault_script import FaultScript  # noqa: PLC0415  seldom asked for

        script = FaultScript.model_validate(request.json()).faults
        if not script:
            crm.faults.clear()
        crm.faults.add(script)
        return {"faults": len(script)}
    return crm.steer(verb, request.json() if request.body else None)
