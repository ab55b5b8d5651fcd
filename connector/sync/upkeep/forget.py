"""Forget: erase a person from all that Leadloop keeps, and do not take them in again."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from connector.config.load import Loaded
from connector.decisions.routing_document import Routing
from connector.domain.moment import Micros
from connector.errors import UsageError
from connector.identity.address import normalise_address
from connector.store.database import Store
from connector.store.passes import offers
from connector.store.persons import forgetting, suppressed
from connector.store.running import audit
from connector.sync.upkeep import outside


class Forgotten(NamedTuple):
    """What was erased, by kind, and whether later pulls will leave the person out; `left` says
    what somebody has to see to by hand."""

    counts: Counter[str]
    suppressed: bool
    left: tuple[str, ...] = ()


def forget_everywhere(
    loaded: Loaded,
    routing: Routing | None,
    store: Store,
    email: str,
    now: Micros,
    *,
    allow_return: bool,
) -> Forgotten:
    """Erase whoever has this address from exports, from what lies ready for partners, and from the
    store.

    Files first: the store is what knows whose rows they are, so that a kill in between loses none.
    Raises UsageError for what is no address.
    """
    address = _address(email)
    with store.read() as tx:
        people, _ = forgetting.find(tx, address)
        codes = offers.codes_of(tx, people)
        cleared = outside.clear(tx, loaded, routing, people, codes)
    done = forget(store, address, now, allow_return=allow_return)
    return Forgotten(done.counts + cleared.counts, done.suppressed, tuple(cleared.left))


def forget(store: Store, email: str, now: Micros, *, allow_return: bool) -> Forgotten:
    """Erase whoever has this address from the store, in one transaction, and write that into the
    audit log.

    Somebody unknown is kept out all the same. With `allow_return` nobody is kept out, and who was
    kept out by this address before no longer is. Raises UsageError for what is no address.
    """
    address = _address(email)
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


def _address(email: str) -> str:
    address = normalise_address(email.strip())
    if address is None:
        raise UsageError(
            "what was given is no e-mail address", hint="Give one, such as ada@acme.example"
        )
    return address
