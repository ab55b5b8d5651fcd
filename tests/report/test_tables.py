"""The report's tables as CSV hold what the report holds."""

from __future__ import annotations

import csv

from click.testing import CliRunner

from connector.cli.export import export
from connector.report.tables import report_tables, write_tables


def test_each_table_is_a_file_with_the_rows_and_numbers_of_the_report(quick_past, tmp_path):
    _, _, figures = quick_past(120, hostile=True)
    data = figures()
    written = dict(write_tables(data, tmp_path / "t"))
    assert {"stages.csv", "waits.csv", "contact.csv", "kinds.source.csv", "leakage.rows.csv",
            "campaigns.rows.csv", "quality.trend.csv", "untouched.causes.csv",
            "kind_quarters.source.csv", "kind_quarters.owner.csv"} <= set(written)  # fmt: skip
    with (tmp_path / "t" / "kinds.source.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = [(kind["name"], step["stage"], str(step["cycles"]))
              for kind in data["kinds"]["source"] for step in kind["stages"]]  # fmt: skip
    assert [(row["name"], row["stage"], row["cycles"]) for row in rows] == wanted
    last = next(row for row in rows if row["stage"] == "won")
    low, high = data["kinds"]["source"][0]["stages"][-1]["interval"]
    assert (last["interval.low"], last["interval.high"]) == (str(low), str(high))
    money = report_tables(data)["campaigns.rows"]
    assert [row["even_split.value"] for row in money] == [
        row["even_split"]["value"] for row in data["campaigns"]["rows"]
    ]


def test_the_command_writes_them_beside_the_views(quick_past, tmp_path):
    _, loaded, _ = quick_past(40)
    words = ["-c", str(loaded.folder / "leadloop.yaml"), "--to", str(tmp_path), "--only", "report"]
    done = CliRunner().invoke(export, words)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "report" / "stages.csv").is_file()
    assert not (tmp_path / "views").exists()
    assert not (tmp_path / "people").exists()


def test_a_name_that_a_spreadsheet_would_run_is_kept_from_running(tmp_path):
    write_tables({"campaigns": [{"name": "=HYPERLINK(1)", "won": -2.5}]}, tmp_path)
    assert (tmp_path / "campaigns.csv").read_text().splitlines()[1] == "'=HYPERLINK(1),-2.5"
