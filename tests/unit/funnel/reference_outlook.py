"""More measures once more, slowly: from what the page says of them, list after list."""

from __future__ import annotations

from fractions import Fraction

from tests.unit.funnel.reference import (
    ORDER,
    average,
    deepest,
    kind,
    parts,
    ratio,
    smallest_not_exceeded,
    stages_of,
    wilson,
)

BANDS = ((0, 24), (25, 49), (50, 64), (65, 79), (80, 100))


def quarter(month):
    return f"{month[:4]}-Q{'123456789012'.index(str(int(month[5:]) % 10)) // 3 + 1}" if (
        month[5:] not in ("10", "11", "12")) else f"{month[:4]}-Q4"  # fmt: skip


def quarters(everybody, month):
    def of(one, stage):
        at = one.reached.get(stage)
        return None if at is None else quarter(month(at))

    came = {of(one, "inquiry") for one in everybody}
    given = {of(one, "handed_off") for one in everybody if "handed_off" in stages_of(one)}
    sold = {of(one, "won") for one in everybody if "won" in one.states}
    rows = {}
    for name in (came | given | sold) - {None}:
        mine = [o for o in everybody if of(o, "inquiry") == name]
        ready = [o for o in mine if "sales_ready" in stages_of(o)]
        won = [o for o in mine if "won" in o.states]
        handed = [o for o in everybody
                  if of(o, "handed_off") == name and "handed_off" in stages_of(o)]  # fmt: skip
        sales = [o for o in everybody if of(o, "won") == name and "won" in o.states]
        values = [o.won_cents for o in sales if o.won_cents is not None]
        rows[name] = (
            len(mine), ratio(sum("handed_off" in stages_of(o) for o in mine), len(mine)),
            len(ready), len(won), ratio(len(won), len(ready)), len(handed),
            ratio(sum("accepted" in stages_of(o) for o in handed), len(handed)),
            len(sales), sum(values), average(values),
        )  # fmt: skip
    return rows


def pipeline(everybody, month):
    mine = [o for o in everybody if "qualified" in o.reached and "qualified" in stages_of(o)]
    rows = {}
    for name in {quarter(month(one.reached["qualified"])) for one in mine}:
        here = [one for one in mine if quarter(month(one.reached["qualified"])) == name]
        still = [one for one in here if one.state in {"handed_off", "accepted", "qualified"}]
        won = sum(one.won_cents or 0 for one in here)
        other = sum(one.other_cents or 0 for one in here)
        open_ = sum(one.other_cents or 0 for one in still)
        blank = sum(one.won_cents is None and one.other_cents is None for one in here)
        rows[name] = (len(here), blank, won + other, won, other - open_, open_)
    return rows


def lengths(everybody, effort):
    def span(one):
        both = "won" in one.states and {"handed_off", "won"} <= set(one.reached)
        took = one.reached["won"] - one.reached["handed_off"] if both else -1
        return took if took >= 0 else None

    timed = [one for one in everybody if span(one) is not None]
    rows = {}
    for name in {None, *map(kind, timed)} if timed else ():
        spans = [span(one) for one in timed if name in (None, kind(one))]
        middle = smallest_not_exceeded(spans, 50)
        over = sum(s - middle for s in spans if s > middle)
        cost = sum(effort.values()) * len(spans)
        spared = round(Fraction(cost, sum(spans)) * over) if cost and sum(spans) else None
        rows[name] = (len(spans), middle, smallest_not_exceeded(spans, 90), sum(spans), over,
                      cost, spared)  # fmt: skip
    return rows


def drivers(everybody, costs, effort, margin):
    first = [parts(one, "first_touch")[0] for one in everybody]
    names = [n for n in set(first) - {"no campaign known"}
             if first.count(n) >= 30]  # fmt: skip
    mine = {}
    for name in names:
        leads = [one for one, its in zip(everybody, first, strict=True) if its == name]
        sold = [one for one in leads if "won" in one.states]
        spent = costs.get(name, 0) + sum(effort.get(s, 0) for one in leads for s in stages_of(one))
        mine[name] = (len(leads), len(sold), sum(one.won_cents or 0 for one in sold), spent)
    if not mine:
        return {}
    n, sales, value, spent = (sum(row[at] for row in mine.values()) for at in range(4))
    rows = {}
    for name, (leads, sold, worth, paid) in {**mine, None: (n, sales, value, spent)}.items():
        usual = Fraction(value, sales) if sales else 0
        own = Fraction(worth, sold) if sold else usual
        gains = [
            max(0, round((Fraction(sales, n) - Fraction(sold, leads)) * leads * own * Fraction(margin))),
            max(0, round((usual - own) * sold * Fraction(margin))),
            max(0, round((Fraction(paid, leads) - Fraction(spent, n)) * leads)),
        ]  # fmt: skip
        best = max(gains)
        rows[name] = (
            leads, sold / leads, round(own) if sold else None, round(Fraction(paid, leads)), *gains,
            ["conversion", "value", "cost"][gains.index(best)] if best else None,
        )  # fmt: skip
    return rows


def profiles(everybody, key):
    known = [one for one in everybody if key(one) is not None]
    buyers = [one for one in known if "won" in one.states]
    rows = {}
    for name in set(map(key, known)):
        mine = [one for one in known if key(one) == name]
        won = [one for one in mine if "won" in one.states]
        if len(mine) < 30:
            continue
        usual = ratio(len(buyers), len(known))
        rate = len(won) / len(mine)
        rows[name] = (
            len(mine), len(won), rate, rate / usual if usual else None,
            sum(one.number >= 2 or len(one.sales) >= 2 for one in won),
            sum(one.won_cents or 0 for one in won),
        )  # fmt: skip
    return rows


def capacity(everybody, now, day, hours, week):
    recent = [one for one in everybody
              if one.handoff is not None and "handed_off" in stages_of(one)
              and now - 91 * day < one.handoff.at <= now]  # fmt: skip
    rows = {}
    owners = {one.owner or "unknown" for one in recent}
    for owner in {None, *owners} if recent else ():
        mine = [one for one in recent if owner in (None, one.owner or "unknown")]

        def takes(one):
            return sum(
                round(60 * hours.get(stage, 0)) for stage in ORDER[2:] if stage in stages_of(one)
            )

        weeks = {}
        for one in mine:
            ago = (now - one.handoff.at) // (7 * day)
            weeks[ago] = weeks.get(ago, 0) + takes(one)
        there = None if week is None else week * (len(owners) if owner is None else 1)
        needed = sum(weeks.values()) / 60 / 13
        rows[owner] = (len(mine), needed, max(weeks.values()) / 60, there,
                       needed / there if there else None)  # fmt: skip
    return rows


def phases(everybody, words):
    rows = []
    names = list(words)
    for place, name in enumerate(names):
        here = [one for one in everybody if words[name] in stages_of(one)]
        after = [one for one in here
                 if place + 1 < len(names) and words[names[place + 1]] in stages_of(one)]  # fmt: skip
        before = [one for one in everybody if place and words[names[place - 1]] in stages_of(one)]
        spans = [one.reached[words[name]] - one.reached[words[names[place - 1]]] for one in here
                 if place and {words[name], words[names[place - 1]]} <= set(one.reached)]  # fmt: skip
        spans = [span for span in spans if span >= 0]
        rows.append((
            name, words[name], len(here), ratio(len(here), len(before)), len(here) - len(after),
            len(spans), smallest_not_exceeded(spans, 50), smallest_not_exceeded(spans, 90),
        ))  # fmt: skip
    return rows


def calibration(everybody, published):
    rows = []
    for least, most in BANDS:
        sides = []
        for later in (False, True):
            mine = [one for one in everybody
                    if one.given_score is not None and least <= one.given_score <= most
                    and one.state in {"won", "lost", "rejected", "recycled"}
                    and "handed_off" in one.reached
                    and (one.reached["handed_off"] >= published) == later]  # fmt: skip
            sides.append((len(mine), sum("won" in one.states for one in mine)))
        (n, won), (m, sold) = sides
        moved = None
        if n >= 20 and m >= 20:
            then, now = wilson(won, n), wilson(sold, m)
            moved = now[0] > then[1] or now[1] < then[0]
        rows.append((least, most, n, won, ratio(won, n), m, sold, ratio(sold, m), moved))
    return rows


def flow(everybody):
    rows = []
    for stage in ORDER[1:]:
        here = [one for one in everybody if stage in stages_of(one)]
        stopped = [one for one in here if deepest(one) == stage and "won" not in one.states]
        ends = {name: sum(one.state == name for one in stopped)
                for name in ("lost", "rejected", "recycled", "no_decision")}  # fmt: skip
        cooled = sum(one.state in {"nurture", "inquiry"} for one in stopped)
        out = sum(one.state == "disqualified" for one in stopped)
        still = len(stopped) - sum(ends.values()) - cooled - out
        on = sum(deepest(one) != stage for one in here)
        rows.append((stage, len(here), on, *ends.values(), cooled, out, still))
    return rows


def novelties(everybody, now, day, key):
    dated = [one for one in everybody if "inquiry" in one.reached and key(one) is not None]
    early = [one for one in dated if now - one.reached["inquiry"] > 30 * day]
    rows = []
    for value in set(map(key, dated)) if early else ():
        before = sum(key(one) == value for one in early)
        usual = sum(
            key(one) == value and now - one.reached["inquiry"] <= 210 * day for one in early
        )
        since = sum(key(one) == value for one in dated) - before
        if since and not before:
            rows.append((value, "new", 0, since))
        elif not since and usual / 6 >= 10:
            rows.append((value, "gone", before, 0))
    return sorted(rows)


def control(months):
    """The definition: mean of those before, and 2.66 times the mean step between neighbours."""
    before, (name, number) = months[:-1][-24:], months[-1]
    if len(before) < 6:
        return None
    numbers = [n for _, n in before]
    steps = [abs(numbers[at + 1] - numbers[at]) for at in range(len(numbers) - 1)]
    middle, spread = sum(numbers) / len(numbers), 2.66 * (sum(steps) / len(steps))
    if number > middle + spread:
        return name, number, "high"
    return name, number, "low" if number < max(0.0, middle - spread) else None
