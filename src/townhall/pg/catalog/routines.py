"""Aggregates and window functions, which can't be declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import SIGNATURE, comment, entries, not_of_an_extension, rows


@dataclass(frozen=True)
class Routine:
    """An aggregate or a window function.

    Attributes:
        schema: The schema of the routine.
        signature: The name with the types of the arguments: ``wipe(uuid)``.
        kind: The kind of routine.
        definition: The statement that creates it; None for an aggregate.
        comment: The comment on the routine.
        entries: The entries of its access control list except the owner's.
    """

    schema: str
    signature: str
    kind: Literal["aggregate", "window function"]
    definition: str | None
    comment: str | None
    entries: Sequence[Mapping[str, Any]]


def read_routines(connection: Connection, schemas: Sequence[str]) -> list[Routine]:
    """Return the routines in some schemas; those of extensions are left out.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    return [Routine(**row) for row in rows(connection, _QUERY, schemas)]


_QUERY = f"""
    select
        n.nspname as schema,
        {SIGNATURE} as signature,
        case p.prokind when 'a' then 'aggregate' else 'window function' end as kind,
        case when p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid) end as definition,
        {comment("pg_proc", "p")} as comment,
        coalesce({entries("p.proacl", "p.proowner", "f")}, '[]') as entries
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where p.prokind in ('a', 'w')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_proc", "p")}
"""
