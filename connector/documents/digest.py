"""One hash for equal values, whatever order their keys were written in."""

from __future__ import annotations

from hashlib import blake2b

import orjson


def canonical_hash(value: object) -> str:
    """Give 32 hex digits over the value as JSON with sorted keys."""
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
