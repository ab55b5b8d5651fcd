"""Secrets are named in files and opened only when used: environment, file or keyring."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from connector.errors import UsageError

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Secret:
    """A secret by reference. Its value appears only in what `reveal` returns, never in a repr."""

    def __init__(self, *, kind: str, source: str, connection: str = "") -> None:
        self.kind = kind
        self._source = source
        self._connection = connection
        self._of = f"connection `{connection}`" if connection else "leadloop.yaml"

    def __repr__(self) -> str:
        return f"Secret({self.origin})"

    @property
    def origin(self) -> str:
        """Where it comes from, in words that hold nothing secret."""
        match self.kind:
            case "env":
                return f"environment variable {self._source}"
            case "file":
                return f"file {self._source}"
            case "keyring":
                return f"keyring {self._source}"
            case "literal":
                return "leadloop.yaml"
        return "not configured"

    def reveal(self) -> str:
        """Give the value. Raises UsageError that names where it should have been."""
        match self.kind:
            case "env":
                return self._from_environment()
            case "file":
                return self._from_file(Path(self._source))
            case "keyring":
                return self._from_keyring()
            case "literal":
                return self._source
        raise UsageError(
            f"{self._of} has no `{self._source}` under auth",
            hint=f"Add `{self._source}: ${{{self._source.upper()}}}` there",
        )

    def _from_environment(self) -> str:
        value = os.environ.get(self._source)
        if value:
            return value
        path = os.environ.get(f"{self._source}_FILE")
        if path:
            return self._from_file(Path(path))
        raise UsageError(
            f"{self._of}: the environment variable {self._source} is not set",
            hint=f"Set {self._source}, or {self._source}_FILE to a file that holds the value",
        )

    def _from_file(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{self._of}: the secret's file {path} cannot be read",
                hint="Check that it exists and that this user may read it",
            ) from error

    def _from_keyring(self) -> str:
        try:
            import keyring.errors  # noqa: PLC0415  an extra, and slow to import
        except ImportError as error:
            raise UsageError(
                f"{self._of} keeps a secret in the keyring",
                hint="Install the extra: pip install 'leadloop[keyring]'",
            ) from error
        service, _, name = self._source.partition("/")
        try:
            value = keyring.get_password(service, name)
        except keyring.errors.KeyringError as error:
            raise UsageError(
                f"{self._of}: this machine has no usable keyring ({type(error).__name__})",
                hint="Use ${NAME} or {file: PATH} where nobody is logged in at a screen",
            ) from None
        if value is None:
            raise UsageError(
                f"{self._of}: the keyring has no {self._source}",
                hint=f"Store it: keyring set {service} {name}",
            )
        return str(value)


def secret_from(name: str, given: Any, connection: str = "") -> Secret | None:
    """Read a reference (`${NAME}`, `{env|file|keyring: ...}`); None when it is none."""
    if isinstance(given, str) and (match := _REFERENCE.fullmatch(given)):
        return Secret(kind="env", source=match[1], connection=connection)
    if isinstance(given, dict):
        if len(given) == 1:
            kind, source = next(iter(given.items()))
            if kind in {"env", "file", "keyring"} and isinstance(source, str):
                return Secret(kind=kind, source=source, connection=connection)
        raise ValueError(f"`{name}` should be ${{NAME}}, or one of env, file, keyring")
    return None
