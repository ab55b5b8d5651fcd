"""What doctor asks an org: whether our user may do what it must, and whether words still agree.

A question that our user may not ask is no finding: the runs themselves say what fails.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.adapters.base import Check, Order
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.conversion import followed
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.permissions import held, lacking
from connector.adapters.salesforce.session import Session


def examine(
    session: Session, calls: Calls, objects: Objects, order: Order, admin: Session
) -> Iterator[Check]:
    """Yield one check a question that could be asked.

    Args:
        admin: Who is asked for metadata: an admin's session for this once, or our own.
    """
    yield from lacking(objects, order, held(calls, objects, session.ids()[1]))
    yield from _statuses(objects, order)
    yield from followed(admin, calls, objects, order)


def _statuses(objects: Objects, order: Order) -> Iterator[Check]:
    """Whether the mapping knows every status sales can choose: others say nothing to us."""
    for source, (field, _) in order.statuses.items():
        spec = objects.of(source).fields.get(field.casefold(), {})
        there = [str(one["value"]) for one in spec.get("picklistValues", ()) if one.get("active")]
        strange = [value for value in there if value not in order.known.get(source, ())]
        if strange:
            yield Check(
                "look",
                f"{len(strange)} values of {source}.{field} mean nothing to the mapping: "
                f"{', '.join(strange[:5])}",
                f"Add them to the mapping, under `status: values:` of {source}",
            )
        elif there:
            yield Check("ok", f"the mapping knows every {source}.{field}")
