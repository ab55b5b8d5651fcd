"""Days by name in the practice org's queries: they are those of whoever asks."""

from __future__ import annotations

import pytest

from connector.domain.moment import parse_iso

PARIS_MIDNIGHT = "2026-11-23T23:00:00Z"  # of 24 November, which is today there


@pytest.fixture
def around(salesforce):
    """A lead a second before each midnight of Paris, one at it, and one of today."""
    salesforce.crm.org.find(salesforce.admin)["TimeZoneSidKey"] = "Europe/Paris"
    moments = {"older": "2026-11-22T22:59:59", "begins": "2026-11-22T23:00:00",
               "ends": "2026-11-23T22:59:59", "today": "2026-11-23T23:00:00"}  # fmt: skip
    rows = [{"LastName": name, "Company": "Mills", "CreatedDate": f"{at}.000+0000"}
            for name, at in moments.items()]  # fmt: skip
    salesforce.load(Lead=rows)
    assert salesforce.now > parse_iso(PARIS_MIDNIGHT)
    return salesforce


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("= TODAY", {"today"}),
        ("!= TODAY", {"older", "begins", "ends"}),
        ("< TODAY", {"older", "begins", "ends"}),
        (">= TODAY", {"today"}),
        ("> TODAY", set()),
        ("= YESTERDAY", {"begins", "ends"}),
        ("<= yesterday", {"older", "begins", "ends"}),
        ("> YESTERDAY", {"today"}),
        ("< YESTERDAY", {"older"}),
    ],
)
def test_a_day_by_name_begins_at_the_users_midnight(around, condition, found):
    rows = around.query(f"SELECT LastName FROM Lead WHERE CreatedDate {condition}")
    assert {row["LastName"] for row in rows} == found


def test_a_date_is_compared_with_the_date_it_is_there(around):
    around.load(Task=[{"Subject": day, "ActivityDate": f"2026-11-{day}"} for day in ("23", "24")])
    rows = around.query("SELECT Subject FROM Task WHERE ActivityDate = TODAY")
    assert [row["Subject"] for row in rows] == ["24"]


def test_other_words_for_days_are_not_read(around):
    query = {"q": "SELECT Id FROM Lead WHERE CreatedDate = LAST_FISCAL_YEAR"}
    answer = around.call("GET", f"{around.data}/query", params=query)
    assert answer.json()[0]["errorCode"] == "MALFORMED_QUERY"
