"""Rows through a mapping: what comes out, what is kept aside, and what counts as the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents import parse
from connector.domain.moment import parse_iso, to_datetime
from connector.domain.record import Edit, Record, Rejected
from connector.errors import UsageError
from connector.identity.engagement import Seen, duplicates
from connector.mapping.compile import WriteTarget, compile_mapping, mapping_hash
from connector.mapping.document import MappingDocument, load_mapping
from connector.mapping.outbound import same, to_remote
from connector.mapping.suggest import suggest_mapping

TEXT = """
version: 1
objects:
  lead:
    is: person
    source: Lead
    key: Id
    changed: Stamp
    where: {Kind: {in: [a, b]}}
    fields:
      email: Email
      title: Title
      staff: {from: Staff, as: int}
      first: {from: First, as: moment, format: "%d-%m-%Y", zone: America/Sao_Paulo}
      vip: {from: Vip, as: bool}
      country: {from: Country, values: {US: us, DE: de}}
      tier: {from: Tier, values: {gold: 1}, default: 0}
      origin: {value: web}
    status: {from: Status, values: {Bad: rejected, New: null}, reason: Why}
    write: {score: {to: Score, owner: ours}}
  mail:
    is: activity
    key: Id
    person: Lead
    events: [{type: Email_Sent, at: Sent}, {type: email_open, at: Opened}]
    fields: {campaign: Campaign, message: Id}
"""
OBJECTS = compile_mapping(parse(TEXT, MappingDocument, name="m.yaml"))


def lead(**values):
    return OBJECTS["lead"].convert({"Id": "1", "Kind": "a", **values}, "f.csv:2")


def test_a_row_becomes_a_record_in_our_words():
    found = lead(
        Email=" a@b.c ",
        Staff="1200",
        First="01-02-2018",
        Vip="yes",
        Country="DE",
        Tier="silver",
        Stamp="2026-01-02T03:04:05+01:00",
        Status="Bad",
        Why="no money",
        Score=7,
    )
    assert isinstance(found, Record)
    assert found.changed == parse_iso("2026-01-02T02:04:05Z")
    assert found.remote == {"Score": 7}
    doc = {k: v for k, v in found.doc.items() if v is not None}
    assert doc == {
        "email": "a@b.c",
        "staff": 1200,
        "first": parse_iso("2018-02-01T02:00:00Z"),
        "vip": True,
        "country": "de",
        "tier": 0,
        "origin": "web",
        "status": "rejected",
        "reason": "no money",
    }


def test_what_fields_we_write_to_hold_is_kept_where_they_hold_anything():
    assert lead(Score=0).remote == {"Score": 0}
    assert lead(Score=None).remote == lead().remote == {}


def test_fields_we_write_to_have_a_mark_of_their_own():
    def mark(written):
        text = TEXT.replace("{score: {to: Score, owner: ours}}", written)
        return compile_mapping(parse(text, MappingDocument, name="m.yaml"))["lead"].targets

    one = mark("{score: {to: Score, owner: ours}}")
    assert one == OBJECTS["lead"].targets == mark("{score: {to: Score, owner: theirs}}")
    assert one != mark("{score: {to: Points, owner: ours}}")
    assert mark("{}") is None
    assert OBJECTS["mail"].targets is None


def test_rows_that_where_leaves_out_are_not_rejected():
    assert lead(Kind="c") is None
    assert lead(Kind=None) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"Id": ""}, "`Id` is empty, so the row has no key"),
        ({"Staff": "many"}, "`Staff` should be a number such as 1250 or 12.5"),
        ({"Staff": "1.5"}, "`Staff` should be a whole number"),
        ({"Staff": "1_000"}, "`Staff` should be a number such as 1250 or 12.5"),
        ({"First": "2018-02-01"}, "`First` should be a time such as %d-%m-%Y"),
        ({"Vip": "perhaps"}, "`Vip` should be true or false"),
        (
            {"Stamp": "2026-01-02T03:04:05"},
            "`Stamp` is a time without zone; add `zone:` to the mapping",
        ),
        ({"Title": "a\x00b"}, "`Title` holds a NUL byte"),
        ({"Title": "\ud800"}, "`Title` holds half a character (a lone surrogate)"),
        ({"Title": "x" * 1_000_001}, "`Title` is longer than 1,000,000 characters"),
        ({"Title": ["a"]}, "`Title` should be text"),
    ],
)
def test_a_value_that_cannot_be_read_keeps_the_row_aside_without_its_value(values, reason):
    found = lead(**values)
    assert isinstance(found, Rejected)
    assert (found.place, found.reason) == ("f.csv:2", reason)


@pytest.mark.parametrize(
    "spelled",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.000+0000",  # Salesforce
        "2026-01-02T04:04:05+01:00",
        "2026-01-02 03:04:05+00:00",  # a space instead of T
        " 2026-01-02T03:04:05Z ",
        "1767323045000",  # milliseconds as text, as HubSpot spells some moments
        1767323045000,
    ],
)
def test_c29_however_a_crm_spells_a_moment_it_is_the_same_moment(spelled):
    found = lead(Stamp=spelled)
    assert isinstance(found, Record), found
    assert found.changed == parse_iso("2026-01-02T03:04:05Z")


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_c29_an_empty_moment_is_unknown_and_costs_no_row(empty):
    found = lead(Stamp=empty, First=empty, Staff=empty, Vip=empty)
    assert isinstance(found, Record), found
    assert found.changed is None
    assert {found.doc[name] for name in ("first", "staff", "vip")} == {None}


@given(st.integers(-(10**10), 10**10).map(lambda s: s * 1_000_000))
def test_c29_moments_come_back_in_every_spelling(moment):
    told = to_datetime(moment)
    for spelled in (
        told.isoformat(),
        told.isoformat(" "),
        told.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
    ):
        if moment >= parse_iso("1000-01-01T00:00:00Z"):
            assert lead(Stamp=spelled).changed == moment


def test_c29_a_number_of_no_known_unit_is_no_moment():
    """Seconds or milliseconds: ten digits could be either, so the mapping must say."""
    assert isinstance(lead(Stamp="1767323045"), Rejected)
    assert isinstance(lead(Stamp=True), Rejected)


def test_an_address_that_is_none_does_not_cost_the_person():
    found = lead(Email="'; DROP TABLE people; --@x.y")
    assert isinstance(found, Record)
    assert found.doc["email"] is None
    assert found.doc["email_invalid"] is True


def test_numbers_that_are_none_are_unknown():
    assert lead(Staff=float("nan")).doc["staff"] is None
    assert lead(Staff="").doc["staff"] is None


def test_one_row_is_as_many_activities_as_happened():
    mail = OBJECTS["mail"].convert
    row = {
        "Id": "9",
        "Lead": "1",
        "Sent": "2026-01-01T00:00:00Z",
        "Opened": None,
        "Campaign": "SPRING",
    }
    (sent,) = mail(row, "")
    assert (sent.id, sent.type, sent.person, sent.campaign) == (
        "9:email_sent",
        "email_sent",
        "lead/1",
        "spring",
    )
    assert len(mail({**row, "Opened": "2026-01-01T01:00:00Z"}, "")) == 2
    assert mail({**row, "Sent": None}, "") == ()


def test_an_activity_of_nobody_is_kept_aside():
    found = OBJECTS["mail"].convert(
        {"Id": "9", "Lead": None, "Sent": "2026-01-01T00:00:00Z"}, "m:4"
    )
    assert found == Rejected("m:4", "names no person", "9")


POLYMORPHIC = """
version: 1
objects:
  lead: {is: person, key: Id, frozen: IsConverted, fields: {email: Email}}
  contact: {is: person, key: Id, fields: {email: Email}}
  deal:
    is: opportunity
    key: Id
    person: {from: [ContactId, LeadId], prefixes: {"00Q": lead, "003": contact}}
    status: {from: [IsClosed, IsWon], values: {false/false: open, true/true: won, true/false: lost}}
  task:
    is: activity
    key: Id
    person: {from: WhoId, prefixes: {"00Q": lead, "003": contact}}
    type: {value: call}
    at: At
  member:
    is: activity
    key: Id
    person: {from: [ContactId, LeadId], object: lead}
    type: {value: x}
    at: At
"""


@pytest.fixture(scope="module")
def several():
    return compile_mapping(parse(POLYMORPHIC, MappingDocument, name="p.yaml"))


@pytest.mark.parametrize(
    ("who", "person"),
    [("00Q1", "lead/00Q1"), ("0031", "contact/0031"), ("0011", None), (None, None), ("00", None)],
)
def test_a_reference_to_several_objects_is_told_by_the_beginning_of_the_id(several, who, person):
    row = {"Id": "1", "WhoId": who, "At": "2026-01-01T00:00:00Z"}
    found = several["task"].convert(row, "m:1")
    if person is None:
        assert found == Rejected("m:1", "names no person", "1")
    else:
        assert found[0].person == person


def test_of_several_reference_fields_the_first_that_holds_an_id_counts(several):
    row = {"Id": "1", "At": "2026-01-01T00:00:00Z", "LeadId": "00Q1"}
    assert several["member"].convert(row, "")[0].person == "lead/00Q1"
    both = {**row, "ContactId": "0031"}
    assert several["member"].convert(both, "")[0].person == "lead/0031"
    assert several["deal"].convert({**both, "ContactId": "0011"}, "").doc["person"] == "00Q1"
    assert several["deal"].convert({"Id": "1"}, "").doc["person"] is None
    assert {"ContactId", "LeadId"} <= set(several["deal"].names)


@pytest.mark.parametrize(
    ("closed", "won", "said"),
    [(False, False, "open"), (True, True, "won"), (True, False, "lost"), (None, None, None)],
)
def test_a_status_may_be_told_by_two_fields_together(several, closed, won, said):
    found = several["deal"].convert({"Id": "1", "IsClosed": closed, "IsWon": won}, "")
    assert found.doc["status"] == said
    assert {"IsClosed", "IsWon"} <= set(several["deal"].names)


def test_a_record_the_crm_has_frozen_says_so(several):
    assert several["lead"].convert({"Id": "1", "IsConverted": True}, "").doc["frozen"] is True
    assert several["lead"].convert({"Id": "1", "IsConverted": False}, "").doc["frozen"] is False


def test_the_schema_for_editors_knows_references_by_prefix():
    import jsonschema

    from connector.documents import json_schema

    schema = json_schema(MappingDocument)
    ref = {"from": ["ContactId", "LeadId"], "prefixes": {"00Q": "lead"}}
    task = {"is": "activity", "key": "Id", "person": ref}
    jsonschema.validate({"version": 1, "objects": {"t": task}}, schema)
    task["person"] = {"from": 3}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "objects": {"t": task}}, schema)


def test_all_fields_a_row_needs_are_asked_for():
    assert set(OBJECTS["lead"].names) == {
        "Id", "Stamp", "Kind", "Email", "Title", "Staff", "First", "Vip", "Country", "Tier",
        "Status", "Why", "Score",
    }  # fmt: skip


def test_the_hash_changes_with_what_decides_a_record_and_not_with_what_is_written():
    def compiled(text):
        return compile_mapping(parse(text, MappingDocument, name="m"))["lead"].hash

    assert compiled(TEXT) == compiled(
        TEXT.replace("{to: Score, owner: ours}", "{to: Other, owner: ours}")
    )
    assert compiled(TEXT) != compiled(TEXT.replace("US: us", "US: usa"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  lead:\n    is: person", "  lead:\n    is: account\n    #", "belongs to a person"),
        ("score: {to", "scoer: {to", "is none of"),
        ("Bad: rejected", "Bad: refused", "none of"),
        ("owner: ours", "owner: mine", "should be ours"),
        ("fields: {campaign:", "fields: {capmaign:", "is none of"),
        (
            "events: [{type: Email_Sent, at: Sent}, {type: email_open, at: Opened}]",
            "type: x",
            "`at:`",
        ),
        ("zone: America/Sao_Paulo", "zone: America/Sao_Polo", "not a time zone"),
        ("person: Lead", "person: {from: Lead, object: leed}", "not a person object"),
        ("    write: {score", "    asks: {raeson: Why}\n    write: {score", "is none of"),
        ("    events:", "    asks: {reason: Why}\n    events:", "needs a `status:`"),
        ("person: Lead", "person: {from: Lead, prefixes: {a: leed}}", "means `leed`"),
        ("person: Lead", "person: {from: Lead}", "either `object:`"),
        ("person: Lead", "person: {from: [], object: lead}", "names no field"),
        ("person: Lead", "person: {from: L, prefixes: {00Q: lead, 003: lead}}", "of one length"),
        ("status: {from: Status", "status: {from: []", "names no field"),
        ("  mail:\n", "  mail:\n    frozen: x\n", "is: person"),
    ],
)
def test_a_mistake_in_a_mapping_is_told_with_what_would_be_right(old, new, words):
    with pytest.raises(UsageError) as caught:
        parse(TEXT.replace(old, new), MappingDocument, name="m.yaml")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://www.acme.example/pricing?utm=x#plans", "/pricing"),
        ("https://www.acme.example", "/"),
        ("/docs/a", "/docs/a"),
        ("?a=b", "/"),
        ("  ", None),
    ],
)
def test_a_web_address_may_be_read_as_its_page(address, page):
    text = TEXT.replace("origin: {value: web}", "origin: {from: Url, as: path}")
    row = {"Id": "1", "Kind": "a", "Url": address}
    found = compile_mapping(parse(text, MappingDocument, name="m"))["lead"].convert(row, "")
    assert found.doc["origin"] == page


def test_a_field_that_sales_is_asked_to_fill_explains_the_status():
    asking = TEXT.replace(", reason: Why}", "}\n    asks: {reason: Leadloop_Why}")
    objects = compile_mapping(parse(asking, MappingDocument, name="m"))
    row = {"Id": "1", "Kind": "a", "Status": "Bad", "Leadloop_Why": "no budget"}
    found = objects["lead"].convert(row, "")
    assert (found.doc["status"], found.doc["reason"]) == ("rejected", "no budget")
    assert "Leadloop_Why" in objects["lead"].names


@pytest.mark.parametrize("name", ["files.yaml", "odoo.yaml", "salesforce.yaml"])
def test_the_mappings_that_ship_are_sound(name):
    from pathlib import Path

    document = load_mapping(Path(__file__).parents[3] / "mappings" / name)
    assert "lead" in compile_mapping(document)


def test_a_moment_is_asked_for_where_the_field_says_something_and_read_by_its_plain_name():
    from pathlib import Path

    folder = Path(__file__).parents[3] / "mappings"
    objects = compile_mapping(load_mapping(folder / "hubspot.yaml"))

    def among(name, moment):
        (found,) = [one for one in objects[name].names if one == moment]
        return getattr(found, "among", None)

    said = among("contact", "hs_lead_status.changed")
    assert said == {
        *("ATTEMPTED_TO_CONTACT", "CONNECTED", "IN_PROGRESS"),
        *("OPEN_DEAL", "UNQUALIFIED", "BAD_TIMING"),
    }
    assert among("task", "hs_task_status.changed") == {"COMPLETED"}
    assert among("deal", "dealstage.changed") is None, "every stage says something"
    assert "new-stage-id" not in among("lead", "hs_pipeline_stage.changed")
    row = {"id": "1", "email": "a@b.example", "hs_lead_status": "UNQUALIFIED"}
    found = objects["contact"].convert({**row, "hs_lead_status.changed": AT}, "")
    assert found.doc["status_at"] == parse_iso(AT)


AT = "2026-01-01T09:30:00Z"
WHO = "associations.contacts"
TASK = {"Id": "00T1", "IsClosed": True, "WhoId": "0031", "CompletedDateTime": AT}
EVENT = {"Id": "00U1", "IsChild": False, "WhoId": "0031", "StartDateTime": AT}
COPY = {"id": "1", WHO: ["1"], "hs_timestamp": AT, "hs_task_status.changed": AT}


@pytest.mark.parametrize(
    ("ours", "row", "theirs", "copy"),
    [
        ("task", {**TASK, "TaskSubtype": "Call"}, "call", {"hs_call_status": "COMPLETED"}),
        ("task", {**TASK, "TaskSubtype": "Email"}, "email", {"hs_email_direction": "EMAIL"}),
        ("task", {**TASK, "TaskSubtype": "Task"}, "task", {"hs_task_status": "COMPLETED"}),
        ("event", EVENT, "meeting", {"hs_meeting_outcome": "COMPLETED"}),
    ],
)
def test_the_copy_of_a_deed_between_the_two_shipped_crms_counts_once(ours, row, theirs, copy):
    from pathlib import Path

    folder = Path(__file__).parents[3] / "mappings"
    seen = []
    for name, one, told in (
        ("salesforce", ours, row),
        ("hubspot", theirs, {**COPY, **copy}),
    ):
        mapped = compile_mapping(load_mapping(folder / f"{name}.yaml"))[one]
        (found,) = mapped.convert(told, "")
        key = (name, one, found.id)
        seen.append(
            Seen(key, name, found.type, found.time, found.asset, found.message, found.agent)
        )
    assert len(duplicates(seen)) == 1


@pytest.mark.parametrize(
    ("remote", "wanted"),
    [(71, 71.0), ("71", 71), ("71.0", 71), (None, ""), ("", None), (False, None), ("true", True),
     ("a\r\nb ", "a\nb"), ("False", False)],
)  # fmt: skip
def test_the_same_value_in_other_clothes_is_no_change(remote, wanted):
    assert same(remote, wanted)
    assert same(wanted, remote)


@pytest.mark.parametrize(
    ("remote", "wanted"),
    [
        (None, 0),
        (0, None),
        ("", 0),
        (False, True),
        (None, True),
        ("71", 72),
        ("a", "A"),
        (1, True),
        ("x", None),
    ],
)
def test_another_value_is_a_change(remote, wanted):
    assert not same(remote, wanted)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=4)
)


@given(scalars, scalars)
def test_sameness_is_symmetric_and_reflexive(one, other):
    assert same(one, one)
    assert same(one, other) == same(other, one)


def test_text_too_long_for_its_field_is_cut_visibly():
    target = WriteTarget("grade", "g", "ours", None, False)
    assert to_remote(target, "ABCDEF") == "ABC…"
    assert to_remote(target, "A1") == "A1"


def test_a_first_mapping_is_guessed_from_column_names():
    text = suggest_mapping(
        {"export": ["Lead ID", "E-Mail", "Job Title", "Company Name"], "x": ["a"]}
    )
    document = parse(text, MappingDocument, name="m")
    lead = document.objects["lead"]
    assert lead.source == "export"
    assert lead.fields == {"email": "E-Mail", "title": "Job Title", "company": "Company Name"}
    assert suggest_mapping({"x": ["a", "b"]}) is None


SEVERAL = """
version: 1
objects:
  contact: {is: person, key: id, fields: {email: email}, account: firms}
  deal: {is: opportunity, key: id, person: people, account: firms, status: {value: open}}
  mail:
    is: activity
    key: id
    person: people
    email: address
    events: [{type: sent, at: sent}, {type: open, at: opened}]
"""


def test_a_row_that_names_several_people_is_an_activity_of_each():
    mail = compile_mapping(parse(SEVERAL, MappingDocument, name="m.yaml"))["mail"]
    moments = {"sent": "2026-01-01T00:00:00Z", "opened": "2026-01-02T00:00:00Z"}
    found = mail.convert({"id": "m", "people": ["2", "1"], **moments}, "")
    expected = [("m:2:sent", "2"), ("m:2:open", "2"), ("m:1:sent", "1"), ("m:1:open", "1")]
    assert [(a.id, a.person) for a in found] == [(i, f"contact/{p}") for i, p in expected]
    (kept,) = mail.convert({"id": "m", "people": "1", "sent": moments["sent"]}, "")
    assert (kept.id, kept.person) == ("m:sent", "contact/1")


def test_a_row_that_names_nobody_is_no_activity_unless_it_has_an_address():
    mail = compile_mapping(parse(SEVERAL, MappingDocument, name="m.yaml"))["mail"]
    row = {"id": "m", "people": [], "sent": "2026-01-01T00:00:00Z"}
    assert mail.convert(row, "") == ()
    (kept,) = mail.convert({**row, "address": "a@b.example"}, "")
    assert (kept.person, kept.email) == (None, "a@b.example")
    assert isinstance(mail.convert({**row, "people": None}, ""), Rejected)


def test_of_several_records_where_one_is_wanted_the_first_is_taken():
    objects = compile_mapping(parse(SEVERAL, MappingDocument, name="m.yaml"))
    row = {"id": "1", "email": "a@b.example", "people": ["7", "8"], "firms": ["3", "4"]}
    assert objects["deal"].convert(row, "").doc == {"account": "3", "person": "7", "status": "open"}
    assert objects["contact"].convert(row, "").doc["account"] == "3"
    assert objects["contact"].convert({**row, "firms": []}, "").doc["account"] is None
    assert row["firms"] == ["3", "4"]


# --- history --------------------------------------------------------------------------------------

PAST = """
version: 1
objects:
  lead:
    is: person
    source: Lead
    key: Id
    owner: OwnerId
    fields: {staff: {from: Staff, as: int}, size: Staff, tier: {value: gold}}
    status: {from: Status, values: {Bad: rejected, New: null}}
    history:
      fields: [status, staff, size, owner]
      source: LeadHistory
      key: Id
      record: LeadId
      field: Field
      before: Old
      after: New
      at: Made
      by: MadeBy
    write: {owner: {to: OwnerId, owner: theirs}}
"""


def past_of(field, old, new, **more):
    trail = compile_mapping(parse(PAST, MappingDocument, name="m.yaml"))["lead"].trail
    row = {"Id": "h1", "LeadId": "1", "Field": field, "Old": old, "New": new, "MadeBy": "u",
           "Made": "2026-01-02T03:04:05Z", **more}  # fmt: skip
    return trail.convert(row, "")


def test_a_row_of_history_becomes_an_edit_in_our_words_for_each_field_it_feeds():
    at = parse_iso("2026-01-02T03:04:05Z")
    assert past_of("Status", "New", "Bad") == (
        Edit("h1", "1", "status", at, None, "rejected", "u"),
    )
    assert past_of("Staff", "10", "20") == (
        Edit("h1", "1", "staff", at, 10, 20, "u"),
        Edit("h1", "1", "size", at, "10", "20", "u"),
    )
    assert past_of("Email", "a", "b") == (), "nobody asked for it"
    assert past_of("Status", "New", "Other") == (), "the same to us"


def test_a_value_of_history_that_cannot_be_read_keeps_its_row_aside():
    assert past_of("Staff", "many", "1").reason == "`Old` should be a number such as 1250 or 12.5"


def test_a_history_that_is_asked_for_later_has_no_other_row_read_again():
    without = (
        PAST.partition("    history:")[0] + "    write: {owner: {to: OwnerId, owner: theirs}}\n"
    )
    now, before = (
        compile_mapping(parse(t, MappingDocument, name="m.yaml")) for t in (PAST, without)
    )
    assert now["lead"].hash == before["lead"].hash
    assert (before["lead"].trail, dict(before["lead"].dated)) == (None, {})
    assert dict(now["lead"].dated) == {
        "status": None,
        "staff": None,
        "size": None,
        "owner": "OwnerId",
    }
    assert mapping_hash(parse(PAST, MappingDocument, name="m")) != mapping_hash(
        parse(without, MappingDocument, name="m")
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fields: [status, staff, size, owner]", "fields: [tier]", "`history: tier` is not read"),
        ("      key: Id\n      record", "      record", "needs `key:`"),
        ("      source: LeadHistory\n", "", "needs a `source:`"),
        (
            "      by: MadeBy\n",
            "      by: MadeBy\n      told_by: stage\n",
            "not among its `fields:`",
        ),
        ("is: person", "is: history", "is no object"),
    ],
)
def test_a_history_that_cannot_be_is_refused_in_words(old, new, said):
    assert old in PAST
    with pytest.raises(UsageError, match=re.escape(said)):
        parse(PAST.replace(old, new, 1), MappingDocument, name="m.yaml")
