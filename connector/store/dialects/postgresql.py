"""PostgreSQL by psycopg, equal in every engine of servers that are of one version."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg


class Dialect(PGDialect_psycopg):
    """What is compiled depends on the server's version, known once somebody is connected."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dialect) and _server(other) == _server(self)

    def __hash__(self) -> int:
        return hash(type(self))


def _server(one: Dialect) -> tuple[object, ...]:
    return one.server_version_info, one._backslash_escapes  # noqa: SLF001
