"""The pipelines of a portal; their metadata are strings, and standard stages were born in 1970."""

from __future__ import annotations

from typing import Any

_BORN = "1970-01-01T00:00:00Z"
STAGES = (
    # id, label, chance
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)
LEAD_STAGES = (("new-stage-id", "New"), ("attempting-stage-id", "Attempting"),
               ("connected-stage-id", "Connected"), ("qualified-stage-id", "Qualified"),
               ("unqualified-stage-id", "Disqualified"))  # fmt: skip


def pipelines(kind: str) -> list[dict[str, Any]]:
    """The pipelines of deals or leads; other types have none."""
    if kind == "deals":
        stages = [
            _stage(place, stage, label, isClosed=_is_closed(stage), probability=chance)
            for place, (stage, label, chance) in enumerate(STAGES)
        ]
        return [_pipeline("default", "Sales Pipeline", stages)]
    if kind == "leads":
        stages = [_stage(place, *one) for place, one in enumerate(LEAD_STAGES)]
        return [_pipeline("lead-pipeline-id", "Lead Pipeline", stages)]
    return []


def _is_closed(stage: str) -> str:
    return str(stage.startswith("closed")).lower()


def _pipeline(id_: str, label: str, stages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": id_,
        "label": label,
        "displayOrder": 0,
        "archived": False,
        "createdAt": _BORN,
        "updatedAt": _BORN,
        "stages": stages,
    }


def _stage(place: int, id_: str, label: str, **metadata: str) -> dict[str, Any]:
    return {
        "id": id_,
        "label": label,
        "displayOrder": place,
        "archived": False,
        "createdAt": _BORN,
        "updatedAt": _BORN,
        "metadata": metadata,
    }
