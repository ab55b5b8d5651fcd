"""The page: one file, no script, nothing fetched, no number of its own, no text unescaped."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from connector.report.page import report_page
from connector.report.svg import columns
from connector.report.words import coded, month
from tests.past import HOSTILE


class Reader(HTMLParser):
    """Collects tags, addresses and the values of <data>."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.addresses, self.values, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        given = dict(attrs)
        self.addresses += [v for k, v in attrs if k in {"src", "href", "action", "srcset"}]
        self.values += [given["value"]] if tag == "data" else []
        assert not any(name.startswith("on") for name in given)

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


def leaves(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one)
    else:
        yield value


@pytest.mark.parametrize("people", [0, 10, 300])
def test_the_page_is_whole_and_asks_for_nothing(quick_past, people):
    _, _, figures = quick_past(people, hostile=True)
    page = report_page(figures())
    found = read(page)
    assert "script" not in found.tags
    assert found.addresses == ["data:,"]
    assert "url(" not in page
    assert "@import" not in page
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert f'http-equiv="Content-Security-Policy" content="{policy}"' in page
    assert not re.search(r"https?://", page)


@pytest.mark.parametrize("people", [0, 10, 300])
def test_every_number_on_the_page_is_one_of_the_figures(quick_past, people):
    _, _, figures = quick_past(people)
    data = json.loads(json.dumps(figures()))
    numbers = {str(v) for v in leaves(data) if isinstance(v, int | float)}
    found = read(report_page(data))
    derived = {str(len(data["by_source"]) - 10), str(len(data["by_owner"]) - 10)}
    assert {v for v in found.values if v not in numbers | derived} == set()
    shown = [data["headline"], data["stages"], data["leakage"]["rows"], data["reasons"]]
    shown += [[row["cycles"], row["won"]] for row in data["by_owner"]]
    for value in leaves(shown):
        if isinstance(value, int) and not isinstance(value, bool):
            assert str(value) in found.values
    assert str(data["headline"]["passed"]) in found.values or not people


def test_a_page_of_a_large_company_is_not_large(quick_past):
    """However many owners, sources, campaigns, reasons, months and products there are."""
    _, _, figures = quick_past(300)
    page = report_page(grown(json.loads(json.dumps(figures()))))
    assert len(page.encode()) < 300_000
    assert page.count("report.json") > 5


def grown(value):
    """The same figures with every list of many kinds as long as those of a large company."""
    if isinstance(value, dict):
        return {name: one if name in FEW else grown(one) for name, one in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return (value * 400)[:400]
    return value


FEW = {"stages", "bands", "consent", "by_band", "flow", "phases", "maturity", "fields", "baseline", "calibration",
       "per_stage", "nurtured", "passes", "causes", "waits", "contact", "volume", "by_stage", "band"}  # fmt: skip


def test_hostile_names_stay_text(quick_past):
    _, _, figures = quick_past(80, hostile=True)
    page = report_page(figures())
    assert HOSTILE in "".join(read(page).text)
    assert HOSTILE not in page
    assert "<script" not in page


def test_nobody_of_the_leads_is_named(quick_past):
    _, _, figures = quick_past(80)
    page = report_page(figures())
    assert "Ada Secret" not in page
    assert "x.example" not in page.replace("email_domain", "")


def test_every_picture_has_a_table(quick_past):
    _, _, figures = quick_past(80)
    page = report_page(figures())
    for section in page.split("<section")[1:]:
        if "<svg" in section:
            assert "<table" in section
    assert 'aria-hidden="true"' in page


def test_a_shared_template_value_of_nothing_reads_as_a_dash(quick_past):
    _, _, figures = quick_past(0)
    page = report_page(figures())
    assert "Nobody has entered the funnel yet" in page
    assert "None" not in read(page).text
    assert "nan" not in page


def test_a_share_in_time_says_of_how_many_and_commands_are_set_apart():
    assert coded("Set `sla:` & go") == "Set <code>sla:</code> &amp; go"
    assert [month("2026-12"), month("2027-01", "2026-12"), month("2027-02", "2027-01")] == [
        "Dec 2026",
        "Jan 2027",
        "Feb",
    ]
    assert columns([(4, 2)], room=6).count('width="12.67%"') == 2
