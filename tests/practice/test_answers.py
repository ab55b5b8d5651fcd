"""What a caller or a form was told counts for the person, in both CRMs."""

from __future__ import annotations

import json

import pytest

from connector.domain.moment import HOUR, format_iso
from tests.practice.at_work import AT_WORK

ANSWERS = {
    "salesforce": """
  spoken: # what a caller noted, picked in a field of the call
    is: answers
    source: Event
    key: Id
    changed: SystemModstamp
    where: {WhoId: {not_in: [""]}}
    person: {from: WhoId, prefixes: {"00Q": lead, "003": contact}}
    at: StartDateTime
    fields: {timeframe: Subject}
""",
    "hubspot": """
  spoken:
    is: answers
    source: calls
    key: id
    changed: hs_lastmodifieddate
    person: associations.contacts
    at: hs_timestamp
    fields: {timeframe: hs_call_title}
""",
}


def tell(work, name, word, ago=HOUR):
    """The person tells a caller when they mean to buy."""
    at = format_iso(work.now - ago)
    if work.kind == "salesforce":
        row = {"WhoId": work.ids[name], "StartDateTime": at.replace("Z", ".000+0000")}
        work.crm.steer("load", {"Event": [{**row, "Subject": word, "IsChild": False}]})
        return
    call = {"hs_timestamp": at, "hs_call_title": word, "hs_call_status": "COMPLETED"}
    work.crm.steer(
        "load",
        {
            "calls": [{"at": work.now, "properties": call}],
            "ties": [["calls", 0, "contacts", work.ids[name]]],
        },
    )


@pytest.mark.parametrize("kind", sorted(AT_WORK))
def test_what_a_caller_noted_is_known_of_the_person_and_the_latest_counts(opened, kind):
    work = opened(kind)
    mapping = work.folder / "mapping.yaml"
    mapping.write_text(mapping.read_text() + ANSWERS[kind])
    work.person("ada")
    work.person("ben")
    work.go()
    tell(work, "ada", "Next year")
    work.pass_time()
    work.go()
    tell(work, "ada", "This Quarter")
    tell(work, "ada", "Never", ago=48 * HOUR)  # noted late, said before
    work.pass_time()
    work.go()
    told = {
        json.loads(facts).get("timeframe") for (facts,) in work.rows("SELECT facts FROM person")
    }
    assert told == {"this quarter", None}
