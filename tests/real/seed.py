"""Fills an Odoo with a year of leads: who fits and wants decides who is won, with luck on top.

Dates are put back by SQL at the end, as a restored production database would look.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

LEADS = 2_000
REASONS = ("Too expensive", "We don't have people/skills", "Not enough stock")
Call = Callable[..., Any]


def seed(call: Call, sql: Callable[[str], str], *, number: int = LEADS) -> dict[str, int]:
    """Create users, leads, mailing traces, won and lost ones; gives how many of each."""
    luck = Random(19)
    users = _users(call)
    countries = call("res.country", "search", domain=[["code", "in", ["DE", "FR", "NL", "US"]]])
    latent = [(luck.random(), luck.betavariate(1.3, 4)) for _ in range(number)]
    leads: list[int] = []
    for start in range(0, number, 500):
        rows = [
            _lead(luck, n, *latent[n], users, countries)
            for n in range(start, min(number, start + 500))
        ]
        leads += call("crm.lead", "create", vals_list=rows)
    traces = _mailings(call, luck, leads, latent)
    won, lost = _outcomes(call, luck, leads, latent)
    sql("UPDATE crm_lead SET create_date = now() - (id % 360) * interval '1 day'")
    sql(
        "UPDATE mailing_trace SET sent_datetime = now() - (id % 300) * interval '1 day' - interval '2 h'"
    )
    for column, hours in (("open_datetime", 1), ("links_click_datetime", 0.5)):
        sql(
            f"UPDATE mailing_trace SET {column} = sent_datetime + interval '{hours} h' "
            f"WHERE {column} IS NOT NULL"
        )
    return {"leads": len(leads), "traces": traces, "won": won, "lost": lost}


def _users(call: Call) -> list[int]:
    """Four who see every lead; who may not see one can be given no activity on it."""
    (group,) = call(
        "ir.model.data",
        "search_read",
        domain=[["module", "=", "sales_team"], ["name", "=", "group_sale_salesman_all_leads"]],
        fields=["res_id"],
    )
    names = ("Anna", "Ben", "Carla", "Dan")
    sees = [(4, group["res_id"])]
    rows = [{"name": n, "login": f"{n.lower()}@acme.example", "group_ids": sees} for n in names]
    return list(call("res.users", "create", vals_list=rows))


def _lead(
    luck: Random, n: int, fit: float, want: float, users: list[int], countries: list[int]
) -> dict[str, Any]:
    titles = ("Student", "Accountant", "IT Manager", "Director of IT", "VP Operations")
    owned = luck.random() < 0.25 + 0.3 * want
    return {
        "name": f"Inquiry {n}",
        "type": "opportunity" if owned else "lead",
        "contact_name": f"Person {n}",
        "partner_name": f"Company {n % 400}",
        "email_from": f"person{n}@company{n % 400}.example",
        "function": titles[min(4, int(fit * 5))],
        "country_id": luck.choice(countries),
        "user_id": luck.choice(users) if owned else False,
        "expected_revenue": round(1000 + 20000 * fit),
    }


def _mailings(call: Call, luck: Random, leads: list[int], latent: list[tuple[float, float]]) -> int:
    rows = []
    for lead, (_, want) in zip(leads, latent, strict=True):
        for _ in range(luck.randint(0, 4)):
            opened = luck.random() < 0.3 + 0.5 * want
            clicked = opened and luck.random() < 0.2 + 0.6 * want
            rows.append(
                {
                    "model": "crm.lead",
                    "res_id": lead,
                    "email": f"trace{lead}@x.example",
                    "trace_status": "open" if opened else "sent",
                    "sent_datetime": "2026-01-01 00:00:00",
                    "open_datetime": "2026-01-01 00:00:00" if opened else False,
                    "links_click_datetime": "2026-01-01 00:00:00" if clicked else False,
                }
            )
    for start in range(0, len(rows), 1000):
        call("mailing.trace", "create", vals_list=rows[start : start + 1000])
    return len(rows)


def _outcomes(
    call: Call, luck: Random, leads: list[int], latent: list[tuple[float, float]]
) -> tuple[int, int]:
    reasons = call("crm.lost.reason", "search_read", domain=[], fields=["name"])
    by_name = {row["name"]: row["id"] for row in reasons}
    won: list[int] = []
    lost: dict[str, list[int]] = {name: [] for name in REASONS}
    for lead, (fit, want) in zip(leads, latent, strict=True):
        pull = 0.5 * fit + want
        if luck.random() > 0.6:
            continue
        if luck.random() < 0.6 * pull:
            won.append(lead)
        elif luck.random() < 0.8:
            lost[luck.choice(REASONS)].append(lead)
    call("crm.lead", "action_set_won", won)
    for name, ids in lost.items():
        call("crm.lead", "action_set_lost", ids, lost_reason_id=by_name[name])
    return len(won), sum(len(ids) for ids in lost.values())
