"""What was never confirmed is listed, stands where the list says, and can be switched there."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.adapters.salesforce import answers, outcomes, unconfirmed, writing
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.grants import ClientCredentials
from connector.domain.change import Write
from connector.errors import QuotaError, RateLimitError
from connector.transport.http import Answer
from tests.unit.adapters.salesforce_org import HOST, SECRET

ROOT = Path(__file__).parents[3]
ADAPTER = ROOT / "connector" / "adapters" / "salesforce"
PAGE = (ROOT / "docs" / "salesforce.md").read_text(encoding="utf-8")


def is_constant(one):
    return one.switch.replace("_", "A").isalpha() and one.switch.isupper()


def test_the_page_shows_the_list_and_the_code_decides_where_it_says():
    for one in unconfirmed.UNCONFIRMED:
        assert f"| {one.what} | `{one.where}` |" in PAGE, one.what
        if is_constant(one):
            assert hasattr(unconfirmed, one.switch)
            users = [
                path.name
                for path in ADAPTER.rglob("*.py")
                if one.switch in path.read_text(encoding="utf-8").split()
                or f"import {one.switch}" in path.read_text(encoding="utf-8")
            ]
            assert [name for name in users if name != "unconfirmed.py"] == [one.where]
        elif one.where.endswith(".py"):
            assert (ADAPTER / one.where).exists()


def test_every_constant_is_on_the_list():
    named = {one.switch for one in unconfirmed.UNCONFIRMED if is_constant(one)}
    there = {name for name in vars(unconfirmed) if name.isupper()} - {"UNCONFIRMED"}
    assert there == named


def test_another_word_for_too_many_requests_is_one_constant_away(monkeypatch):
    body = b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "zu viele zugleich"}]'
    with pytest.raises(QuotaError):
        answers.overrules(Answer(403, {}, body))
    monkeypatch.setattr(answers, "CONCURRENT", "zugleich")
    with pytest.raises(RateLimitError):
        answers.overrules(Answer(403, {}, body))


def test_another_form_of_a_bulk_error_is_one_constant_away(monkeypatch):
    monkeypatch.setattr(outcomes, "ERROR_PARTS", "|")
    assert outcomes.spelled_error("STRING_TOO_LONG|too: long|Title --").code == "STRING_TOO_LONG"


def test_if_bulk_ran_assignment_rules_no_job_would_write_people(org, monkeypatch):
    ids = [org.lead(n) for n in range(3)]
    grant = ClientCredentials(lambda: "client", lambda: SECRET)
    crm = SalesforceAdapter(HOST, grant, {}, lambda: 0, job_from=2)
    monkeypatch.setattr(writing, "BULK_KEEPS_OWNERS", False)
    crm.write([Write("Lead", ident, {"Title": "CEO"}) for ident in ids])
    assert not [one for one in org.sent("POST") if "jobs/ingest" in one.url]
    assert [one for one in org.sent("PATCH") if "composite/sobjects" in one.url]
    crm.close()
