"""Files that people write: every mistake at once, with its place and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from connector.config.settings import Settings
from connector.decisions.routing_document import Routing
from connector.documents import Document, Duration, canonical_hash, json_schema, load, parse, reader
from connector.documents.simple import read_simple
from connector.errors import UsageError
from connector.mapping.document import MappingDocument
from connector.scoring.model import Model

MAPPINGS = Path(__file__).parents[3] / "mappings"


class Rule(Document):
    name: str
    points: float
    life: Duration | None = None


class Page(Document):
    version: int
    threshold: float = 65
    rules: list[Rule] = []


def wrong(text, model=Page, environ=None):
    with pytest.raises(UsageError) as caught:
        parse(text, model, name="f.yaml", environ=environ)
    return str(caught.value)


def test_all_mistakes_are_told_at_once_each_with_its_place():
    said = wrong("version: 1\ntreshold: 5\nrules:\n  - {name: a, points: many}\n  - {name: b}\n")
    assert "f.yaml:2:1  treshold is not a key here; did you mean `threshold`?" in said
    assert "f.yaml:4:15  rules.0.points should be a number" in said
    assert "f.yaml:5:5  rules.1.points is missing" in said


def test_the_line_is_shown_with_a_caret_below_the_mistake():
    assert "    treshold: 5\n    ^" in wrong("version: 1\ntreshold: 5\n")


def test_a_key_given_twice_is_refused():
    assert "the key `version` stands here a second time" in wrong("version: 1\nversion: 2\n")


def test_a_missing_key_and_its_misspelling_are_one_mistake():
    said = wrong("verion: 1\n")
    assert said.count("f.yaml") == 1
    assert "did you mean `version`?" in said


@pytest.mark.parametrize(
    "text",
    ["a: [1", "- 1\n- 2", "just text", "a: b: c", "\t- x: 1", "key: 'open", "%bad\n---\na: 1"],
)
def test_what_is_no_mapping_of_keys_is_refused_with_a_next_step(text):
    with pytest.raises(UsageError) as caught:
        parse(text, Page, name="f.yaml")
    assert caught.value.hint


def test_a_billion_laughs_are_stopped():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for n in range(1, 9):
        lines.append(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]")
    assert "unfolds to more than" in wrong("\n".join(lines))


@pytest.mark.parametrize(
    ("value", "place"), [("2026-02-30", ":2:7"), ("2026-02-27 25:61:00", ":2:7"), ("[" * 3000, "")]
)
def test_a_day_no_calendar_has_and_brackets_without_end_are_refused_in_our_words(value, place):
    with pytest.raises(UsageError) as refused:
        parse(f"version: 1\nname: {value}\n", Model, name="model.yaml")
    assert f"model.yaml{place}" in str(refused.value)
    assert "not YAML" in str(refused.value)
    assert refused.value.hint


@pytest.mark.parametrize("value", ["!!python/object/apply:os.system ['true']", "!x {a: 1}", "!y z"])
def test_a_tag_is_refused_at_its_place_and_does_nothing(value):
    with pytest.raises(UsageError, match="means nothing here") as refused:
        parse(f"version: 1\nname: {value}\n", Model, name="model.yaml")
    assert "model.yaml:2" in str(refused.value)


def both_readers(text):
    """What a text is with the simple reader first, and to the other one alone."""
    told = []
    for first in (read_simple, lambda _text: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "read_simple", first)
            reader._yaml.cache_clear()
            try:
                told.append(repr(reader.parse_plain(text, name="f", environ={"A": "b"})))
            except UsageError as refused:
                told.append(str(refused))
    reader._yaml.cache_clear()
    return told


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_files_that_ship_are_simple_and_the_same_to_both_readers(path):
    text = path.read_text()
    assert read_simple(text) is not None
    simple, other = both_readers(text)
    assert simple == other


PIECES = """
- |: |b: |'x'|true|yes|null|0x1f|0o17|010|1e3|1.5|-0|+1|1_000|.inf|12:30|2026-01-02|<<: |? |!x |&a |*a
|${A}|$${A}|${B}|{a, b: 1}|[a: 1]|"\\n\\x41"|%YAML 1.1|# c|---|...|true: |1: |"1": |  |    |
""".replace("\n", "").split("|")


@given(
    st.lists(
        st.sampled_from([*PIECES, *":-{}[],'\"#?>&*!%~<=.09ax\t\\\u2028\ufeff|", *"\n\n\n\r"]),
        max_size=18,
    )
)
def test_what_the_simple_reader_reads_the_other_one_reads_alike(parts):
    simple, other = both_readers("a: " + "".join(parts))
    assert simple == other


def test_words_that_look_like_truth_or_time_stay_text():
    class Words(Document):
        words: list[str]

    read = parse('words: ["no", off, on, yes, 09:00-17:30, 12:30]\n', Words, name="f.yaml")
    assert read.words == ["no", "off", "on", "yes", "09:00-17:30", "12:30"]


def test_variables_come_from_the_environment_and_their_values_never_into_messages():
    text = 'version: 1\nrules: [{name: "${NAME}", points: 1}, {name: "${OTHER:-b}", points: x}]\n'
    said = wrong(text, environ={"NAME": "canary-value"})
    assert "should be a number" in said
    assert "canary-value" not in said
    assert "the environment variable NAME is not set" in wrong(text, environ={})
    fine = text.replace("points: x", "points: 2")
    assert [r.name for r in parse(fine, Page, name="f", environ={"NAME": "a"}).rules] == ["a", "b"]


def test_a_value_with_yaml_in_it_cannot_change_the_structure():
    text = 'version: 1\nrules: [{name: "${NAME}", points: 1}]\n'
    evil = "x, points: 99}, {name: y"
    read = parse(text, Page, name="f", environ={"NAME": evil})
    assert [(r.name, r.points) for r in read.rules] == [(evil, 1)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no file"),
        (b"version: 1\nrules: \xff", "is not UTF-8"),
        (b"#" * 5_000_001, "larger than"),
        (b"version: 1\x00\n", "not YAML"),
    ],
    ids=["missing", "latin-1", "huge", "NUL"],
)
def test_a_file_that_cannot_be_read_is_said_with_a_next_step(tmp_path, content, words):
    path = tmp_path / "f.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        load(path, Page)
    assert caught.value.hint


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UsageError, match="is a folder"):
        load(tmp_path, Page)


@pytest.mark.parametrize("model", [Settings, MappingDocument, Model, Routing])
def test_the_schema_for_editors_is_draft_7(model):
    schema = json_schema(model)
    Draft7Validator.check_schema(schema)
    assert "$defs" not in str(schema)
    assert schema["$schema"].startswith("http://json-schema.org/draft-07")


def test_the_schema_accepts_the_files_that_ship():
    from ruamel.yaml import YAML

    for name, model in (
        ("files.yaml", MappingDocument),
        ("odoo.yaml", MappingDocument),
        ("routing.yaml", Routing),
    ):
        plain = YAML(typ="safe", pure=True).load(MAPPINGS / name)
        errors = list(Draft7Validator(json_schema(model)).iter_errors(plain))
        assert errors == [], (name, errors[0].message)


@given(st.dictionaries(st.text(max_size=5), st.integers(-5, 5), max_size=6))
def test_the_hash_does_not_depend_on_the_order_of_keys(values):
    backwards = dict(reversed(list(values.items())))
    assert canonical_hash(values) == canonical_hash(backwards)
