"""Deleted, or only hidden from us: what does not show up is asked after in the log of deletes.

A record that a change of sharing took out of our sight looks like a deleted one, and is none.

Source: REST API Developer Guide, "Get Deleted"; it reaches thirty days back.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.soql import moment
from connector.domain.moment import DAY, MINUTE
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
    spans = (now - _BACK, now + MINUTE)
    start, end = (quote(moment(at).replace("Z", "+00:00"), safe="") for at in spans)
    path = f"sobjects/{described.name}/deleted/?start={start}&end={end}"
    try:
        told = calls.get(
            path,
            f"ask what was deleted of {described.name}",
            lambda given: {str(one["id"])[:15] for one in given["deletedRecords"]},
        )
    except (RemoteError, LoginError):
        return list(ids)  # nobody confirms it, so nobody is buried
    return [ident for ident in ids if ident[:15] not in told]
