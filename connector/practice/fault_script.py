"""The file that says what goes wrong: which calls, after how many, how often, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from connector.documents import Document, load


class Fault(Document):
    """One thing that goes wrong with calls that match `METHOD /path?query` (`*` is any text).

    Without `status`, `html` or `drop` the call is only slowed by `delay`.
    """

    match: str
    after: Annotated[int, Field(ge=0)] = 0
    """How many matching calls pass first."""
    times: Annotated[int, Field(ge=1)] | None = 1
    """How many then fail; null for every one."""
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    headers: dict[str, str] = {}
    body: Any = None
    html: bool = False
    drop: Literal["before", "after", "half"] | None = None
    """The line goes dead before the call is done, after it, or in the middle of the answer."""
    applied: bool = False
    """With `status` or `html`: the call is done all the same, and the answer lies."""
    delay: Annotated[float, Field(ge=0, le=600)] = 0
    """Seconds."""

    @model_validator(mode="after")
    def _one_way(self) -> Fault:
        ways = [self.status is not None or self.html, self.drop is not None]
        if not any(ways) and not self.delay:
            raise ValueError("say what goes wrong: status, html, drop or delay")
        if all(ways):
            raise ValueError("a call cannot be answered and dropped at once")
        return self


class FaultScript(Document):
    """The file `--fault-script` names."""

    version: Literal[1] = 1
    faults: list[Fault] = []


def load_faults(path: Path) -> list[Fault]:
    """Read a fault script. Raises UsageError with all its mistakes."""
    return load(path, FaultScript).faults
