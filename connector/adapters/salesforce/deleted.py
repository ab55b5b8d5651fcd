"""Deleted, or only hidden from us: what does not show up is asked after in the log of deletes.

A record that a change of sharing took out of our sight looks like a deleted one, and is none.

Source: REST API Developer Guide, "Get Deleted"; it reaches thirty days back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from connector.adapters.base import Deleted
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.soql import full_id, moment
from connector.domain.moment import DAY, MINUTE, Micros, parse_iso
from connector.errors import LoginError, RemoteError

_BACK = 29 * DAY


def hidden(calls: Calls, objects: Objects, source: str, ids: Sequence[str]) -> list[str]:
    """Give those of the ids, all of which queries leave out, that nobody has deleted.

    For an object without such a log none is said to be hidden.
    """
    described = objects.of(source)
    if not described.replicated:
        return []
    now = calls.now()
    told = _log(calls, described.name, now - _BACK, now + MINUTE)
    if told is None:
        return list(ids)  # nobody confirms it, so nobody is buried
    known = {ident[:15] for ident in told.ids}
    return [ident for ident in ids if ident[:15] not in known]


def deleted(
    calls: Calls, objects: Objects, source: str, since: Micros, until: Micros
) -> Deleted | None:
    """Give what was deleted in a span, for good or into the bin; None where no log tells.

    One call, by ids alone. The log takes whole minutes; the span is made so long that none is lost.
    """
    described = objects.of(source)
    if not described.replicated:
        return None
    return _log(calls, described.name, since - MINUTE, until + MINUTE)


def _log(calls: Calls, name: str, since: Micros, until: Micros) -> Deleted | None:
    """Ask the log; None where it is refused, as it is for too many ids or too long ago."""
    start, end = (quote(moment(at).replace("Z", "+00:00"), safe="") for at in (since, until))
    try:
        return calls.get(
            f"sobjects/{name}/deleted/?start={start}&end={end}",
            f"ask what was deleted of {name}",
            _told,
        )
    except (RemoteError, LoginError):
        return None


def _told(given: Any) -> Deleted:
    ids = [ident for one in given["deletedRecords"] if (ident := full_id(str(one["id"])))]
    return Deleted(ids, parse_iso(str(given["latestDateCovered"])))
