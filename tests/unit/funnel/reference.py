"""The measures once more, from the report's own definitions: no code shared, list after list."""

from __future__ import annotations

import math
from fractions import Fraction

ORDER = ["inquiry", "sales_ready", "handed_off", "accepted", "qualified", "won"]
PASSED = {
    "inquiry": [],
    "nurture": [],
    "disqualified": [],
    "sales_ready": ORDER[:2],
    "held": ORDER[:2],
    "handed_off": ORDER[:3],
    "no_decision": ORDER[:3],
    "rejected": ORDER[:3],
    "recycled": ORDER[:3],
    "accepted": ORDER[:4],
    "qualified": ORDER[:5],
    "lost": ORDER[:5],
    "won": ORDER,
}


def stages_of(one):
    found = {"inquiry"}
    for state in one.states:
        found |= set(PASSED[state])
    return found


def deepest(one):
    return [stage for stage in ORDER if stage in stages_of(one)][-1]


def smallest_not_exceeded(values, percent):
    """By definition: the smallest value v with #(<= v) / n >= percent."""
    fitting = [
        v for v in values if Fraction(sum(w <= v for w in values), len(values)) * 100 >= percent
    ]
    return min(fitting, default=None)


def ratio(part, whole):
    return None if whole == 0 else part / whole


def average(values):
    """To the nearest whole cent, halves up."""
    return math.floor(Fraction(sum(values), len(values)) + Fraction(1, 2)) if values else None


def wilson(k, n):
    """By solving (p - k/n)^2 = z^2 p (1 - p) / n for p."""
    if n == 0:
        return None
    z = 1.959963984540054
    a, b, c = 1 + z * z / n, -(2 * k / n + z * z / n), (k / n) ** 2
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def stages(all_of_them):
    rows = []
    for place, stage in enumerate(ORDER):
        here = [one for one in all_of_them if stage in stages_of(one)]
        before = [one for one in all_of_them if place and ORDER[place - 1] in stages_of(one)]
        spans = [
            one.reached[stage] - one.reached[ORDER[place - 1]]
            for one in here
            if place and stage in one.reached and ORDER[place - 1] in one.reached
        ]
        spans = [span for span in spans if span >= 0]
        rows.append(
            (
                stage,
                len(here),
                ratio(len(here), len(before)),
                len(spans),
                smallest_not_exceeded(spans, 50),
                smallest_not_exceeded(spans, 90),
            )
        )
    return rows


def leaving(one):
    """How and why a lead left; None when it did not."""
    if "won" in one.states:
        return None
    if one.state in {"lost", "rejected", "recycled"}:
        return one.state, one.reason or "no reason given"
    if one.state == "no_decision" or (
        one.state in {"nurture", "inquiry"} and "handed_off" in stages_of(one)
    ):
        given = one.handoff
        if given is not None and given.watched and given.touched_at is None:
            return "no_decision", "not contacted"
        return "no_decision", "nobody decided"
    if one.state in {"nurture", "inquiry"} and "sales_ready" in stages_of(one):
        return "cooled_off", "cooled off before anybody called"
    return None


def leaks(all_of_them, assumed=None, recovery=None):
    sales = [one for one in all_of_them if "won" in one.states and one.won_cents is not None]
    found = {}
    came_back = 0
    for one in all_of_them:
        left = leaving(one)
        if left is None:
            continue
        if not one.newest:
            came_back += 1
            continue
        alike = [s.won_cents for s in sales if one.source is not None and s.source == one.source]
        if one.other_cents is not None:
            kind, value = "deal", one.other_cents
        elif len(alike) >= 5:
            kind, value = "segment", average(alike)
        elif assumed is not None:
            kind, value = "estimate", assumed
        elif sales:
            kind, value = "estimate", average([s.won_cents for s in sales])
        else:
            kind, value = "unvalued", 0
        found.setdefault((deepest(one), *left), []).append((kind, value))
    rows = {}
    for key, valued in found.items():
        row = {"cycles": len(valued)}
        for kind in ("deal", "segment", "estimate", "unvalued"):
            mine = [value for name, value in valued if name == kind]
            row[kind] = (len(mine), sum(mine))
        share = (recovery or {}).get(key[0])
        row["recovery"] = None if share is None else round(sum(v for _, v in valued) * share)
        rows[key] = row
    return rows, came_back


def bands(all_of_them, threshold):
    edges = sorted({0, threshold, *(e for e in (25, 50, 75) if e <= threshold - 10)})
    edges = [e for e in [*edges, threshold + 15] if e < 100]
    rows = []
    for least, beyond in zip(edges, [*edges[1:], 101], strict=True):
        mine = [o for o in all_of_them if o.score is not None and least <= o.score < beyond]
        settled = [o for o in mine if o.state in {"won", "lost", "rejected", "recycled"}]
        won = [o for o in settled if o.state == "won"]
        rows.append(
            (
                least,
                min(beyond - 1, 100),
                least >= threshold,
                len(mine),
                sum("handed_off" in stages_of(o) for o in mine),
                len(settled),
                len(won),
            )
        )
    return rows


def segments(all_of_them, key):
    rows = {}
    for name in {key(one) for one in all_of_them} - {None}:
        mine = [one for one in all_of_them if key(one) == name]
        counts = [sum(stage in stages_of(one) for one in mine) for stage in ORDER]
        values = [o.won_cents for o in mine if "won" in o.states and o.won_cents is not None]
        spans = [
            o.reached["won"] - o.reached["inquiry"]
            for o in mine
            if "won" in o.states and {"won", "inquiry"} <= set(o.reached)
        ]
        refused = [o.reason for o in mine if o.state in {"rejected", "recycled", "lost"}]
        given = sorted({r for r in refused if r}, key=lambda r: (-refused.count(r), r))
        rows[name] = (
            *counts,
            ratio(counts[2], counts[0]),
            ratio(counts[3], counts[2]),
            ratio(counts[5], counts[1]),
            len(values),
            sum(values),
            average(values),
            smallest_not_exceeded([s for s in spans if s >= 0], 50),
            len(refused),
            refused.count(None),
            given[0] if given else None,
            refused.count(given[0]) / len(refused) if given else None,
        )
    return rows


def timeliness(all_of_them, due, done, now, *, watched):
    counts = dict.fromkeys(("in_time", "late", "missed", "waiting", "unknown"), 0)
    spans = []
    for one in all_of_them:
        given = one.handoff
        if given is None:
            continue
        by, at = getattr(given, due), getattr(given, done)
        if at is not None:
            spans.append(at - given.at)
        if by is None or (watched and not given.watched):
            counts["unknown"] += 1
        elif at is None:
            counts["waiting" if by >= now else "missed"] += 1
        else:
            counts["in_time" if at <= by else "late"] += 1
    kept = ratio(counts["in_time"], counts["in_time"] + counts["late"] + counts["missed"])
    return (
        *counts.values(),
        kept,
        smallest_not_exceeded(spans, 50),
        smallest_not_exceeded(spans, 90),
    )


def headline(all_of_them):
    won = [o for o in all_of_them if "won" in o.states]
    again = [o for o in won if o.number > 1]
    valued = [o.won_cents for o in won if o.won_cents is not None]
    again_valued = [o.won_cents for o in again if o.won_cents is not None]
    ready = sum("sales_ready" in stages_of(o) for o in all_of_them)
    handed = sum("handed_off" in stages_of(o) for o in all_of_them)
    rejected = sum(o.state == "rejected" for o in all_of_them)
    return {
        "cycles": len(all_of_them),
        "people": sum(o.newest for o in all_of_them),
        "sales_ready": ready,
        "handed_off": handed,
        "won": len(won),
        "ready_share": ratio(ready, len(all_of_them)),
        "passed": ratio(handed, len(all_of_them)),
        "to_sale": ratio(len(won), ready),
        "valued": len(valued),
        "value": sum(valued),
        "value_per_sale": average(valued),
        "again_won": len(again),
        "again_won_share": ratio(len(again), len(won)),
        "again_value": sum(again_valued),
        "again_value_share": ratio(sum(again_valued), sum(valued)),
        "rejected": rejected,
        "rejected_share": ratio(rejected, handed),
    }


def touches_of(one):
    """Campaigns answered up to the sale, and those of them up to when it was sales-ready."""
    sale = one.reached.get("won", math.inf)
    ready = one.reached.get("sales_ready", one.reached.get("handed_off", math.inf))
    upto = [name for at, name in one.campaigns if at <= sale]
    early = [name for at, name in one.campaigns if at <= sale and at <= ready]
    return upto, early


def parts(one, way):
    """The campaigns of a lead and the share of each in order, under one way to give credit."""
    upto, early = touches_of(one)
    if way == "first_touch":
        return upto[:1] or ["no campaign known"]
    if way == "last_before_ready":
        return early[-1:] or ["no campaign known"]
    return sorted(set(upto), key=upto.index) or ["no campaign known"]


def shared(cents, names, name):
    """Whole cents that sum up: everybody the floor, and a cent more to the first of them."""
    if name not in names:
        return 0
    floor = math.floor(Fraction(cents, len(names)))
    return floor + (1 if names.index(name) < cents - floor * len(names) else 0)


def returns(all_of_them, costs, effort, margin):
    everywhere = {n for one in all_of_them for way in
                  ("first_touch", "last_before_ready", "even_split") for n in parts(one, way)}  # fmt: skip
    rows = {}
    for name in everywhere | set(costs):
        mine = [one for one in all_of_them if parts(one, "first_touch") == [name]]
        row = [
            costs.get(name),
            tuple(sum(stage in stages_of(one) for one in mine) for stage in ORDER),
            sum(one.state == "rejected" for one in mine),
            sum(name in parts(one, "even_split") for one in all_of_them),
            sum(len(one.campaigns) > 1 or "sales_ready" in stages_of(one) for one in mine),
        ]
        for way in ("first_touch", "last_before_ready", "even_split"):
            value = time = 0
            sales = Fraction(0)
            for one in all_of_them:
                names = parts(one, way)
                worth = one.won_cents or 0 if "won" in one.states else 0
                value += shared(worth, names, name)
                time += shared(sum(effort.get(s, 0) for s in stages_of(one)), names, name)
                if name in names and "won" in one.states:
                    sales += Fraction(1, len(names))
            spent = time + costs.get(name, 0)
            profit = round(value * margin) - spent
            row.append((round(float(sales), 6), value, time, profit, ratio(profit, spent)))
        rows[name] = tuple(row)
    return rows


def cohorts(all_of_them, key):
    rows = {}
    for name in {key(one) for one in all_of_them} - {None}:
        mine = [one for one in all_of_them if key(one) == name]
        rows[name] = [row[1:] for row in stages(mine)]
    fair = {n: Fraction(r[5][0], r[1][0]) for n, r in rows.items() if r[1][0] >= 30}
    ranks = {n: 1 + sum(other > rate for other in fair.values()) for n, rate in fair.items()}
    return rows, ranks


def periods(all_of_them, month):
    rows = {}
    for one in all_of_them:
        for place, stage in enumerate(ORDER):
            if stage in stages_of(one) and stage in one.reached:
                rows.setdefault(month(one.reached[stage]), [0] * 6)[place] += 1
    return sorted((name, tuple(counts)) for name, counts in rows.items())


def quarters_of_kinds(all_of_them, key, quarter):
    rows, ranks = {}, {}
    for one in all_of_them:
        for place, stage in enumerate(ORDER):
            if key(one) is not None and stage in stages_of(one) and stage in one.reached:
                row = rows.setdefault((quarter(one.reached[stage]), key(one)), [0] * 6)
                row[place] += 1
    for (when, name), row in rows.items():
        fair = [Fraction(r[5], r[1]) for (w, _), r in rows.items() if w == when and r[1] >= 30]
        if row[1] >= 30:
            ranks[when, name] = 1 + sum(other > Fraction(row[5], row[1]) for other in fair)
    return {place: tuple(row) for place, row in rows.items()}, ranks


def kind(one):
    return one.segment or one.source or "unknown"


def usual_time(all_of_them, stage):
    after = ORDER[ORDER.index(stage) + 1]
    spans = [
        one.reached[after] - one.reached[stage]
        for one in all_of_them
        if after in stages_of(one) and stage in one.reached and after in one.reached
    ]
    spans = [span for span in spans if span > 0]
    return smallest_not_exceeded(spans, 90) if len(spans) >= 10 else None


def stalls(all_of_them, now):
    sales = [o.won_cents for o in all_of_them if "won" in o.states and o.won_cents is not None]
    there = [o for o in all_of_them if o.state in ORDER[2:5] and o.newest and o.last_at is not None]
    rows = {}
    for stage, segment in {(o.state, kind(o)) for o in there}:
        mine = [o for o in there if (o.state, kind(o)) == (stage, segment)]
        own = usual_time([o for o in all_of_them if kind(o) == segment], stage)
        limit = usual_time(all_of_them, stage) if own is None else own
        late = [o for o in mine if limit is not None and now - o.last_at > limit]
        named = [o.other_cents for o in late if o.other_cents is not None]
        guess = (len(late) - len(named)) * average(sales) if sales else None
        rows[stage, segment] = (
            len(mine), limit, own is not None, len(late), len(named), sum(named), guess,
        )  # fmt: skip
    return rows


def quality(all_of_them, now, day, month):
    passed = [o for o in all_of_them if "handed_off" in stages_of(o)]
    ours = [o for o in passed if not o.found]
    waiting = [
        o for o in all_of_them
        if stages_of(o) == {"inquiry"} and o.newest and o.state != "disqualified"
        and "inquiry" in o.reached and now - o.reached["inquiry"] > 30 * day
    ]  # fmt: skip
    dated = [o for o in passed if "handed_off" in o.reached]
    trend = {}
    for name in sorted({month(o.reached["handed_off"]) for o in dated}):
        mine = [o for o in dated if month(o.reached["handed_off"]) == name]
        took = sum("accepted" in stages_of(o) for o in mine)
        trend[name] = (len(mine), took, sum(o.state == "rejected" for o in mine),
                       ratio(took, len(mine)))  # fmt: skip
    bands_of = {}
    for least, most in ((0, 24), (25, 49), (50, 64), (65, 79), (80, 100)):
        for with_it in (False, True):
            mine = [o for o in all_of_them if o.score is not None and least <= o.score <= most
                    and ("nurture" in o.states) == with_it]  # fmt: skip
            settled = [o for o in mine if o.state in {"won", "lost", "rejected", "recycled"}]
            won = sum("won" in o.states for o in settled)
            if mine:
                qualified = [o for o in mine if "qualified" in stages_of(o)]
                bands_of[least, most, with_it] = (
                    len(mine), len(settled), won, ratio(won, len(settled)), len(qualified),
                    sum((o.won_cents or 0) + (o.other_cents or 0) for o in qualified),
                    sum(o.won_cents or 0 for o in mine if "won" in o.states),
                )  # fmt: skip
    whole = sum(o.won_cents or 0 for o in all_of_them if "won" in o.states)
    passes = {}
    for number in sorted({o.number for o in all_of_them}):
        mine = [o for o in all_of_them if o.number == number]
        sold = [o for o in mine if "won" in o.states]
        value = sum(o.won_cents or 0 for o in sold)
        passes[number] = (len(mine), len(sold), value, ratio(value, whole))
    return {
        "handed_off": len(ours),
        "raw": sum(not {"sales_ready", "held"} & o.states for o in ours),
        "sales_ready": sum("sales_ready" in stages_of(o) for o in all_of_them),
        "machine": sum("sales_ready" in stages_of(o) and o.machine_only for o in all_of_them),
        "inquiries": len(waiting),
        "forgotten": sum(o.last_at is None or o.last_at <= o.reached["inquiry"] + day
                         for o in waiting),
        "not_passed": len(all_of_them) - len(passed),
        "trend": trend,
        "nurtured": bands_of,
        "passes": passes,
    }  # fmt: skip


def untouched(all_of_them, now, day, worked):
    seen = [o for o in all_of_them
            if o.handoff is not None and o.handoff.watched and o.handoff.touch_due is not None]  # fmt: skip
    late = [o for o in seen if o.handoff.touched_at is None and o.handoff.touch_due < now]
    found = []
    for one in late:
        owner, given = one.owner or "unknown", one.handoff
        theirs = [o.handoff for o in seen if (o.owner or "unknown") == owner]
        handed, own = worked.get(owner, (set(), set()))
        span = set(range(given.at // day, given.touch_due // day + 1))
        weeks = [h.touched_at // (7 * day) for h in theirs if h.touched_at is not None]
        best = max((weeks.count(week) for week in weeks), default=0)
        that = sum(h.at // (7 * day) == given.at // (7 * day) for h in theirs)
        with_source = [o for o in seen if o.source]
        alike = [o for o in with_source if o.source == one.source]
        took = sum("accepted" in stages_of(o) for o in alike)
        usual = ratio(sum("accepted" in stages_of(o) for o in with_source), len(with_source))
        if not span & (handed | own):
            cause = "owner did nothing in that time"
        elif best and that > best:
            cause = "more than the owner ever took up in a week"
        elif not span & handed:
            cause = "owner worked on own leads alone"
        elif len(alike) >= 10 and wilson(took, len(alike))[1] < usual - 1e-9:
            cause = "source that sales seldom accepts"
        else:
            cause = "no likely cause found"
        found.append((owner, cause))
    due = sum(o.handoff.touched_at is not None or o.handoff.touch_due < now for o in seen)
    return due, sorted(found)


def waits(all_of_them, now):
    rows = {}
    for state in {stay[0] for one in all_of_them for stay in one.stays}:
        over = [
            b - a for one in all_of_them for s, a, b in one.stays if s == state and b is not None
        ]
        over = [span for span in over if span >= 0]
        still = [now - a for one in all_of_them for s, a, b in one.stays
                 if s == state and b is None and one.newest and one.state == s and a <= now]  # fmt: skip
        if over or still:
            rows[state] = (
                len(over), smallest_not_exceeded(over, 50), smallest_not_exceeded(over, 90),
                len(still), max(still, default=None),
            )  # fmt: skip
    return rows


def contact(all_of_them):
    rows = {}
    for origin in ("marketing", "sales"):
        mine = [one for one in all_of_them if "handed_off" in stages_of(one)
                and (one.handoff is not None) == (origin == "marketing")]  # fmt: skip
        called = [one for one in mine if one.efforts]
        won = [one for one in mine if "won" in one.states]
        values = [one.won_cents for one in won if one.won_cents is not None]
        if mine:
            rows[origin] = (
                len(mine), len(called), ratio(len(called), len(mine)),
                sum(one.efforts for one in mine),
                sum("qualified" in stages_of(one) for one in mine), len(won), sum(values),
                average(values),
            )  # fmt: skip
    return rows


def lifetime(all_of_them):
    bought = {}
    for one in all_of_them:
        for at, cents in one.sales:
            bought.setdefault(one.person, []).append((at if at is not None else -1, cents or 0))
    known = {one.person for one in all_of_them for _, cents in one.sales if cents is not None}
    value = sum(cents for mine in bought.values() for _, cents in mine)
    later = sum(cents for mine in bought.values() for _, cents in sorted(mine)[1:])
    again = sum(len(mine) >= 2 for mine in bought.values())
    products = {}
    for name in {name for one in all_of_them if one.sales for name in one.products}:
        mine = [one for one in all_of_them if one.sales and name in one.products]
        products[name] = (len(mine), sum(cents or 0 for one in mine for _, cents in one.sales))
    whole = math.floor(Fraction(value, len(known)) + Fraction(1, 2)) if known else None
    return (len(bought), again, ratio(again, len(bought)), len(known), value, whole, later,
            ratio(later, value)), products  # fmt: skip
