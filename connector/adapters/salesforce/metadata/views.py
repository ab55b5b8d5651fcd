"""What people in sales click on: list views and quick actions. Pure.

A quick action sets a status that the mapping says means something; Leadloop reads the status, not
the click, so whoever sets it by hand is heard as well. Nothing is put on a layout by us.

Never seen in a live org: the words for standard columns of list views (`FULL_NAME`).

Source: Metadata API Developer Guide, "ListView", "QuickAction".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.adapters.salesforce.metadata.parts import Part, Tree

VIEWS, ACTIONS = "views", "actions"
_COLUMNS = {
    "Lead": ("FULL_NAME", "LEAD.COMPANY", "LEAD.STATUS"),
    "Contact": ("FULL_NAME", "ACCOUNT.NAME"),
}
_SHOWN = ("score", "grade", "state", "sla_due", "verdict")
_LISTS = (
    ("Leadloop_Work_Now", "Leadloop: work now", "Mine", ("handed_off",), None),
    (
        "Leadloop_SLA_Late",
        "Leadloop: late, no verdict yet",
        "Everything",
        ("handed_off",),
        ("sla_due", "lessThan", "TODAY"),  # a list view knows no hour
    ),
    ("Leadloop_No_Answer", "Leadloop: no answer in time", "Everything", ("no_decision",), None),
    ("Leadloop_Verdict", "Leadloop: waits for a verdict", "Everything", ("accepted",), None),
    (
        "Leadloop_Back",
        "Leadloop: recycled and back",
        "Everything",
        ("handed_off",),
        ("cycle", "greaterThan", "1"),
    ),
    (
        "Leadloop_Held",
        "Leadloop: ready, not given yet",
        "Everything",
        ("held", "sales_ready"),
        None,
    ),
)
_VERBS = (
    ("Leadloop_Accept", "Leadloop: accept", "accepted", False),
    ("Leadloop_Not_Ready", "Leadloop: not ready", "recycled", True),
    ("Leadloop_Reject", "Leadloop: reject", "rejected", True),
)


def list_views(source: str, names: Mapping[str, str]) -> list[Part]:
    """Spell the list views of an object; `names` are our fields by our words."""
    if source not in _COLUMNS or not {"state", "score"} <= names.keys():
        return []
    ours = [names[word] for word in _SHOWN if word in names]
    parts = []
    for name, label, scope, states, also in _LISTS:
        if also is not None and also[0] not in names:
            continue
        tests: list[tuple[str, str | Tree]] = [_test(names["state"], "equals", ",".join(states))]
        if also is not None:
            word, operation, value = also
            tests.append(_test(names[word], operation, value))
        tree: Tree = [
            ("fullName", name),
            *(("columns", column) for column in (*_COLUMNS[source], *ours)),
            ("filterScope", scope),
            *tests,
            ("label", label),
        ]
        parts.append(
            Part(
                VIEWS,
                "ListView",
                f"{source}.{name}",
                "listViews",
                tree,
                f"objects/{source}.object",
                f"objects/{source}/listViews/{name}.listView-meta.xml",
                holder=source,
            )
        )
    return parts


def _test(field: str, operation: str, value: str) -> tuple[str, Tree]:
    return "filters", [("field", field), ("operation", operation), ("value", value)]


def quick_actions(
    source: str, status: str, means: Mapping[str, Sequence[str]], reason: str | None
) -> list[Part]:
    """Spell accept, not ready and reject, each with the first status that means it in this org."""
    parts = []
    for name, label, word, asks in _VERBS:
        if not means.get(word):
            continue
        asked = [reason] if asks and reason is not None else []
        items: list[tuple[str, str | Tree]] = [
            (
                "quickActionLayoutItems",
                [("emptySpace", "false"), ("field", field), ("uiBehavior", "Required")],
            )
            for field in asked
        ]
        items += [
            (
                "quickActionLayoutItems",
                [("emptySpace", "false"), ("field", status), ("uiBehavior", "Edit")],
            )
        ]
        tree: Tree = [
            ("fieldOverrides", [("field", status), ("literalValue", means[word][0])]),
            ("label", label),
            ("optionsCreateFeedItem", "false"),
            (
                "quickActionLayout",
                [
                    ("layoutSectionStyle", "TwoColumnsLeftToRight"),
                    ("quickActionLayoutColumns", items),
                    ("quickActionLayoutColumns", []),
                ],
            ),
            ("type", "Update"),
        ]
        path = f"quickActions/{source}.{name}.quickAction"
        parts.append(
            Part(
                ACTIONS,
                "QuickAction",
                f"{source}.{name}",
                "QuickAction",
                tree,
                path,
                f"{path}-meta.xml",
            )
        )
    return parts
