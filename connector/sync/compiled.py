"""The models as the engine runs them, compiled once for a store and not once a run."""

from __future__ import annotations

from connector.engine.prepared import compiler
from connector.engine.run import compiled_now
from connector.engine.steps import Program
from connector.store.running import notes
from connector.sync.context import Loop

_NAME = "program"


def compiled(loop: Loop) -> Program:
    """Give the program of the loop's models: the one kept, while it is of these and this compiler.

    Compiling takes longer than scoring the few who changed.
    """
    of = [loop.models.hash, compiler()]
    with loop.store.read() as tx:
        kept = notes.get(tx, _NAME)
    if kept is not None and kept["of"] == of:
        return Program(*(kept[part] for part in Program._fields))
    made = compiled_now(loop.models)
    with loop.store.write() as tx:
        notes.put(tx, _NAME, {"of": of, **made._asdict()})
    return made
