"""Forget: erase a person from all that Leadloop keeps, and do not take them in again."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.errors import UsageError
from connector.identity.address import normalise_address
from connector.store import audit, forgetting, suppressed
from connector.store.database import Store


class Forgotten(NamedTuple):
    """What was erased, by kind, and whether later pulls will leave the person out."""

    counts: Counter[str]
    suppressed: bool


def forget(store: Store, email: str, now: Micros, *, allow_return: bool) -> Forgotten:
    """Erase whoever has this address, in one transaction, and write the erasure into the audit log.

    Somebody unknown is kept out all the same. With `allow_return` nobody is kept out, and who was
    kept out by this address before no longer is. Raises UsageError for what is no address.
    """
    address = normalise_address(email.strip())
    if address is None:
        raise UsageError(
            "what was given is no e-mail address", hint="Give one, such as ada@acme.example"
        )
    with store.write() as tx:
        people, keys = forgetting.find(tx, address)
        emails = forgetting.addresses(tx, people) | {address}
        pseudonym, counts = forgetting.erase(tx, people, keys, address, now)
        if allow_return:
            counts["allowed to return"] = suppressed.allow_return(tx, address)
        else:
            suppressed.suppress(tx, emails, keys, pseudonym, now)
        about = {
            "digest": audit.digest(tx, f"email:{address}"),
            "counts": dict(+counts),
            "allow_return": allow_return,
        }
        audit.append(tx, "forget", about, now)
    store.compact()
    return Forgotten(+counts, not allow_return)
