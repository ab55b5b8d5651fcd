"""Writes a result into a file that somebody named."""

from __future__ import annotations

from pathlib import Path

from connector.errors import UsageError


def write_text(path: Path, text: str) -> None:
    """Write the text. Raises UsageError when it cannot be written there."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}",
            hint="Name a file in a folder that exists",
        ) from error
