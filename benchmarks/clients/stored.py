"""The scoring step over a store: change some people, score those who wait or everybody.

stored touch STORE EVERY NOW    each EVERYth person does one thing more, shortly before NOW
stored forget STORE             what was counted is thrown away
stored score STORE NOW MODEL    the step as a run takes it; says what it counted
"""

from __future__ import annotations

import json
import sys

from connector.cli.libraries import without_plugins
from connector.cli.memory import prepare_for_pages


def main(what: str, path: str, *given: str) -> None:
    """Do one of them, loading the rest as `leadloop` does: after memory is prepared."""
    from benchmarks.clients import step

    if what == "touch":
        print(json.dumps(step.touch(path, int(given[0]), int(given[1]))))
    elif what == "forget":
        step.forget(path)
    else:
        print(json.dumps(step.scored(path, int(given[0]), step.MODELS[given[1]]())))


if __name__ == "__main__":
    prepare_for_pages()
    without_plugins()
    main(*sys.argv[1:])
