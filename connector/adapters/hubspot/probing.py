"""What a key may do in a portal, scope by scope: asked of HubSpot, and nothing changed by it.

That writing is allowed is asked by an update of no record: HubSpot refuses it for its scope first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connector.adapters.hubspot.answers import ForbiddenError, RefusedError
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.objects import VITAL, Objects, known_source
from connector.adapters.hubspot.unconfirmed import SALESFORCE_ID
from connector.errors import LeadloopError

_STREAMS = {
    "form_submissions": ("forms", "forms"),
    "forms": ("forms", "forms"),
    "email_events": ("email_events", "content"),
    "events": ("events", "business-intelligence, and Marketing Hub Enterprise"),
    "list_members": ("lists", "crm.lists.read"),
}
_ANY_LIST = {"query": "", "offset": 0, "count": 1, "objectTypeId": "0-1"}


class Probe(NamedTuple):
    """One thing our key may or may not do, with the one next step where it may not."""

    what: str
    ok: bool
    said: str
    fix: str | None = None


class Probing:
    """Asks one portal what we may do there."""

    def __init__(self, calls: Calls, objects: Objects) -> None:
        self._calls = calls
        self._objects = objects

    def of(self, uses: Mapping[str, bool]) -> Iterator[Probe]:
        """Yield one finding for each source that is mapped, and one more where it is written."""
        for source in sorted(uses):
            name = known_source(source)
            if source == "owners":
                yield self._asked(source, "read", "crm.objects.owners.read", self._owners)
            elif name is not None:
                yield self._asked(source, "read", f"crm.objects.{name}.read", self._list(name))
                if uses[source]:
                    yield self._asked(
                        source, "write", f"crm.objects.{name}.write", self._no_update(name)
                    )
            elif (stream := _STREAMS.get(source.partition("/")[0])) is not None:
                yield self._asked(source, "read", stream[1], self._stream(stream[0]))
        if uses.get(VITAL):
            yield from self._of_our_own()
        yield from self._both_sides()

    def _of_our_own(self) -> Iterator[Probe]:
        """What install and hand-offs need beside the records that are mapped."""
        properties, lists = self._calls.paths["properties"], self._calls.paths["lists"]
        nobody: dict[str, list[str]] = {"recordIdsToAdd": [], "recordIdsToRemove": []}
        asked: tuple[tuple[str, str, str, Callable[[], Any]], ...] = (
            (
                "see properties",
                "crm.schemas.contacts.read",
                "else values are not checked before they are written",
                lambda: self._calls.get(f"{properties}/{VITAL}"),
            ),
            (
                "make properties",
                "crm.schemas.contacts.write",
                "or make by hand what leadloop install --plan lists",
                self._nothing("POST", f"{properties}/{VITAL}/batch/create", {"inputs": []}),
            ),
            (
                "make tasks",
                "crm.objects.tasks.write",
                "else hand-offs come without a task",
                self._no_update("tasks"),
            ),
            (
                "see lists",
                "crm.lists.read",
                "or make by hand what leadloop install --plan lists",
                self._stream("lists"),
            ),
            (
                "fill lists",
                "crm.lists.write",
                "else the nurture fields are written and no list follows",
                self._nothing("PUT", f"{lists}/0/memberships/add-and-remove", nobody),
            ),
        )
        for what, scope, otherwise, ask in asked:
            yield self._probed(what, scope, ask, f"Give the key the scope {scope}; {otherwise}")

    def _asked(self, source: str, verb: str, scope: str, ask: Callable[[], Any]) -> Probe:
        fix = f"Give the key the scope {scope}, or map {source} out; the rest works without"
        return self._probed(f"{verb} {source}", scope, ask, fix)

    def _probed(self, what: str, scope: str, ask: Callable[[], Any], fix: str) -> Probe:
        try:
            ask()
        except ForbiddenError as error:
            return Probe(what, ok=False, said=str(error), fix=fix)
        except RefusedError:
            pass  # it may be asked, and this one question was refused
        except LeadloopError as error:
            return Probe(what, ok=False, said=str(error), fix=error.hint)
        return Probe(what, ok=True, said=f"allowed ({scope})")

    def _owners(self) -> Any:
        return self._calls.get(self._calls.paths["owners"], {"limit": 1})

    def _list(self, name: str) -> Callable[[], Any]:
        return lambda: self._calls.get(f"{self._calls.paths['objects']}/{name}", {"limit": 1})

    def _no_update(self, name: str) -> Callable[[], Any]:
        path = f"{self._calls.paths['objects']}/{name}/batch/update"
        return self._nothing("POST", path, {"inputs": []})

    def _nothing(self, method: str, path: str, body: Any) -> Callable[[], Any]:
        return lambda: self._calls.send(method, path, body, repeatable=True)

    def _stream(self, resource: str) -> Callable[[], Any]:
        path = self._calls.paths[resource]
        if resource == "lists":
            return lambda: self._calls.post(f"{path}/search", _ANY_LIST)
        more: Sequence[tuple[str, Any]] = [("limit", 1)]
        if resource == "events":
            more = [*more, ("objectType", "contact"), ("eventType", "e_visited_page")]
        return lambda: self._calls.get(path, dict(more))

    def _both_sides(self) -> Iterator[Probe]:
        """HubSpot's own sync with Salesforce copies fields and activities behind our back."""
        try:
            there = SALESFORCE_ID in self._objects.of("contacts")
        except LeadloopError:
            return
        if there:
            yield Probe(
                "Salesforce sync",
                ok=False,
                said="this portal is tied to a Salesforce org by HubSpot's own sync",
                fix="Is each of our fields written on one side only? Map `write:` in one "
                "connection, take the fields out of HubSpot's sync, and mark that one "
                "`handoff: true` (docs/hubspot.md)",
            )
