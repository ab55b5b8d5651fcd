"""DuckDB's own words, of which those that hold a value of somebody are not passed on."""

from __future__ import annotations

import duckdb
import pytest

from connector.engine.duck import open_duck, safe_words


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT CAST('ada@acme.example' AS INTEGER)", "Could not convert string"),
        ("SELECT CAST('O''Ada acme' AS DATE)", "invalid date field format"),
        ("SELECT CAST('one\nada acme' AS INTEGER)", "Could not convert string"),
        ("SELECT CAST(4711471147114711 AS TINYINT)", "out of range"),
    ],
)
def test_a_value_that_could_not_be_read_is_not_named(query, said):
    duck = open_duck()
    with pytest.raises(duckdb.Error) as told:
        duck.execute(query).fetchall()
    duck.close()
    words = safe_words(told.value)
    assert said in words
    for private in ("ada", "Ada", "acme", "4711"):
        assert private not in words


def test_a_column_that_is_not_there_is_named():
    duck = open_duck()
    with pytest.raises(duckdb.Error) as told:
        duck.execute("SELECT titel FROM (SELECT 1 AS title)")
    duck.close()
    assert '"titel"' in safe_words(told.value)
