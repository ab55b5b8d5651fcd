"""What was compiled for one store serves the next: dialects that are equal in every engine.

SQLAlchemy keeps compiled statements by engine, and by what its dialect is equal to. Each opening of
a store makes an engine, so a process that runs the loop again and again, as the demo does, would
compile some hundred statements anew in each run.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.util import LRUCache

COMPILED: LRUCache[Any, Any] = LRUCache(1000)
"""The statements this process had compiled, whichever store they were for."""

SQLITE, POSTGRESQL = "sqlite+leadloop", "postgresql+leadloop"
for _name in (SQLITE, POSTGRESQL):
    registry.register(_name.replace("+", "."), f"{__name__}.{_name.partition('+')[0]}", "Dialect")
