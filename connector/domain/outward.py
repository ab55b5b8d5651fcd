"""The values we offer to a CRM: their names, types and what they mean to the people there."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class FieldType(StrEnum):
    """What a remote field must be able to hold."""

    NUMBER = "number"
    TEXT = "text"
    LONG_TEXT = "long_text"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    OWNER = "owner"


class Group(StrEnum):
    """Fields that are written together, and superseded together."""

    SCORE = "score"
    NURTURE = "nurture"
    OWNER = "owner"
    HANDOFF = "handoff"


class OutwardField(NamedTuple):
    """One value of ours a mapping's `write:` may send. `passenger` never causes a write itself."""

    name: str
    type: FieldType
    group: Group
    label: str
    length: int = 255
    passenger: bool = False


OUTWARD: dict[str, OutwardField] = {
    field.name: field
    for field in (
        OutwardField("score", FieldType.NUMBER, Group.SCORE, "Leadloop score"),
        OutwardField("fit", FieldType.NUMBER, Group.SCORE, "Leadloop fit"),
        OutwardField("behaviour", FieldType.NUMBER, Group.SCORE, "Leadloop behaviour"),
        OutwardField("grade", FieldType.TEXT, Group.SCORE, "Leadloop grade", 4),
        OutwardField("action", FieldType.TEXT, Group.SCORE, "Leadloop action", 40),
        OutwardField("reasons", FieldType.LONG_TEXT, Group.SCORE, "Leadloop reasons", 2000),
        OutwardField("state", FieldType.TEXT, Group.SCORE, "Leadloop state", 40),
        OutwardField("cycle", FieldType.NUMBER, Group.SCORE, "Leadloop cycle"),
        OutwardField("verdict", FieldType.TEXT, Group.SCORE, "Leadloop last verdict", 80),
        OutwardField(
            "model", FieldType.TEXT, Group.SCORE, "Leadloop model version", 40, passenger=True
        ),
        OutwardField("run", FieldType.TEXT, Group.SCORE, "Leadloop run", 40, passenger=True),
        OutwardField("owner", FieldType.OWNER, Group.OWNER, "Owner"),
        OutwardField("nurture", FieldType.BOOLEAN, Group.NURTURE, "Leadloop nurture"),
        OutwardField("nurture_theme", FieldType.TEXT, Group.NURTURE, "Leadloop nurture theme", 80),
        OutwardField("nurture_phase", FieldType.TEXT, Group.NURTURE, "Leadloop buying phase", 80),
        OutwardField(
            "nurture_reason", FieldType.TEXT, Group.NURTURE, "Leadloop: why nurtured", 120
        ),
        OutwardField("nurture_programme", FieldType.TEXT, Group.NURTURE, "Leadloop programme", 120),
        OutwardField("nurture_segment", FieldType.TEXT, Group.NURTURE, "Leadloop segment", 80),
        OutwardField("next_message", FieldType.TEXT, Group.NURTURE, "Leadloop next message", 120),
        OutwardField("review_at", FieldType.MOMENT, Group.NURTURE, "Leadloop review date"),
        OutwardField("package", FieldType.LONG_TEXT, Group.HANDOFF, "Leadloop hand-off", 4000),
        OutwardField("do_next", FieldType.TEXT, Group.HANDOFF, "Leadloop: do next", 255),
        OutwardField("crossed_at", FieldType.MOMENT, Group.HANDOFF, "Leadloop sales-ready since"),
        OutwardField("sla_due", FieldType.MOMENT, Group.HANDOFF, "Leadloop first contact due"),
    )
}

ASKED: dict[str, OutwardField] = {
    field.name: field
    for field in (
        OutwardField("reason", FieldType.TEXT, Group.SCORE, "Leadloop: why not, or not yet", 80),
    )
}
"""Fields that people in sales fill in and we only read: `install` makes those of a mapping's
`asks:`, so that a CRM without a place for the answer gets one."""
