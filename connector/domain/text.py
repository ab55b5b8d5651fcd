"""How text is made comparable before any rule reads it, and harmless before a spreadsheet does."""

from __future__ import annotations

import unicodedata


def normalise(text: str) -> str:
    """NFKC, casefold and strip, so that rules compare what people mean.

    Applied to people, activities and the rules' own values alike (design: "Scoring, exactly").
    """
    if text.isascii():  # the same, five times as fast
        return text.lower().strip()
    return unicodedata.normalize("NFKC", text).casefold().strip()


def inert(value: object) -> object:
    """Keep a spreadsheet from running text as a formula; other values stay as they are.

    Source: OWASP, "CSV Injection": `=`, `+`, `-`, `@`, a tab or a carriage return begin one.
    """
    runs = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if runs else value
