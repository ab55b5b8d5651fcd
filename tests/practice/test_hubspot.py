"""Practice HubSpot does what its documents say, and its oracle tells what truly happened."""

from __future__ import annotations

import pytest

from connector.domain.moment import MINUTE
from connector.practice.hubspot.moments import iso

BOTH = ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"]


def update(hubspot, *inputs, base="/crm/objects/2026-09"):
    body = {"inputs": [{"id": id_, "properties": values} for id_, values in inputs]}
    return hubspot.call("POST", f"{base}/contacts/batch/update", body)


@pytest.mark.parametrize("base", BOTH)
def test_every_version_answers_from_one_state(hubspot, base):
    ids = hubspot.contacts(3, jobtitle="Boss")
    page = hubspot.json("GET", f"{base}/contacts?limit=2&properties=jobtitle,nosuch,country")
    assert [one["id"] for one in page["results"]] == ids[:2]
    assert page["paging"]["next"]["after"] == ids[2]
    properties = page["results"][0]["properties"]
    assert properties["jobtitle"] == "Boss"
    assert properties["country"] is None
    assert "nosuch" not in properties
    last = hubspot.json("GET", f"{base}/0-1?limit=2&after={ids[2]}")
    assert [one["id"] for one in last["results"]] == [ids[2]]
    assert "paging" not in last
    assert update(hubspot, (ids[0], {"jobtitle": "CEO"}), base=base).status_code == 200


def test_a_missing_record_fails_alone_and_a_bad_value_fails_the_whole_batch(hubspot):
    ids = hubspot.contacts(3)
    some = update(hubspot, (ids[0], {"jobtitle": "A"}), ("404", {"jobtitle": "B"}))
    assert (some.status_code, some.json()["numErrors"]) == (207, 1)
    assert some.json()["errors"][0]["context"]["ids"] == ["404"]
    assert hubspot.effects() == [("contacts", ids[0], "jobtitle", None, "A")]
    none = update(hubspot, (ids[1], {"jobtitle": "C"}), (ids[2], {"hs_lead_status": "nonsense"}))
    assert none.status_code == 400
    assert none.json()["errors"][0]["context"]["propertyName"] == ["hs_lead_status"]
    assert len(hubspot.effects()) == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"nosuch": "1"}, "PROPERTY_DOESNT_EXIST"), ({"hubspotscore": "5"}, "READ_ONLY_VALUE"),
        ({"hs_lead_status": "new"}, "INVALID_OPTION"), ({"email": "x"}, "INVALID_EMAIL"),
        ({"associatedcompanyid": "1,000"}, "INVALID_LONG"), ({"hs_email_optout": "yes"}, "INVALID_OPTION"),
    ],
)  # fmt: skip
def test_values_are_held_against_their_definitions(hubspot, values, code):
    (id_,) = hubspot.contacts(1)
    answer = update(hubspot, (id_, values))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == code
    assert hubspot.effects() == []


def test_owners_are_named_by_their_own_id_and_must_be_there(hubspot):
    owner = {
        "email": "a@acme.example",
        "type": "PERSON",
        "archived": False,
        "firstName": "A",
        "lastName": "B",
    }
    hubspot.load(
        owners=[
            {**owner, "id": "11", "userId": 22},
            {**owner, "id": "33", "userId": None, "archived": True},
        ]
    )
    (id_,) = hubspot.contacts(1)
    statuses = [
        update(hubspot, (id_, {"hubspot_owner_id": one})).status_code for one in ("22", "33", "11")
    ]
    assert statuses == [400, 400, 200]
    assert hubspot.json("GET", "/crm/owners/2026-09/22?idProperty=userId")["id"] == "11"


def test_a_required_property_stops_2026_09_writes_only(hubspot):
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("rules", {"required": [["contacts", "country"]]})
    late = update(hubspot, (id_, {"jobtitle": "A"}))
    assert late.json()["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
    for base in BOTH[:2]:
        assert update(hubspot, (id_, {"jobtitle": base}), base=base).status_code == 200
    assert update(hubspot, (id_, {"country": "DE"})).status_code == 200


def test_a_life_cycle_goes_forward_only_and_says_nothing_about_it(hubspot):
    (id_,) = hubspot.contacts(1, lifecyclestage="opportunity")
    answer = hubspot.json(
        "PATCH", f"{hubspot.objects}/contacts/{id_}", {"properties": {"lifecyclestage": "lead"}}
    )
    assert answer["properties"]["lifecyclestage"] == "opportunity"
    assert hubspot.effects() == []
    for step in ("", "lead"):
        hubspot.json(
            "PATCH", f"{hubspot.objects}/contacts/{id_}", {"properties": {"lifecyclestage": step}}
        )
    assert [effect[-1] for effect in hubspot.effects()] == [None, "lead"]


def test_some_dates_of_a_write_are_milliseconds_in_the_same_answer(hubspot):
    new = {"properties": {"email": "a@mills.example", "lifecyclestage": "lead"}}
    made = hubspot.json("POST", f"{hubspot.objects}/contacts", new)["properties"]
    assert made["hs_lifecyclestage_lead_date"] == str(hubspot.now // 1000)
    assert made["createdate"] == iso(hubspot.now)


def test_a_write_may_answer_with_the_modified_date_of_before(hubspot):
    (id_,) = hubspot.contacts(1)
    born = hubspot.now
    hubspot.crm.steer("rules", {"stale_answers": True})
    hubspot.tick(60)
    answer = update(hubspot, (id_, {"jobtitle": "A"})).json()["results"][0]
    assert answer["updatedAt"] == answer["properties"]["lastmodifieddate"] == iso(born)
    assert hubspot.json("GET", f"{hubspot.objects}/contacts/{id_}")["updatedAt"] == iso(hubspot.now)


def test_a_merge_makes_a_new_id_to_which_both_old_ones_lead(hubspot):
    one, two = hubspot.contacts(2)
    (company,) = hubspot.load(companies=[{"properties": {"name": "Mills"}}])["companies"]
    hubspot.load(ties=[["contacts", two, "companies", company]],
                 events=[{"id": "e", "eventType": "e_visited_page", "objectId": two, "at": 1, "properties": {}}])  # fmt: skip
    made = hubspot.json(
        "POST",
        f"{hubspot.objects}/contacts/merge",
        {"primaryObjectId": one, "objectIdToMerge": two},
    )["id"]
    assert made not in {one, two}
    for id_ in (one, two):
        read = hubspot.json(
            "GET",
            f"{hubspot.objects}/contacts/{id_}?properties=hs_merged_object_ids,email&associations=companies",
        )
        assert (read["id"], read["properties"]["email"]) == (made, "c0@mills.example")
        assert set(read["properties"]["hs_merged_object_ids"].split(";")) == {one, two}
        assert read["associations"]["companies"]["results"][0]["id"] == company
    assert [r["id"] for r in hubspot.json("GET", f"{hubspot.objects}/contacts")["results"]] == [
        made
    ]
    events = hubspot.json("GET", f"/events/v3/events?objectType=contact&objectId={one}")["results"]
    assert [event["objectId"] for event in events] == [made]
    assert update(hubspot, (one, {"jobtitle": "A"})).json()["results"][0]["id"] == made


def test_archived_records_have_a_listing_of_their_own_and_erased_ones_none(hubspot):
    ids = hubspot.contacts(3)
    hubspot.json("DELETE", f"{hubspot.objects}/contacts/{ids[0]}")
    hubspot.json("POST", f"{hubspot.objects}/contacts/gdpr-delete", {"objectId": ids[1]})
    listed = lambda tail: [
        one["id"] for one in hubspot.json("GET", f"{hubspot.objects}/contacts{tail}")["results"]
    ]
    assert listed("") == [ids[2]]
    assert listed("?archived=true") == [ids[0]]
    assert hubspot.search({"limit": 10})["total"] == 1
    assert hubspot.call("GET", f"{hubspot.objects}/contacts/{ids[0]}").status_code == 404
    assert hubspot.json("GET", f"{hubspot.objects}/contacts/{ids[0]}?archived=true")[
        "archivedAt"
    ] == iso(hubspot.now)


def test_history_comes_for_fifty_at_most(hubspot):
    ids = hubspot.contacts(60, jobtitle="Boss")
    hubspot.tick(60)
    hubspot.crm.steer("edit", {"type": "contacts", "id": ids[0], "set": {"jobtitle": "CEO"}})
    read = lambda count: hubspot.call("POST", f"{hubspot.objects}/contacts/batch/read",
                                      {"inputs": [{"id": one} for one in ids[:count]], "propertiesWithHistory": ["jobtitle"]})  # fmt: skip
    assert read(51).status_code == 400
    first = read(50).json()["results"][0]["propertiesWithHistory"]["jobtitle"]
    assert [(one["value"], one["sourceType"]) for one in first] == [
        ("CEO", "CRM_UI"),
        ("Boss", "IMPORT"),
    ]
    assert (
        hubspot.call(
            "GET", f"{hubspot.objects}/contacts?limit=100&propertiesWithHistory=jobtitle"
        ).status_code
        == 400
    )


def test_associations_come_in_pages_with_the_primary_one_marked(hubspot):
    made = hubspot.load(
        contacts=[
            {"properties": {"email": "a@mills.example"}},
            {"properties": {"email": "b@mills.example"}},
        ],
        companies=[{"properties": {"name": f"M{n}"}} for n in range(5)],
        ties=[["contacts", 0, "companies", n] for n in range(5)],
    )
    hubspot.crm.steer("rules", {"ties_page": 2})
    one, two = made["contacts"]
    seen, after, types = [], None, []
    while True:
        body = {"inputs": [{"id": one, **({"after": after} if after else {})}, {"id": two}]}
        answer = hubspot.call(
            "POST", "/crm/associations/2026-09/contacts/companies/batch/read", body
        )
        assert answer.status_code == 207
        assert answer.json()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
        (block,) = answer.json()["results"]
        seen += [tie["toObjectId"] for tie in block["to"]]
        types += [[t["label"] for t in tie["associationTypes"]] for tie in block["to"]]
        after = block.get("paging", {}).get("next", {}).get("after")
        if after is None:
            break
    assert seen == made["companies"]
    assert types == [[None, "Primary"], [None], [None], [None], [None]]
    old = hubspot.json(
        "POST", "/crm/v4/associations/contacts/companies/batch/read", {"inputs": [{"id": one}]}
    )
    assert old["results"][0]["to"][0]["toObjectId"] == int(made["companies"][0])


def test_a_token_lacks_a_scope_or_is_over(hubspot):
    hubspot.contacts(1)
    hubspot.crm.steer(
        "token",
        {"token": "poor", "lacks": ["crm.objects.deals.read", "crm.objects.contacts.write"]},
    )
    poor = {"Authorization": "Bearer poor"}
    assert hubspot.call("GET", f"{hubspot.objects}/contacts", headers=poor).status_code == 200
    for answer in (
        hubspot.call("GET", f"{hubspot.objects}/0-3", headers=poor),
        hubspot.call("POST", f"{hubspot.objects}/contacts", {"properties": {}}, headers=poor),
    ):
        assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
        assert answer.json()["errors"][0]["context"]["requiredGranularScopes"]
    hubspot.crm.steer("token", {"token": "brief", "calls": 1})
    brief = {"Authorization": "Bearer brief"}
    statuses = [
        hubspot.call("GET", f"{hubspot.objects}/contacts", headers=brief).status_code
        for _ in range(2)
    ]
    assert statuses == [200, 401]
    assert (
        hubspot.call("GET", f"{hubspot.objects}/contacts", headers=brief).json()["category"]
        == "EXPIRED_AUTHENTICATION"
    )
    unknown = hubspot.call(
        "GET", f"{hubspot.objects}/contacts", headers={"Authorization": "Bearer no"}
    )
    assert unknown.json()["category"] == "INVALID_AUTHENTICATION"


def test_a_token_is_refreshed(hubspot):
    hubspot.crm.steer("app", {"client": "app", "secret": "s", "refresh": "r"})
    form = {
        "grant_type": "refresh_token",
        "client_id": "app",
        "client_secret": "s",
        "refresh_token": "r",
    }
    given = hubspot.http.post(f"{hubspot.url}/oauth/2026-09/token", data=form, timeout=10).json()
    assert given["expires_in"] == 1800
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert hubspot.call("GET", f"{hubspot.objects}/contacts", headers=bearer).status_code == 200


def test_limits_are_counted_for_ten_seconds_for_one_and_for_the_portals_day(hubspot):
    hubspot.contacts(1)
    hubspot.crm.steer("limits", {"burst": 3, "search": 2, "daily": 9})
    listed = [hubspot.call("GET", f"{hubspot.objects}/contacts") for _ in range(4)]
    assert [one.status_code for one in listed] == [200, 200, 200, 429]
    assert listed[0].headers["X-HubSpot-RateLimit-Remaining"] == "2"
    assert listed[3].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert "Retry-After" not in listed[3].headers
    hubspot.crm.steer("limits", {"tells_retry_after": True})
    searched = [hubspot.call("POST", f"{hubspot.objects}/contacts/search", {}) for _ in range(3)]
    assert [one.status_code for one in searched] == [200, 200, 429]
    assert (searched[2].json()["policyName"], searched[2].headers["Retry-After"]) == (
        "SECONDLY",
        "1",
    )
    assert not any("ratelimit" in name.lower() for name in searched[0].headers)
    hubspot.tick(11)
    answers = [hubspot.call("GET", f"{hubspot.objects}/contacts") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].json()["policyName"] == "DAILY"
    usage = "/account-info/2026-09/api-usage/daily/private-apps"
    hubspot.tick(24 * 3600)
    resets = hubspot.json("GET", usage)["results"][0]["resetsAt"]
    assert resets.endswith("T00:00:00+13:00")
    details = hubspot.json("GET", "/account-info/2026-09/details")
    assert (details["timeZone"], details["utcOffsetMilliseconds"]) == (
        "Pacific/Auckland",
        46_800_000,
    )


def test_properties_are_made_once_revived_and_guarded(hubspot):
    base = "/crm/properties/2026-09/contacts"
    hubspot.json("POST", f"{base}/groups", {"name": "leadloop", "label": "Leadloop"})
    new = {"name": "leadloop_band", "label": "Band", "type": "enumeration", "fieldType": "select", "groupName": "leadloop",
           "options": [{"label": "Hot", "value": "hot"}, {"label": "Cold", "value": "cold"}]}  # fmt: skip
    hubspot.json("POST", base, new)
    again = hubspot.call("POST", base, new)
    assert (again.status_code, again.json()["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    assert (
        hubspot.call("DELETE", f"{base}/groups/leadloop").json()["category"]
        == "GROUP_WITH_ACTIVE_PROPERTIES"
    )
    hubspot.json("PATCH", f"{base}/leadloop_band", {"options": [{"label": "Hot", "value": "hot"}]})
    (id_,) = hubspot.contacts(1)
    assert update(hubspot, (id_, {"leadloop_band": "cold"})).status_code == 400
    hubspot.crm.steer("rules", {"in_use": ["leadloop_band"]})
    assert (
        hubspot.call("DELETE", f"{base}/leadloop_band").json()["category"]
        == "CANNOT_DELETE_PROPERTY_IN_USE"
    )
    hubspot.crm.steer("rules", {"in_use": []})
    hubspot.json("DELETE", f"{base}/leadloop_band")
    revived = hubspot.json("POST", base, {**new, "label": "Other"})
    assert revived["label"] == "Band"
    odd = hubspot.call(
        "POST",
        f"{base}/batch/create",
        {"inputs": [{**new, "name": "b1"}, {**new, "name": "b2", "fieldType": "number"}]},
    )
    assert (odd.status_code, odd.json()["numErrors"]) == (207, 1)


def test_the_search_index_lags_and_knows_nothing_archived(hubspot):
    ids = hubspot.contacts(2, jobtitle="Boss")
    hubspot.crm.steer("rules", {"lag": 10})
    update(hubspot, (ids[0], {"jobtitle": "CEO"}))
    ceo = {
        "filterGroups": [
            {"filters": [{"propertyName": "jobtitle", "operator": "EQ", "value": "CEO"}]}
        ]
    }
    assert hubspot.search(ceo)["total"] == 0
    hubspot.tick(11)
    assert hubspot.search(ceo)["total"] == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("jobtitle", "EQ", "boss 3")], 1), ([("jobtitle", "NEQ", "Boss 3")], 9),
        ([("jobtitle", "IN", ["Boss 1", "boss 2"])], 2), ([("country", "NOT_HAS_PROPERTY", None)], 10),
        ([("jobtitle", "CONTAINS_TOKEN", "boss")], 10), ([("hs_object_id", "GT", "0")], 10),
        ([("lastmodifieddate", "GTE", "2026-11-24T12:05:00Z"), ("lastmodifieddate", "LT", "2026-11-24T12:08:00Z")], 3),
        ([("createdate", "BETWEEN", "1795521600000", "1795521720000")], 3),
    ],
)  # fmt: skip
def test_filters_are_read_as_documented(hubspot, filters, found):
    rows = [
        {"at": hubspot.now + n * MINUTE, "properties": {"jobtitle": f"Boss {n}"}} for n in range(10)
    ]
    hubspot.load(contacts=rows)
    tests = []
    for name, operator, value, *high in filters:
        key = "values" if isinstance(value, list) else "value"
        tests.append(
            {
                "propertyName": name,
                "operator": operator,
                **({key: value} if value else {}),
                **({"highValue": high[0]} if high else {}),
            }
        )
    body = {
        "filterGroups": [{"filters": tests}],
        "limit": 3,
        "sorts": [{"propertyName": "createdate", "direction": "DESCENDING"}],
    }
    answer = hubspot.search(body)
    assert answer["total"] == found
    assert len(answer["results"]) == min(3, found)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201}, {"after": "9900", "limit": 200}, {"sorts": ["a", "b"]}, {"query": "x" * 3001},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "nosuch", "operator": "EQ", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE", "value": "1"}]}]},
    ],
)  # fmt: skip
def test_searches_that_cannot_be_are_refused(hubspot, body):
    assert hubspot.call("POST", f"{hubspot.objects}/contacts/search", body).status_code == 400


def test_the_body_of_a_search_is_capped_where_the_portal_is_so_set(hubspot):
    body = {"properties": ["x" * 40] * 100}
    assert hubspot.call("POST", f"{hubspot.objects}/contacts/search", body).status_code == 200
    hubspot.crm.steer("rules", {"search_body": 3000})
    assert hubspot.call("POST", f"{hubspot.objects}/contacts/search", body).status_code == 400


def test_an_address_is_taken_once(hubspot):
    (id_,) = hubspot.contacts(1)
    again = hubspot.call(
        "POST", f"{hubspot.objects}/contacts", {"properties": {"email": "C0@mills.example"}}
    )
    assert (again.status_code, again.json()["category"]) == (409, "CONFLICT")
    assert again.json()["message"].endswith(id_)
    assert len(hubspot.crm.portal.records["contacts"]) == 1


def test_leads_need_a_switch_a_name_and_a_contact(hubspot):
    (contact,) = hubspot.contacts(1)
    path, tie = (
        f"{hubspot.objects}/leads",
        [
            {
                "to": {"id": contact},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}],
            }
        ],
    )
    new = {"properties": {"hs_lead_name": "A"}, "associations": tie}
    assert hubspot.call("POST", path, new).status_code == 403
    hubspot.crm.steer("rules", {"leads_enabled": True})
    assert hubspot.call("POST", path, {"properties": {"hs_lead_name": "A"}}).status_code == 400
    made = hubspot.json("POST", path, new)["id"]
    assert (
        hubspot.json("GET", f"{path}/{made}?associations=contacts")["associations"]["contacts"][
            "results"
        ][0]["id"]
        == contact
    )


def test_submissions_and_mail_events_come_newest_first_and_end(hubspot):
    hubspot.load(
        forms=[{"id": "f1", "name": "demo"}],
        submissions={
            "f1": [{"conversionId": str(n), "submittedAt": n, "values": []} for n in range(60)]
        },
        mails=[
            {
                "id": str(n),
                "created": n,
                "type": "OPEN" if n % 2 else "SENT",
                "recipient": "a@mills.example",
            }
            for n in range(5)
        ],
    )
    path = "/form-integrations/v1/submissions/forms/f1"
    assert hubspot.call("GET", f"{path}?limit=51").status_code == 400
    first = hubspot.json("GET", f"{path}?limit=50")
    rest = hubspot.json("GET", f"{path}?limit=50&after={first['paging']['next']['after']}")
    assert [one["submittedAt"] for one in first["results"] + rest["results"]] == list(
        range(59, -1, -1)
    )
    assert "paging" not in rest
    opens = hubspot.json(
        "GET", "/email/public/v1/events?eventType=OPEN&startTimestamp=1&endTimestamp=3&limit=1"
    )
    assert ([one["created"] for one in opens["events"]], opens["hasMore"]) == ([3], True)
    last = hubspot.json(
        "GET",
        f"/email/public/v1/events?eventType=OPEN&startTimestamp=1&endTimestamp=3&limit=1&offset={opens['offset']}",
    )
    assert ([one["created"] for one in last["events"]], last["hasMore"]) == ([1], False)
    hubspot.crm.steer("rules", {"enterprise": False})
    assert hubspot.call("GET", "/events/event-occurrences/2026-09").status_code == 403
