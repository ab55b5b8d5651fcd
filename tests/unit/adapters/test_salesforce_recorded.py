"""Answers that real Salesforce orgs gave, recorded by others, read by our adapter."""

from __future__ import annotations

import json
import os
from pathlib import Path

import orjson
import pytest
from ruamel.yaml import YAML

from connector.adapters.salesforce.answers import refusals
from connector.adapters.salesforce.calls import _found
from connector.adapters.salesforce.describing import Described, remote_field
from connector.adapters.salesforce.soql import full_id
from connector.adapters.salesforce.values import Refused, prepared
from connector.adapters.salesforce.writing import _outcomes
from connector.domain.change import Result, Write
from connector.domain.outward import FieldType
from connector.transport.http import Answer

ROOT = Path(__file__).parents[3]
FOLDER = (
    Path(os.environ.get("LEADLOOP_RECORDED", ROOT / ".." / "shared" / "recorded")) / "salesforce"
)
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="no recorded exchanges on this machine (../shared/recorded, or LEADLOOP_RECORDED)",
)


def described(name):
    return Described(orjson.loads((FOLDER / "extracted" / f"describe_{name}.json").read_bytes()))


def exchanges():
    return json.loads((FOLDER / "extracted" / "recorded_exchanges_excerpt.json").read_text())


def fixture(name):
    path = FOLDER / "restforce" / "spec" / "fixtures" / name
    return Answer(400, {}, path.read_bytes())


def test_descriptions_of_real_objects_are_understood():
    lead = described("Lead")
    fields = {name: remote_field(spec) for name, spec in lead.fields.items()}
    assert lead.stamp() == "SystemModstamp"
    assert fields["numberofemployees"].type is FieldType.NUMBER
    assert fields["ownerid"].type is FieldType.OWNER
    assert fields["description"].type is FieldType.LONG_TEXT
    assert fields["status"].values is None, "the status is no closed list in this org"
    assert fields["cleanstatus"].values
    assert not fields["isconverted"].writable
    assert lead.relations["owner"]["referenceTo"] == ["Group", "User"]
    assert described("Event").relations["who"]["referenceTo"] == ["Contact", "Lead"]
    assert "MasterRecordId" in lead
    assert "masterrecordid" not in described("Opportunity").fields


def test_values_are_held_against_real_descriptions():
    lead = described("Lead")
    assert prepared(lead, {"title": "Boss", "NumberOfEmployees": 7.0}) == {
        "Title": "Boss",
        "NumberOfEmployees": 7,
    }
    assert prepared(lead, {"LastName": None}) == Refused("REQUIRED_FIELD_MISSING", "LastName")
    assert prepared(lead, {"Title": "x" * 129}) == Refused("STRING_TOO_LONG", "Title")
    assert prepared(lead, {"AnnualRevenue": 1e18}) == Refused(
        "NUMBER_OUTSIDE_VALID_RANGE", "AnnualRevenue"
    )
    assert prepared(lead, {"CleanStatus": "Shiny"}) == Refused(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "CleanStatus"
    )
    assert prepared(lead, {"Name": "x"}) == Refused("INVALID_FIELD_FOR_INSERT_UPDATE", "Name")


def test_the_fields_our_mapping_reads_are_there_in_a_real_org():
    from connector.adapters.salesforce.shape import MIDNIGHT
    from connector.mapping.compile import compile_mapping
    from connector.mapping.document import load_mapping

    objects = compile_mapping(load_mapping(ROOT / "mappings" / "salesforce.yaml"))
    missing = {
        f"{one.source}.{name}"
        for one in objects.values()
        if one.source in {"Lead", "Contact", "Account", "Opportunity", "Event"}
        for name in one.names
        if "Leadloop_" not in name
        and name != "OpportunityContactRoles.ContactId"
        and name.removesuffix(f".{MIDNIGHT}") not in described(one.source)
    }
    # This org does not show these to its user; Salesforce has them on both objects.
    never = ("HasOptedOutOfEmail", "DoNotCall")
    hidden = {f"{source}.{name}" for source in ("Lead", "Contact") for name in never}
    assert missing <= hidden


@pytest.mark.parametrize(
    "cassette",
    [
        "TestUpdatesIntegrationTests.test_updates_task",
        "TestSelect.test_select_similarity_select_and_insert_strategy",
    ],
)
def test_answers_to_collections_are_told_by_position(cassette):
    folder = FOLDER / "cumulusci" / "cumulusci" / "tasks" / "bulkdata" / "tests" / "cassettes"
    tape = YAML(typ="safe").load(folder / f"{cassette}.yaml")
    writes = [
        one
        for one in tape["interactions"]
        if one.get("request", {}).get("method") == "PATCH"
        and one["request"]["uri"].endswith("/composite/sobjects")
    ]
    assert writes
    for one in writes:
        records = json.loads(one["request"]["body"])["records"]
        ready = [(Write("X", r["Id"], {}), {"id": r["Id"]}) for r in records]
        body = one["response"]["body"]["string"].encode()
        found = _outcomes(ready, body)
        assert [o.result for o in found] == [Result.APPLIED] * len(records)
        if len(records) > 1:
            backwards = _outcomes(ready[::-1], body)
            assert {o.result for o in backwards} == {Result.UNKNOWN}


def test_recorded_ids_have_the_check_letters_we_compute():
    import re

    found = set()
    for one in exchanges():
        found |= set(re.findall(r'"id" : "([A-Za-z0-9]{18})"', str(one["resp"])))
    assert len(found) > 30
    wrong = [one for one in found if full_id(one[:15]) != one]
    assert len(wrong) <= 1, "one of the recorded ids was made by hand"


def test_pages_are_whole_or_refused():
    page = FOLDER / "restforce" / "spec" / "fixtures" / "sobject"
    first = _found(orjson.loads((page / "query_paginated_first_page_response.json").read_bytes()))
    assert (len(first.rows), first.done) == (1, False)
    (row,) = _found(orjson.loads((page / "query_success_response.json").read_bytes())).rows
    assert row["ParentWhizbang__r"]["Name"] == "Parent Whizbang"
    with pytest.raises(ValueError, match="another size"):
        _found({"totalSize": 2, "done": True, "records": [row]})


def test_refusals_are_read_with_their_code():
    assert refusals(fixture("expired_session_response.json"))[0].code == "INVALID_SESSION_ID"
    (refusal,) = refusals(fixture("sobject/write_error_response.json"))
    assert (refusal.code, refusal.fields) == ("INVALID_FIELD", ())
    assert refusals(fixture("auth_error_response.json")) == []
