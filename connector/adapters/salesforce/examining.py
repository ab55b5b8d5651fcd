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
from connector.adapters.salesforce.vocabulary import agreed


def examine(
    session: Session, calls: Calls, objects: Objects, order: Order, admin: Session
) -> Iterator[Check]:
    """Yield one check a question that could be asked.

    Args:
        admin: Who is asked for metadata: an admin's session for this once, or our own.
    """
    yield from lacking(objects, order, held(calls, objects, session.ids()[1]))
    yield from agreed(calls, objects, order)
    yield from followed(admin, calls, objects, order)
