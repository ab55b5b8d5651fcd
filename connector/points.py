"""Named places between two durable effects (a commit, a request, a file), where a test ends us.

In use they cost one comparison. Names: commit.before, commit.after, send.before, send.after,
write.before, write.after, file.before, file.after.
"""

from __future__ import annotations

from collections.abc import Callable

_stop: Callable[[str], None] | None = None


def point(name: str) -> None:
    """Say that the process is at this place."""
    if _stop is not None:
        _stop(name)


def watch(stop: Callable[[str], None] | None) -> None:
    """Be told of every place from now on, before it is passed; None ends it."""
    global _stop  # noqa: PLW0603  one process, one watcher
    _stop = stop
