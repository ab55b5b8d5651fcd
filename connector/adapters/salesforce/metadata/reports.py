"""A report type with our fields, three reports over it, and a dashboard of them. Pure.

Never seen in a live org: how a report names the columns of a custom report type.

Source: Metadata API Developer Guide, "ReportType", "Report", "Dashboard".
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.adapters.salesforce.metadata.parts import Part, Tree

REPORTS = "reports"
_TYPE, _FOLDER = "Leadloop_Leads", "Leadloop"
_REPORTS = (
    ("Leadloop_By_State", "Leadloop: people by state", "state"),
    ("Leadloop_By_Grade", "Leadloop: people by grade", "grade"),
    ("Leadloop_Verdicts", "Leadloop: what sales decided", "verdict"),
)
_STANDARD = ("Name", "Company", "Status", "Owner", "LeadSource", "CreatedDate")


def report_parts(names: Mapping[str, str]) -> list[Part]:
    """Spell report type, folder, reports and dashboard for leads; `names` are our fields there."""
    shown = [r for r in _REPORTS if r[2] in names]
    if not shown or "score" not in names:
        return []
    return [
        _report_type(names),
        _folder("Report", "ReportFolder", "reports", "reportFolder"),
        *(_report(name, label, names, names[word]) for name, label, word in shown),
        _folder("Dashboard", "DashboardFolder", "dashboards", "dashboardFolder"),
        _dashboard([name for name, _, _ in shown], [label for _, label, _ in shown]),
    ]


def _report_type(names: Mapping[str, str]) -> Part:
    columns: Tree = [
        ("columns", [("checkedByDefault", "true"), ("field", field), ("table", "Lead")])
        for field in (*_STANDARD, *names.values())
    ]
    tree: Tree = [
        ("baseObject", "Lead"),
        ("category", "leads"),
        ("deployed", "true"),
        ("description", "Leads with what Leadloop says of them."),
        ("label", "Leadloop leads"),
        ("sections", [*columns, ("masterLabel", "Leads")]),
    ]
    path = f"reportTypes/{_TYPE}.reportType"
    return Part(REPORTS, "ReportType", _TYPE, "ReportType", tree, path, f"{path}-meta.xml")


def _folder(kind: str, root: str, place: str, ending: str) -> Part:
    tree: Tree = [
        ("accessType", "Public"),
        ("name", "Leadloop"),
        ("publicFolderAccess", "ReadOnly"),
    ]
    source = f"{place}/{_FOLDER}.{ending}-meta.xml"
    return Part(REPORTS, kind, _FOLDER, root, tree, f"{place}/{_FOLDER}-meta.xml", source)


def _report(name: str, label: str, names: Mapping[str, str], grouped: str) -> Part:
    columns = [f"Lead${field}" for field in ("Name", "Company", names["score"]) if field != grouped]
    tree: Tree = [
        *(("columns", [("field", column)]) for column in columns),
        ("format", "Summary"),
        (
            "groupingsDown",
            [("dateGranularity", "Day"), ("field", f"Lead${grouped}"), ("sortOrder", "Asc")],
        ),
        ("name", label),
        ("reportType", f"{_TYPE}__c"),
        ("scope", "organization"),
        ("showDetails", "false"),
        (
            "timeFrameFilter",
            [("dateColumn", "Lead$CreatedDate"), ("interval", "INTERVAL_CUSTOM")],
        ),
    ]
    path = f"reports/{_FOLDER}/{name}.report"
    return Part(REPORTS, "Report", f"{_FOLDER}/{name}", "Report", tree, path, f"{path}-meta.xml")


def _dashboard(reports: list[str], labels: list[str]) -> Part:
    sections = [_section(*pair) for pair in zip(reports, labels, strict=True)]
    while len(sections) < 3:
        sections.append([("columnSize", "Medium")])
    left, middle, right = sections[:3]
    tree: Tree = [
        ("backgroundEndColor", "#FFFFFF"),
        ("backgroundFadeDirection", "Diagonal"),
        ("backgroundStartColor", "#FFFFFF"),
        ("dashboardType", "LoggedInUser"),
        ("isGridLayout", "false"),
        ("leftSection", left),
        ("middleSection", middle),
        ("rightSection", right),
        ("textColor", "#000000"),
        ("title", "Leadloop"),
        ("titleColor", "#000000"),
        ("titleSize", "12"),
    ]
    path = f"dashboards/{_FOLDER}/Leadloop_Loop.dashboard"
    return Part(
        REPORTS, "Dashboard", f"{_FOLDER}/Leadloop_Loop", "Dashboard", tree, path,
        f"{path}-meta.xml",
    )  # fmt: skip


def _section(report: str, label: str) -> Tree:
    component: Tree = [
        ("autoselectColumnsFromReport", "true"),
        ("chartAxisRange", "Auto"),
        ("componentType", "Bar"),
        ("displayUnits", "Auto"),
        ("drillEnabled", "false"),
        ("drillToDetailEnabled", "false"),
        ("enableHover", "true"),
        ("expandOthers", "false"),
        ("header", label),
        ("legendPosition", "Bottom"),
        ("report", f"{_FOLDER}/{report}"),
        ("showPercentage", "false"),
        ("showValues", "true"),
        ("sortBy", "RowLabelAscending"),
        ("useReportChart", "false"),
    ]
    return [("columnSize", "Medium"), ("components", component)]
