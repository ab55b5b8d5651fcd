"""What no stamp tells: late commits, hidden records, and what an amount is worth."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.adapters.base import Window
from connector.adapters.keeping import Forgetful
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.grants import ClientCredentials
from connector.domain.moment import DAY, HOUR, MINUTE, SECOND
from tests.unit.adapters.salesforce_org import HOST, NOW, SECRET, field, ident

AT = int(NOW.timestamp()) * SECOND


@pytest.fixture
def opened(org):
    made = []

    def open_(bookmark):
        grant = ClientCredentials(lambda: "client", lambda: SECRET)
        made.append(SalesforceAdapter(HOST, grant, {}, lambda: 0, bookmark=bookmark))
        return made[-1]

    yield open_
    for crm in made:
        crm.close()


def ids(crm, since, until, after=None):
    pages = crm.read("Lead", ["Id"], Window(since, until), after)
    return [row["Id"] for page in pages for row in page.rows]


def late(org, number, ago):
    stamp = NOW - timedelta(microseconds=ago)
    return org.lead(number, stamp=stamp.strftime("%Y-%m-%dT%H:%M:%S"))


@pytest.mark.parametrize("ago", [SECOND, 14 * MINUTE, 3 * HOUR, 23 * HOUR])
def test_what_was_still_under_way_at_the_last_window_is_looked_for_in_the_next(org, opened, ago):
    bookmark = Forgetful()
    org.covered = NOW - timedelta(microseconds=ago)
    assert ids(opened(bookmark), AT - HOUR, AT) == []
    found = late(org, 1, ago)
    org.covered = NOW + timedelta(minutes=5)
    assert ids(opened(bookmark), AT, AT + 5 * MINUTE) == [found]
    assert ids(opened(bookmark), AT + 5 * MINUTE, AT + 10 * MINUTE) == []


def test_a_window_reaches_down_a_day_at_most(org, opened):
    bookmark = Forgetful()
    org.covered = NOW - timedelta(days=3)
    ids(opened(bookmark), AT - HOUR, AT)
    late(org, 1, 2 * DAY)
    assert ids(opened(bookmark), AT, AT + MINUTE) == []


def test_a_window_that_is_gone_on_with_after_a_crash_reaches_as_far(org, opened):
    bookmark = Forgetful()
    org.covered = NOW - timedelta(hours=3)
    ids(opened(bookmark), AT - HOUR, AT)
    found = [late(org, n, 2 * HOUR) for n in (1, 2)]
    org.covered = NOW
    crm = opened(bookmark)
    crm._reading._page = 1
    first = next(crm.read("Lead", ["Id"], Window(AT, AT + MINUTE), None))
    assert ids(opened(bookmark), AT, AT + MINUTE, after=first.position) == found[1:]


def test_a_window_of_which_nothing_was_stored_moves_no_mark(org, opened):
    crm = opened(Forgetful())
    overlap = crm.capabilities.overlap
    org.covered = NOW - timedelta(hours=3)
    ids(crm, AT - HOUR, AT)
    found = late(org, 1, 2 * HOUR)
    org.covered = NOW + timedelta(minutes=5)
    next(crm.read("Lead", ["Id"], Window(AT - overlap, AT + 5 * MINUTE), None))  # and it died
    assert ids(crm, AT - overlap, AT + 10 * MINUTE) == [found]
    assert ids(crm, AT + 10 * MINUTE - overlap, AT + 15 * MINUTE) == []


def test_the_first_window_after_a_backfill_looks_for_what_was_under_way_as_that_began(org, opened):
    crm = opened(Forgetful())
    org.covered = NOW - timedelta(hours=3)
    ids(crm, None, AT)
    found = late(org, 1, 2 * HOUR)
    org.covered = NOW
    ids(crm, None, AT, after=ident("00Q", 1))  # gone on with, later
    assert ids(crm, AT - crm.capabilities.overlap, AT + MINUTE) == [found]


def test_a_window_whose_mark_another_objects_windows_outlived_reaches_down_a_day(org, opened):
    crm = opened(Forgetful())
    overlap = crm.capabilities.overlap
    for number in range(1, 5):
        ids(crm, AT + number * HOUR - overlap, AT + (number + 1) * HOUR)
    found = late(org, 1, 23 * HOUR)
    assert ids(crm, AT - overlap, AT + 6 * HOUR) == [found]


def test_many_windows_of_which_nothing_was_stored_keep_the_mark_of_the_last_that_was(org, opened):
    bookmark = Forgetful()
    crm = opened(bookmark)
    overlap = crm.capabilities.overlap
    org.covered = NOW - timedelta(hours=3)
    ids(crm, AT - HOUR, AT)
    found = late(org, 1, 2 * HOUR)
    org.covered = NOW + timedelta(minutes=5)
    for number in range(1, 200):
        assert ids(crm, AT - overlap, AT + number * MINUTE) == [found]
    assert len(bookmark.load("marks Lead")) < 10_000


def test_an_org_that_does_not_say_is_read_with_the_plain_overlap(org, opened):
    org.fail("/updated/", 400, [{"errorCode": "INVALID_REPLICATION_DATE", "message": ""}], times=2)
    found = late(org, 1, MINUTE)
    assert ids(opened(Forgetful()), AT - HOUR, AT) == [found]


def test_a_first_load_asks_for_its_mark_once_and_first(org, opened):
    late(org, 1, MINUTE)
    crm = opened(Forgetful())
    crm._reading._page = 1
    page = next(crm.read("Lead", ["Id"], Window(None, AT), None))
    assert ids(crm, None, AT, after=page.position) == []
    assert [verb for verb, _ in org.asked] == ["updated", "queryAll", "queryAll"]


def test_only_what_the_log_of_deletes_names_is_deleted(org, crm):
    org.deleted = [ident("00Q", 1)[:15], ident("00Q", 3)]
    missing = [ident("00Q", n) for n in (1, 2, 3)]
    assert crm.hidden("lead", missing) == [missing[1]]


def test_nobody_is_deleted_while_the_log_cannot_be_read(org, crm):
    org.fail("/deleted/", 403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": ""}])
    assert crm.hidden("Lead", ["x"]) == ["x"]


def test_an_object_without_such_a_log_is_believed(org, crm):
    assert crm.hidden("Group", ["x"]) == []


MONEY = [
    field("Amount", "currency"),
    field("CloseDate", "date"),
    field("CurrencyIsoCode", "picklist"),
    field("OwnerId", "reference"),
]


@pytest.fixture
def currencies(org):
    org.objects["Opportunity"] = [*org.objects["Opportunity"], *MONEY]
    org.objects["CurrencyType"] = [field("Id", "id")]
    org.rows["CurrencyType"] = [
        {"Id": "01L1", "IsoCode": "EUR", "ConversionRate": 1.0},
        {"Id": "01L2", "IsoCode": "USD", "ConversionRate": 1.25},
    ]
    base = {"IsDeleted": False, "SystemModstamp": "2026-05-01T11:00:00.000+0000", "StageName": "x"}
    org.rows["Opportunity"] = [
        {**base, "Id": ident("006", n), "Amount": amount, "CurrencyIsoCode": code, "CloseDate": day}
        for n, (amount, code, day) in enumerate(
            [
                (100.0, "EUR", "2026-01-01"),
                (100.0, "USD", "2026-01-01"),
                (100.0, "JPY", "2026-01-01"),
                (None, "USD", "2026-01-01"),
                (100.0, "USD", "2024-06-30"),
            ]
        )
    ]
    return org


def amounts(crm):
    (page,) = crm.read("Opportunity", ["Id", "Amount"], Window(None, AT), None)
    return [row["Amount"] for row in page.rows]


def test_amounts_are_given_in_the_corporate_currency_and_never_guessed(currencies, crm):
    assert amounts(crm) == [100.0, 80.0, None, None, 80.0]


def test_with_dated_rates_a_deal_goes_by_the_day_it_closes(currencies, crm):
    currencies.objects["DatedConversionRate"] = [field("Id", "id")]
    currencies.rows["DatedConversionRate"] = [
        {"Id": "04w2", "IsoCode": "USD", "ConversionRate": 1.6, "StartDate": "2025-01-01"},
        {"Id": "04w1", "IsoCode": "USD", "ConversionRate": 2.0, "StartDate": "2020-01-01"},
    ]
    assert amounts(crm) == [100.0, 62.5, None, None, 50.0]


def test_an_org_of_one_currency_is_asked_for_no_rates(org, crm):
    org.objects["Opportunity"] = [*org.objects["Opportunity"], MONEY[0], MONEY[1]]
    org.rows["Opportunity"] = [
        {"Id": ident("006", 1), "IsDeleted": False, "SystemModstamp": "2026-05-01T11:00:00.000+0000",
         "Amount": 7.0, "CloseDate": "2026-01-01"}
    ]  # fmt: skip
    assert amounts(crm) == [7.0]
    assert [verb for verb, _ in org.asked] == ["updated", "queryAll"]
