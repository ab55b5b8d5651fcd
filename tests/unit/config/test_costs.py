"""The cost file: what people write, and what they write by mistake."""

from __future__ import annotations

import pytest

from connector.config.costs import Cost, load_costs
from connector.errors import UsageError


@pytest.fixture
def costs(tmp_path):
    def load(text):
        path = tmp_path / "costs.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_costs(path, "EUR")

    return load


def test_lines_are_read_whatever_the_order_of_columns_and_the_mark_before_them(costs):
    found = costs("\ufeffAmount,Campaign,Month,currency\n12.50,Fair,2026-03,eur\n7,Ads,,\n")
    assert found.lines == (Cost("Fair", "2026-03", 1250), Cost("Ads", None, 700))
    assert found.aside == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (",5", "`campaign` is empty"),
        ("fair,much", "`amount` should be a number"),
        ("fair,NaN", "from 0 on"),
        ("fair,-3", "from 0 on"),
        ("fair,1e99", "from 0 on"),
        ("fair,5,2026-13", "`month` should be like 2026-03"),
        ("fair,5,,USD", "another currency than the report's (EUR)"),
        ("fair,5,,EUR,more", "more values than there are columns"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_count(costs, line, said):
    found = costs(f"campaign,amount,month,currency\nads,1\n{line}\n")
    assert found.lines == (Cost("ads", None, 100),)
    (told,) = found.aside
    assert told.startswith("costs.csv:3: ")
    assert said in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "costs.csv:1 has no column campaign and amount"),
        (b"campaign,cost\nfair,5\n", "costs.csv:1 has no column amount"),
        (b"campaign,amount\nf\xe9te,5\n", "costs.csv:2 is no UTF-8 text"),
        (b'campaign,amount\n"fair,5\n', "is no line of a CSV file"),
        (b"campaign,amount\n" + b"x" * 200_000 + b",5\n", "is no line of a CSV file"),
        (b" " * 10_000_001, "more than 10,000,000 bytes"),
    ],
)
def test_a_file_that_is_none_says_where_and_what_would_be_right(costs, text, said):
    with pytest.raises(UsageError, match="costs.csv") as error:
        costs(text)
    assert said in str(error.value)
    assert error.value.hint


def test_a_file_that_is_missing_names_the_setting(tmp_path):
    with pytest.raises(UsageError, match="cannot be read") as error:
        load_costs(tmp_path / "costs.csv", "EUR")
    assert "costs:" in error.value.hint
