"""The regular expressions every engine reads alike: checked and rewritten when a model is loaded.

Look-around, back-references, named groups, flags, `\\A \\Z \\z \\p` and possessive repeats mean
different things, or nothing, to RE2, Rust and Java. `\\d \\w \\s \\b` are spelled out over ASCII.
Text is casefolded before it is matched.
"""

from __future__ import annotations

import re

from connector.domain.text import normalise

_REFUSED = (
    (r"\(\?[=!<]", "look-around and named groups"),
    (r"\(\?[a-zA-Z-]+[:)]", "flags such as (?i); text is casefolded already"),
    (r"\(\?P", "named groups"),
    (r"\(\?>", "atomic groups"),
    (r"\\[1-9]", "back-references"),
    (r"\\[AZzpPGQEXRhHvVK]", r"\A \Z \z \p and their like; use ^ and $"),
    (r"[*+?}]\+", "possessive repeats"),
    (r"\[\[:", "named character classes"),
)
_CLASSES = {"d": "0-9", "w": "0-9a-z_", "s": r" \t\n\r\f\v"}


def portable(pattern: str) -> str:
    """Give the pattern as every engine reads it; raises ValueError when it is not portable."""
    bare = pattern.replace("\\\\", "")
    for refused, words in _REFUSED:
        if re.search(refused, bare):
            raise ValueError(f"the pattern uses {words}, which engines read differently")
    rewritten = _rewrite(pattern)
    try:
        re.compile(rewritten)
    except re.error as error:
        raise ValueError(f"the pattern is not a regular expression: {error}") from None
    return rewritten


def _rewrite(pattern: str) -> str:
    parts: list[str] = []
    inside = False
    index = 0
    while index < len(pattern):
        letter = pattern[index]
        if letter == "\\":
            parts.append(_escape(pattern[index + 1 : index + 2], inside=inside))
            index += 2
            continue
        if letter == "[" and not inside:
            inside = True
        elif letter == "]" and inside:
            inside = False
        parts.append(normalise(letter) or letter)
        index += 1
    return "".join(parts)


def _escape(letter: str, *, inside: bool) -> str:
    if letter in _CLASSES:
        return _CLASSES[letter] if inside else f"[{_CLASSES[letter]}]"
    if letter in {"D", "W", "S"}:
        if inside:
            raise ValueError(f"\\{letter} inside [ ] is read differently by engines")
        return f"[^{_CLASSES[letter.lower()]}]"
    if letter == "b":
        if inside:
            raise ValueError(r"\b inside [ ] is read differently by engines")
        return "(?:^|$|[^0-9a-z_])"
    if letter == "B":
        raise ValueError(r"\B is read differently by engines")
    return f"\\{letter}"


def word_pattern(word: str) -> str:
    """Give the pattern for a word: a run of ASCII letters and digits, nothing of it left over."""
    kept = normalise(word)
    if not re.fullmatch(r"[a-z0-9]+", kept):
        raise ValueError(f"`{word}` is not one word of ASCII letters and digits")
    return f"(?:^|[^0-9a-z]){kept}(?:$|[^0-9a-z])"
