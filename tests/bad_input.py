"""Bad input: agreed files with something broken in them, and exports with hostile cells.

Each of `KINDS` breaks one and looks: it must be read, refused in our words with a next step, or kept
aside with its reason. Anything else raises.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from connector.adapters.base import Window
from connector.adapters.files.adapter import FilesAdapter
from connector.config.load import load_settings
from connector.decisions.routing_document import Routing
from connector.documents.reader import load
from connector.errors import LeadloopError
from connector.mapping.document import load_mapping
from connector.scoring.model import load_model

ROOT = Path(__file__).parents[1]
SETTINGS = """\
version: 1
store: sqlite:///./s.db
model: model.yaml
routing: routing.yaml
stage: score
connections:
  - {name: crm, kind: files, mapping: mapping.yaml, files: {folder: company, out: out}}
write: {max_age: 30d, limits: {records: 20%}}
nurture: {holdout: 0}
"""
HOSTILE = (
    "\x00", "\ufeff", "\u202e", "\u2028", "😀" * 50, "=cmd|' /C calc'!A0", "' OR 1=1 --", "a" * 200_000,
    "{{7*7}}", "<script>alert(1)</script>", "1e400", "-0", "NaN", "٣", "9" * 400, "\\", '"', "'", "\t",
    "2026-13-45T99:99:99Z", "../../etc/passwd", "null", "true", "[]", "{}", "%s%n", "\r", " ",
)  # fmt: skip
YAML = (
    "!!python/object/apply:os.system ['true']", "&a [*a]", "- ", "{", "}", "[" * 2000, "? ", ": ", "\t", "%",
    "|", ">", "!", "*nobody", "<<: {}", "---", "...", "@", "`", "0x", "1_000", "~", ".inf", "2026-02-30",
    "&a {x: &b {y: &c {z: [*a, *b, *c]}}}",
)  # fmt: skip


def _a_line(luck: Random, lines: list[str]) -> int:
    return luck.randrange(len(lines))


def broken(luck: Random, text: str) -> str:
    """The text with one to three things broken in it."""
    lines = text.splitlines()
    for _ in range(luck.randint(1, 3)):
        at = _a_line(luck, lines)
        line, word = lines[at], luck.choice((*YAML, *HOSTILE))
        key, colon, _ = line.partition(":")
        match luck.randrange(7):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines.insert(at, line)
            case 2:
                lines[at] = f"{key}{colon} {word}"
            case 3:
                lines.insert(at, word)
            case 4:
                lines[at] = " " * luck.randint(1, 5) + line
            case 5:
                place = luck.randint(0, len(line))
                lines[at] = line[:place] + word + line[place:]
            case _:
                other = _a_line(luck, lines)
                lines[at], lines[other] = lines[other], line
    return "\n".join(lines) + "\n"


def refused_in_our_words(error: LeadloopError) -> None:
    """Hold an error to what it owes: what is wrong, and a next step."""
    assert str(error).strip(), "an error without a word"
    assert error.hint, f"no next step: {error}"
    assert len(str(error)) < 20_000, "an error that repeats what it was given"


def _document(luck: Random, text: str, reads: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "leadloop.yaml"
        path.write_text(broken(luck, text), encoding="utf-8", errors="surrogatepass", newline="")
        try:
            reads(path)
        except LeadloopError as error:
            refused_in_our_words(error)


def _shipped(name: str) -> str:
    return (ROOT / "mappings" / name).read_text(encoding="utf-8")


def settings(luck: Random) -> None:
    """A broken leadloop.yaml."""
    _document(luck, SETTINGS, load_settings)


def mapping(luck: Random) -> None:
    """A broken mapping of one of the shipped kinds."""
    name = luck.choice(("files.yaml", "salesforce.yaml", "hubspot.yaml", "odoo.yaml"))
    _document(luck, _shipped(name), load_mapping)


def model(luck: Random) -> None:
    """A broken model."""
    _document(luck, _shipped("model.yaml"), load_model)


def routing(luck: Random) -> None:
    """A broken routing file."""
    _document(luck, _shipped("routing.yaml"), lambda path: load(path, Routing))


def table(luck: Random) -> None:
    """An export with hostile cells: each row is read or kept aside, and the good ones are whole."""
    count, names = 40, ["id", "email", "name", "title", "updated_at"]
    bad = set(luck.sample(range(count), luck.randint(1, 8)))
    rows = []
    for n in range(count):
        row = [f"p{n}", f"p{n}@acme.example", f"Name {n}", "Director", "2026-05-01T10:00:00Z"]
        if n in bad:
            row[luck.randrange(1, 5)] = luck.choice(HOSTILE)
            row = row[: luck.randint(2, 5)] if luck.random() < 0.3 else [*row, "one too many"][:6]
        rows.append(row)
    written = io.StringIO()
    csv.writer(written).writerows([names, *rows])
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "people.csv").write_text(written.getvalue(), encoding="utf-8", newline="")
        read, aside = _read(Path(name), names)
    for n in set(range(count)) - bad:
        assert read[f"p{n}"] == dict(zip(names, rows[n], strict=True)), f"row {n} is not whole"
    lost = {f"p{n}" for n in bad} - read.keys()
    assert len(lost) <= aside, f"{len(lost) - aside} rows are neither read nor kept aside"


def _read(folder: Path, names: list[str]) -> tuple[dict[str, dict[str, object]], int]:
    adapter = FilesAdapter(folder, None, {}, lambda: 0)
    read: dict[str, dict[str, object]] = {}
    aside = 0
    for page in adapter.read("people", names, Window(None, 2**60), None):
        read.update({str(row["id"]): {n: row.get(n) for n in names} for row in page.rows})
        aside += len(page.rejected)
    return read, aside


KINDS = {
    "input: leadloop.yaml": settings,
    "input: mapping": mapping,
    "input: model": model,
    "input: routing": routing,
    "input: export": table,
}
