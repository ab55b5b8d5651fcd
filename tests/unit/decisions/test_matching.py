"""Which account a lead belongs to, what its country allows, and what a package says."""

from __future__ import annotations

import pytest

from connector.decisions.consent import ConsentPolicy, allowed
from connector.decisions.matching import Account, Accounts, chosen, plain_name, registered
from connector.decisions.package import Deed, do_next, meaningful, top_reasons
from connector.decisions.routing_document import Routing
from connector.documents import parse
from connector.documents.shipped import shipped
from connector.domain.moment import DAY
from connector.domain.score import Line
from connector.errors import UsageError
from connector.identity.fuse import Version, fuse

BIG = Account("a1", "Mills & Sons Ltd", "https://www.mills.co.uk/en", "gb", "7")
KNOWN = Accounts(
    [
        BIG,
        Account("a2", "Mills and Sons GmbH", None, "de"),
        Account("a3", "Nord AG", "nord.com", "de"),
        Account("a4", "Nord AG", "nord.com", "fr", open_deals=2),
        Account("a5", "Nord", "nord.com", "se"),
    ]
)


def ids(**facts):
    return [(m.account.id, round(m.confidence, 2), m.why) for m in KNOWN.match(facts)]


def test_a_domain_counts_more_than_a_name_and_both_more_than_either():
    assert ids(email_domain="mail.mills.co.uk")[0] == ("a1", 0.95, "domain")
    both = ids(email_domain="mills.co.uk", company="MILLS & SONS")
    assert both[0] == ("a1", 1.0, "domain and name")
    assert ids(company="Mills & Sons, Inc.", country="gb")[0] == ("a1", 0.9, "name and country")


def test_a_similar_name_is_shown_and_does_not_count():
    (near, *_) = KNOWN.match({"company": "Mils & Sons", "country": "gb"})
    assert (near.account.id, near.why) == ("a1", "similar name and country")
    assert chosen([near]) is None
    assert chosen(KNOWN.match({"email_domain": "mills.co.uk"})).account == BIG


def test_ties_go_to_the_country_then_to_open_deals_then_to_the_smaller_id():
    assert [i for i, *_ in ids(email_domain="nord.com")] == ["a4", "a3", "a5"]
    assert ids(email_domain="nord.com", country="se")[0][0] == "a5"


def test_free_mail_says_nothing_about_a_company():
    accounts = Accounts([Account("g", "Google", "gmail.com", None)])
    assert accounts.match({"email_domain": "gmail.com", "email_kind": "free"}) == []


def test_domains_and_names_are_compared_by_what_tells_companies_apart():
    assert registered("HTTPS://shop.Acme.co.uk/x?y") == "acme.co.uk"
    assert registered("x.key.example") == "key.example"
    assert registered("localhost") is None
    assert plain_name("ACME Holding, Inc.") == plain_name("Acme") == "acme"


POLICY = parse(shipped("consent.yaml"), ConsentPolicy, name="consent.yaml")


@pytest.mark.parametrize(
    ("country", "doc", "asked", "sales", "mail"),
    [
        ("us", {}, False, True, True),
        ("us", {"opted_out": True}, False, False, False),
        ("DE", {}, False, True, False),
        ("de", {"opted_in": True}, False, True, True),
        ("no", {}, False, True, False),
        (None, {}, False, True, False),
        ("atlantis", {"opted_in": True}, False, True, True),
        ("de", {"opted_out": True}, True, True, False),
        ("us", {"do_not_call": True}, True, False, True),
    ],
)
def test_consent_by_country_purpose_and_request(country, doc, asked, sales, mail):
    found = allowed(doc, POLICY, country, asked=asked)
    assert (found.sales, found.mail) == (sales, mail)


def said(rank, **doc):
    return Version(rank, rank, f"r{rank}", doc)


@pytest.mark.parametrize(
    ("first", "second", "objected"),
    [
        ({"opted_out": True, "opted_out_at": 5}, {"opted_in": True, "opted_in_at": 9}, False),
        ({"opted_out": True, "opted_out_at": 9}, {"opted_in": True, "opted_in_at": 5}, True),
        ({"opted_out": True, "opted_out_at": 9}, {"opted_in": True, "opted_in_at": 9}, True),
        ({"opted_out": True}, {"opted_in": True, "opted_in_at": 9}, True),
        ({"opted_out": True, "opted_out_at": 5}, {"opted_in": True}, True),
    ],
)
def test_the_latest_dated_statement_decides_between_systems(first, second, objected):
    for versions in ([said(0, **first), said(1, **second)], [said(1, **first), said(0, **second)]):
        assert fuse(versions)["opted_out"] is objected


def test_a_package_holds_the_strongest_reasons_and_what_a_person_did_themselves():
    lines = [
        Line("Boss", "fit", 20.4, 1),
        Line("cap of web", "adjustment", -30.0, 1),
        Line("Free mail", "fit", -6.0, 1),
        Line("Nothing", "fit", 0.2, 1),
    ]
    assert top_reasons(lines) == ("+20 Boss", "-6 Free mail")
    deeds = [
        Deed("email_sent", 9),
        Deed("page_view", 8, "/pricing"),
        Deed("page_view", 7, "/pricing"),
        Deed("download", 5, "roi-guide"),
    ]
    kept = meaningful(deeds)
    assert [(d.type, d.at) for d in kept] == [("page_view", 8), ("download", 5)]
    advice = {"Asked for a demo": "Call now"}, {"ROI-guide": "Mention the guide"}, "Call"
    assert do_next(*advice, held=["asked for a demo"], deeds=kept) == "Call now"
    assert do_next(*advice, held=["Boss"], deeds=kept) == "Mention the guide"
    assert do_next(*advice, held=[], deeds=()) == "Call"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [{name: a, when: {territory: x}, to: {queue: q}}]", "no territory `x`"),
        ("rules: [{name: a, when: {country: {in_list: x}}, to: {queue: q}}]", "no list `x`"),
        ("on_reject: {pool: x}", "no pool `x`"),
        (
            "pools: {p: {members: [{owner: o, partner: {name: P, answer_within: 2d, "
            "deliver: {mail: out}}}]}}",
            "needs `to:`",
        ),
    ],
)
def test_what_routing_names_must_be_there(text, words):
    with pytest.raises(UsageError, match=words):
        parse(f"version: 1\nfallback: {{queue: q}}\n{text}\n", Routing, name="r")


def test_a_working_minute_is_a_minute_of_working_time():
    from connector.decisions.calendar import Calendar
    from connector.domain.duration import parse_span
    from connector.domain.moment import parse_iso

    friday = parse_iso("2026-03-06T17:20:00Z")
    assert Calendar("UTC").due(friday, parse_span("30bm")) == parse_iso("2026-03-09T09:20:00Z")
    assert Calendar("UTC").opening(friday + DAY) == parse_iso("2026-03-09T09:00:00Z")
