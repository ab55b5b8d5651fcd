"""Models, people and activities for laws: small worlds, hostile values."""

from __future__ import annotations

from hypothesis import strategies as st

NOW = 1_780_000_000_000_000
DAY = 86_400_000_000
WORDS = ("vp", "student", "größe", "it manager", "ceo & founder", "", "a b", "ﬁnance")
texts = st.sampled_from(["vp", "student", "größe", "it manager", "ceo & founder", "a b"])
points = st.integers(-20, 30).map(float)
fields = st.sampled_from(["title", "country", "size"])
spans = st.sampled_from(["1d", "7d", "30d", "90d"])


@st.composite
def conditions(draw, field):
    if field == "size":
        low = draw(st.one_of(st.none(), st.integers(0, 900)))
        high = draw(st.one_of(st.none(), st.integers(901, 2000)))
        if low is None and high is None:
            return {"missing": True}
        return draw(
            st.sampled_from([{"range": [low, high]}, {"missing": True}, {"answered": True}])
        )
    return draw(
        st.one_of(
            texts.map(lambda t: {"equals": t}),
            st.lists(texts, min_size=1, max_size=3).map(lambda v: {"in": v}),
            st.lists(st.sampled_from(["vp", "it", "m", "ö"]), min_size=1, max_size=2).map(
                lambda v: {"contains_any": v}
            ),
            st.lists(st.sampled_from(["vp", "it", "ceo", "a"]), min_size=1, max_size=2).map(
                lambda v: {"word_in": v}
            ),
            st.sampled_from(["v", "it", "grö"]).map(lambda v: {"prefix": v}),
            st.sampled_from([r"^v", r"\bit\b", r"\w+ \w+", "G.*SSE$", r"[a-c]\d?"]).map(
                lambda v: {"regex": v}
            ),
            st.just({"missing": True}),
            st.just({"answered": True}),
        )
    )


@st.composite
def fit_rules(draw, name):
    field = draw(fields)
    return {"name": name, "field": field, "points": draw(points), **draw(conditions(field))}


@st.composite
def behaviour_rules(draw, name):
    rule = {"name": name, "points": draw(points)}
    if draw(st.integers(0, 7)) == 0:
        return {**rule, "inactive": draw(spans)}
    rule["activity"] = draw(
        st.one_of(
            st.sampled_from(["page_view", "form_submit", "download"]),
            st.just(["page_view", "download"]),
        )
    )
    if draw(st.booleans()):
        rule["where"] = {"url": {"prefix": draw(st.sampled_from(["/", "/pricing", "/x"]))}}
    if draw(st.booleans()):
        rule["half_life"] = draw(st.sampled_from(["none", "1d", "30d"]))
    if draw(st.booleans()):
        rule["within"] = draw(spans)
    if draw(st.booleans()):
        rule["max"] = draw(st.integers(5, 40).map(float))
    if draw(st.booleans()):
        rule["min"] = draw(st.integers(-30, 4).map(float))
    shape = draw(
        st.sampled_from(["plain", "first", "day", "asset", "visit", "return_visit", "after"])
    )
    if shape == "after":
        rule["after"] = {"activity": "download", "within": draw(spans)}
    elif shape == "first":
        rule["first"] = True
        rule["times"] = draw(st.integers(1, 3))
    elif shape != "plain":
        rule["per"] = shape
        rule["times"] = draw(st.integers(1, 3))
        if shape in {"asset", "visit"}:
            rule["first"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        rule["by"] = "colleagues"
    return rule


@st.composite
def groups(draw, rule, prefix):
    made = []
    for number in range(draw(st.integers(1, 2))):
        count = draw(st.integers(1, 3))
        group = {
            "name": f"{prefix}{number}",
            "rules": [draw(rule(f"{prefix}{number}.{n}")) for n in range(count)],
        }
        if draw(st.booleans()):
            group["max"] = draw(st.integers(1, 40).map(float))
        if draw(st.booleans()):
            group["min"] = draw(st.integers(-30, 0).map(float))
        made.append(group)
    return made


@st.composite
def models(draw):
    return {
        "version": 1,
        "name": "generated",
        "weights": {"fit": draw(st.integers(0, 80)), "behaviour": draw(st.integers(1, 80))},
        "threshold": draw(st.integers(0, 100)),
        "thresholds": [
            {
                "name": "s",
                "when": {"country": {"in": ["fr"]}},
                "threshold": draw(st.integers(0, 100)),
            }
        ],
        "actions": [{"from": 80, "action": "call"}, {"from": 20, "action": "mail"}],
        "compare": draw(st.sampled_from(["at_least", "exceeds"])),
        "unknown_fit": draw(st.sampled_from(["behaviour_only", "zero"])),
        "fit": {"full_marks": draw(st.integers(1, 60)), "groups": draw(groups(fit_rules, "f"))},
        "behaviour": {
            "full_marks": draw(st.integers(1, 60)),
            "groups": draw(groups(behaviour_rules, "b")),
        },
        "filters": [
            {"name": "out", "field": "country", "equals": "xx", "reason": "abroad"},
        ],
        "disqualify": [
            {"name": "dq", "field": "title", **draw(conditions("title")), "reason": "no"}
        ],
        "fast_track": [
            {"name": "hand", "activity": "form_submit", "where": {"form": {"in": ["demo"]}}}
        ],
    }


people = st.fixed_dictionaries(
    {
        "account.key": st.one_of(st.none(), st.sampled_from(["a", "b"])),
        "title": st.one_of(st.none(), texts),
        "country": st.one_of(st.none(), st.sampled_from(["fr", "xx", "größe"])),
        "size": st.one_of(st.none(), st.floats(0, 2000, width=32)),
    }
)
times = st.one_of(
    st.integers(NOW - 120 * DAY, NOW + 5 * DAY),
    st.integers(0, 9).map(lambda days: NOW - days * DAY),
    st.sampled_from([NOW, NOW - DAY, NOW - 30 * DAY, NOW // DAY * DAY, NOW + 1]),
)
activities = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["page_view", "form_submit", "download", "other"]),
            "time": times,
            "url": st.one_of(st.none(), st.sampled_from(["/pricing", "/x/y", "/"])),
            "asset": st.one_of(st.none(), st.sampled_from(["a", "b"])),
            "form": st.one_of(st.none(), st.sampled_from(["demo", "x"])),
            "visit": st.one_of(st.none(), st.sampled_from(["v1", "v2"])),
            "machine": st.booleans(),
        }
    ),
    max_size=12,
)
worlds = st.lists(st.tuples(people, activities), min_size=0, max_size=4)
