"""Our pull of one object into a new store, with the shipped mapping and shipped defaults."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from ruamel.yaml import YAML

from connector.cli.memory import leave_alone_what_is_loaded, prepare_for_pages
from connector.domain.moment import Micros

ROOT = Path(__file__).parents[2]
OBJECTS = {"salesforce": "lead", "hubspot": "contact"}
_AUTH = {
    "salesforce": '{client_id: bench, client_secret: "${BENCH_SECRET}"}',
    "hubspot": '{token: "${BENCH_SECRET}"}',
}
_SETTINGS = """
version: 1
store: "{store}"
model: model.yaml
stage: {stage}
connections:
  - {{name: crm, kind: {kind}, address: "{address}", mapping: mapping.yaml, auth: {auth}}}
"""


def prepare(
    folder: Path, kind: str, address: str, stage: str = "observe", store: str = "sqlite:///./s.db"
) -> None:
    """Write the settings, and the shipped mapping without its other objects."""
    mapping = YAML(typ="safe").load(ROOT / "mappings" / f"{kind}.yaml")
    name = OBJECTS[kind]
    mapping["objects"] = {name: mapping["objects"][name]}
    (folder / "mapping.yaml").write_text(json.dumps(mapping))
    (folder / "model.yaml").write_text((ROOT / "mappings" / "model.yaml").read_text())
    settings = _SETTINGS.format(
        kind=kind, address=address, auth=_AUTH[kind], stage=stage, store=store
    )
    (folder / "leadloop.yaml").write_text(settings)


def clock() -> Micros:
    """Give the machine's time."""
    return time.time_ns() // 1000


def main(folder: Path, kind: str, address: str) -> None:
    """Pull once; a second call on the same folder goes on from there.

    Memory is prepared before the rest is loaded, as `leadloop` does.
    """
    prepare_for_pages()
    from connector.config.load import load_settings
    from connector.sync.opening import open_loop
    from connector.sync.pull import pull

    if not (folder / "leadloop.yaml").exists():
        prepare(folder, kind, address)
    loaded = load_settings(folder / "leadloop.yaml")
    with open_loop(
        loaded,
        now=clock(),
        clock=clock,
        command="run",
        candidate=True,
        tell=lambda _step, _counts: None,
        warn=lambda _said: None,
    ) as loop:
        leave_alone_what_is_loaded()
        source = loop.sources[0]
        if source.lease is not None and not source.lease.take():
            raise SystemExit("somebody else holds the connection")
        counts = pull(loop, source)
    print(json.dumps(counts["read"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
