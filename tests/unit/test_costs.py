"""costs.csv: what can be read counts, what cannot is named."""

from __future__ import annotations

import pytest

from connector.config.costs import load_costs
from connector.domain.moment import parse_iso
from connector.errors import UsageError

NOW = parse_iso("2026-11-01T12:00:00Z")


def costs(tmp_path, text):
    path = tmp_path / "costs.csv"
    path.write_text(text, encoding="utf-8")
    return load_costs(path, "EUR", NOW)


def test_months_of_a_campaign_add_up_and_those_to_come_do_not_count(tmp_path):
    found = costs(tmp_path, "campaign,period,amount,currency\nads,2026-01,10.5,EUR\n"
                            "ads,2026-02,1,eur\nfair,2026,99.999,\nads,2026-12,7,EUR\n")  # fmt: skip
    assert dict(found.cents) == {"ads": 1150, "fair": 10000}
    assert (found.rows, found.later, found.aside) == (3, 1, ())


def test_a_campaign_is_known_however_it_is_spelled_as_rules_know_it(tmp_path):
    found = costs(tmp_path, "campaign,period,amount\nSpring Fair ,2026-01,3\nspring fair,2026-02,4\n"
                            "SPRING FAIR,2026-01,9\n")  # fmt: skip
    assert dict(found.cents) == {"spring fair": 700}
    assert found.names == {"spring fair": "Spring Fair"}
    assert found.aside == ("costs.csv:4: `SPRING FAIR` has a row for 2026-01 already",)


@pytest.mark.parametrize(("row", "why"), [
    (",2026-01,1,EUR", "`campaign` is empty"),
    ("ads,2026-13,1,EUR", "`2026-13` is no period such as 2026-03 or 2026"),
    ("ads,2026-01,x,EUR", "`x` is no amount such as 1250.50"),
    ("ads,2026-01,-3,EUR", "`-3` is no amount from 0 to 1e12"),
    ("ads,2026-01,nan,EUR", "`nan` is no amount from 0 to 1e12"),
    ("ads,2026-01,1,USD", "`USD` is not the currency of the report, EUR"),
    ("fair,2026-01,1,EUR", "`fair` has a row for 2026-01 already"),
    ("ads", "`` is no period such as 2026-03 or 2026"),
])  # fmt: skip
def test_a_bad_row_is_named_and_the_others_count(tmp_path, row, why):
    found = costs(tmp_path, f"campaign,period,amount,currency\nfair,2026-01,1,EUR\n{row}\n")
    assert found.aside == (f"costs.csv:3: {why}",)
    assert dict(found.cents) == {"fair": 100}


def test_a_file_without_the_columns_says_what_it_should_hold(tmp_path):
    with pytest.raises(UsageError, match="costs.csv:1: no column `amount`") as caught:
        costs(tmp_path, "campaign,period\n")
    assert "campaign,period,amount,currency" in caught.value.hint
    with pytest.raises(UsageError, match="cannot be read"):
        load_costs(tmp_path / "none.csv", "EUR", NOW)
