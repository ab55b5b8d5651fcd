"""Writes by batch update, a hundred records a call: an outcome for each, whatever the others do.

A 207 says which records failed. A 400 fails the whole batch for one bad value and does not say
whose it is, so the batch is halved until the offender stands alone; where the first half went
through, the offender is in the second, which is halved without being sent. What we can know
beforehand (a value the property does not take, an owner who left) is refused without a call.

A record that was merged away answers under the winner's id, and a value may be ignored without a
word: an answer that does not show what was sent is no proof, and the record is read back.

Source: HubSpot's page on batch updates; changelog on the rules for writes of 2026-09 (2026-11).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from connector.adapters.hubspot.answers import (
    RefusedError,
    body_of,
    code_of,
    properties_of,
)
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.lists import FLAG, THEME, Themes
from connector.adapters.hubspot.objects import MERGED, Definition, Objects, merged_into
from connector.adapters.hubspot.owners import Owners
from connector.adapters.hubspot.values import BadValue, exact
from connector.domain.change import Outcome, Result, Write
from connector.errors import LoginError, TryLaterError, UnknownOutcomeError

CALL, BATCH = 100, 600
"""Records to one of HubSpot's calls, and to one of ours: six calls in flight at once."""
AT_ONCE = 4
"""Batches under way at once, so that the pace alone holds calls back, also while one is noted."""
_OF_ALL = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
"""Refusals that meet every record with that property: nothing is found out by halving."""
_GONE = frozenset({"OBJECT_NOT_FOUND", "NOT_FOUND"})
_NOT_SPOKEN_OF = "not_spoken_of"
_NURTURED = frozenset({FLAG, THEME})


class _Ready(NamedTuple):
    """A write as it is sent; `place` is where its outcome belongs."""

    place: int
    id: str
    properties: dict[str, str]


class Writing:
    """Writes to the records of one portal."""

    def __init__(self, calls: Calls, objects: Objects, owners: Owners, themes: Themes) -> None:
        self._calls = calls
        self._themes = themes
        self._objects = objects
        self._owners = owners
        self._preparing = threading.Lock()

    def write(self, source: str, batch: Sequence[Write]) -> list[Outcome]:
        """Apply the writes; one outcome each, in their order."""
        outcomes: dict[int, Outcome] = {}
        with self._preparing:  # definitions, owners and lists are known to all threads alike
            ready = self._ready(source, batch, outcomes)
            self._list(source, ready)
        for wave in _waves(ready):
            self._send_all(source, wave, outcomes)
        return [outcomes[place] for place in range(len(batch))]

    def _send_all(self, source: str, wave: Sequence[_Ready], outcomes: dict[int, Outcome]) -> None:
        """Send a wave in calls of a hundred, some in flight at once.

        An error that stops us is raised only where nothing at all was applied.
        """
        parts = [wave[start : start + CALL] for start in range(0, len(wave), CALL)]

        def save(part: Sequence[_Ready]) -> LoginError | TryLaterError | None:
            try:
                self._save(source, part, outcomes)
            except (LoginError, TryLaterError) as error:
                return error
            return None

        errors = self._calls.together(save, parts)
        stopped = next((one for one in errors if one is not None), None)
        if stopped is None:
            return
        if not any(one.result is not Result.REFUSED for one in outcomes.values()):
            raise stopped
        for part, error in zip(parts, errors, strict=True):
            if error is not None:
                left = [one for one in part if one.place not in outcomes]
                _all(left, Result.RETRY, "try_later", outcomes)

    # --- beforehand ------------------------------------------------------------------------------

    def _ready(
        self, source: str, batch: Sequence[Write], outcomes: dict[int, Outcome]
    ) -> list[_Ready]:
        known = self._objects.of(source)
        owners: dict[str, str | None] | None = None
        ready = []
        for place, one in enumerate(batch):
            if owners is None and any(known[n].owner for n in one.values if n in known):
                owners = self._owners.refusals()
            values = _spelled(one, known, owners or {})
            if isinstance(values, Outcome):
                outcomes[place] = values
            else:
                ready.append(_Ready(place, one.id, values))
        return ready

    def _list(self, source: str, ready: Sequence[_Ready]) -> None:
        """Put whoever is nurtured on the static list of the theme, where the portal has them.

        Before the properties: a run that dies in between sends both again.
        """
        flagged = {one.id: one.properties for one in ready if _NURTURED & set(one.properties)}
        if source != "contacts" or not flagged or not self._themes.are_there:
            return
        held: dict[str, Mapping[str, Any]] = {}
        if any(not set(values) >= _NURTURED for values in flagged.values()):
            held = self._held(source, list(flagged), sorted(_NURTURED))
        wanted: dict[str, str | None] = {}
        for ident, values in flagged.items():
            now = {**held.get(ident, {}), **values}
            wanted[ident] = (now.get(THEME) or None) if now.get(FLAG) == "true" else None
        self._themes.follow(wanted)

    def _held(
        self, source: str, ids: Sequence[str], names: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        there = self._read(source, ids, names)
        return {str(one["id"]): one["properties"] for one in there}

    def _read(
        self, source: str, ids: Sequence[str], names: Sequence[str]
    ) -> Sequence[Mapping[str, Any]]:
        body = {
            "inputs": [{"id": one} for one in ids],
            "properties": list(names),
            "propertiesWithHistory": [],
        }
        path = f"{self._calls.paths['objects']}/{source}/batch/read"
        return self._calls.post(path, body).get("results") or ()

    # --- sending ---------------------------------------------------------------------------------

    def _save(self, source: str, ready: Sequence[_Ready], outcomes: dict[int, Outcome]) -> bool:
        """Send and note what became of each; gives whether HubSpot took the batch."""
        if not ready:
            return True
        try:
            answer = self._send(source, ready)
        except RefusedError as error:
            self._halve(source, ready, error, outcomes)
        except UnknownOutcomeError:
            _all(ready, Result.UNKNOWN, "no_answer", outcomes)
        except (LoginError, TryLaterError):
            so_far = list(outcomes.values())  # other threads add to them
            if not any(one.result is Result.APPLIED for one in so_far):
                raise
            _all(ready, Result.RETRY, "try_later", outcomes)
        else:
            _settle(ready, answer, outcomes)
            self._redirect(source, ready, outcomes)
            return True
        return False

    def _send(self, source: str, ready: Sequence[_Ready]) -> Mapping[str, Any]:
        path = f"{self._calls.paths['objects']}/{source}/batch/update"
        body = {"inputs": [{"id": one.id, "properties": one.properties} for one in ready]}
        return body_of(self._calls.send("POST", path, body, repeatable=False))

    def _halve(
        self,
        source: str,
        ready: Sequence[_Ready],
        error: RefusedError,
        outcomes: dict[int, Outcome],
    ) -> None:
        code, named = code_of(error.body), properties_of(error.body)
        if code in _OF_ALL:
            self._objects.forget(source)
            met = [one for one in ready if any(name in one.properties for name in named)]
            if met:
                for one in met:
                    outcomes[one.place] = _refused(one, error.body)
                self._save(source, [one for one in ready if one not in met], outcomes)
                return
        if len(ready) == 1:
            gone = error.http_status == 404 or code in _GONE
            outcomes[ready[0].place] = (
                Outcome(ready[0].id, Result.GONE, code) if gone else _refused(ready[0], error.body)
            )
            return
        half = len(ready) // 2
        if self._save(source, ready[:half], outcomes) and len(ready) - half > 1:
            self._halve(source, ready[half:], error, outcomes)  # the offender is in here
        else:
            self._save(source, ready[half:], outcomes)

    # --- afterwards ------------------------------------------------------------------------------

    def _redirect(self, source: str, ready: Sequence[_Ready], outcomes: dict[int, Outcome]) -> None:
        """Find the winners of records that were merged away: a read by the old id gives them."""
        lost = [one for one in ready if outcomes[one.place].code == _NOT_SPOKEN_OF]
        wanted = [name for name in MERGED if name in self._objects.of(source)]
        if not lost or not wanted:
            return
        try:
            there = self._read(source, [one.id for one in lost], wanted)
        except (LoginError, TryLaterError):
            return  # they stay unknown, and are read back
        winners = {
            loser: str(one["id"])
            for one in there
            for loser in merged_into({**one["properties"], "id": str(one["id"])})
        }
        for one in lost:
            if (winner := winners.get(one.id)) is not None:
                outcomes[one.place] = Outcome(one.id, Result.GONE, "merged", into=winner)


def _spelled(
    one: Write, known: Mapping[str, Definition], owners: Mapping[str, str | None]
) -> dict[str, str] | Outcome:
    """Give the values as they are sent, or the refusal of a write that cannot be."""
    if not (one.id.isascii() and one.id.isdigit()):
        return Outcome(one.id, Result.GONE, "no_id")
    values: dict[str, str] = {}
    for name, value in one.values.items():
        if name not in known:
            return Outcome(one.id, Result.REFUSED, "no_field", "", name)
        try:
            values[name] = exact(value, known[name])
        except BadValue as bad:
            return Outcome(one.id, Result.REFUSED, str(bad), "", name)
        if known[name].owner and values[name]:
            why = owners.get(values[name], "not_an_owner_id")
            if why is not None:
                return Outcome(one.id, Result.REFUSED, why, "", name)
    return values


def _waves(ready: Sequence[_Ready]) -> list[list[_Ready]]:
    """Split so that no call names a record twice, and later writes of it come later."""
    waves: list[list[_Ready]] = []
    seen: dict[str, int] = {}
    for one in ready:
        turn = seen.get(one.id, 0)
        seen[one.id] = turn + 1
        if turn == len(waves):
            waves.append([])
        waves[turn].append(one)
    return waves


def _settle(
    ready: Sequence[_Ready], answer: Mapping[str, Any], outcomes: dict[int, Outcome]
) -> None:
    """Give each record its outcome; one that is not spoken of is to be read back."""
    done = {str(one.get("id")): one.get("properties") for one in answer.get("results") or ()}
    errors: dict[str, Mapping[str, Any]] = {}
    for error in answer.get("errors") or ():
        for ident in (error.get("context") or {}).get("ids") or ():
            errors[str(ident)] = error
    for one in ready:
        if one.id in errors:
            outcomes[one.place] = _failed(one, errors[one.id])
        elif one.id not in done:
            outcomes[one.place] = Outcome(one.id, Result.UNKNOWN, _NOT_SPOKEN_OF)
        elif (ignored := _ignored(one, done[one.id] or {})) is not None:
            outcomes[one.place] = Outcome(one.id, Result.UNKNOWN, "not_kept", "", ignored)
        else:
            outcomes[one.place] = Outcome(one.id, Result.APPLIED)


def _ignored(one: _Ready, shown: Mapping[str, Any]) -> str | None:
    """Give the first property that the answer shows with another value than the one we sent."""
    for name, sent in one.properties.items():
        if name in shown and not _same(sent, str(shown[name] or "")):
            return name
    return None


def _same(sent: str, shown: str) -> bool:
    if sent == shown or sent.strip() == shown.strip():
        return True
    try:
        return Decimal(sent) == Decimal(shown)
    except InvalidOperation:
        return False


def _failed(one: _Ready, error: Mapping[str, Any]) -> Outcome:
    if error.get("category") in _GONE or code_of(error) in _GONE:
        return Outcome(one.id, Result.GONE, "OBJECT_NOT_FOUND")
    return _refused(one, error)


def _refused(one: _Ready, error: Mapping[str, Any]) -> Outcome:
    named = properties_of(error)
    message = str(error.get("message", ""))[:1000]
    return Outcome(one.id, Result.REFUSED, code_of(error), message, named[0] if named else None)


def _all(ready: Sequence[_Ready], result: Result, code: str, outcomes: dict[int, Outcome]) -> None:
    for one in ready:
        outcomes[one.place] = Outcome(one.id, result, code)
