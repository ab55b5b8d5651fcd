"""The words in which sales says why: which verdicts need a reason, and which reasons there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from connector.domain.cycle import Verdict

OTHER = "other"
_VERDICTS = [verdict.value for verdict in Verdict]
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
Words = Mapping[str, tuple[str, ...]]
"""The reasons by verdict; a verdict that is no key needs none."""


def fault_in(verdict: str, reason: str | None, words: Words) -> str | None:
    """Say what is wrong with a verdict given by hand, and what would be right; None if nothing."""
    if verdict not in _VERDICTS:
        return f"`verdict`: {_shown(verdict)} is none{_instead(verdict, _VERDICTS)}"
    allowed = words.get(verdict)
    if allowed is None:
        return None
    if reason is None:
        return f"`{verdict}` needs a reason: {', '.join(allowed)}, or `other: WHAT`"
    if reason == OTHER:
        return "`other` says nothing by itself; write `other: WHAT`"
    if is_other(reason) or reason in allowed:
        return None
    return (
        f"`reason`: {_shown(reason)} is none for `{verdict}`{_instead(reason, list(allowed))}, "
        "or write `other: WHAT`"
    )


def is_other(reason: str) -> bool:
    """Whether a reason is none of the words: `other`, with or without what it was."""
    head, _, _ = reason.partition(":")
    return head.strip() == OTHER


def needs_reason(verdict: str, words: Words) -> bool:
    """Whether sales has to say why."""
    return verdict in words


def _shown(word: str) -> str:
    """The word itself where it is one; anything else may be about a person."""
    return f"`{word}`" if _CODE.fullmatch(word) else "what stands there"


def _instead(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; it is one of {', '.join(known)}"
