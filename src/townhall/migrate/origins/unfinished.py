"""What an interrupted adoption has left that is not valid, which its next run completes."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text

from townhall.pg import sql

MARK = "townhall: not validated again yet. "
"""What the comment of a foreign key begins with that was added again, and not validated yet."""

BUILD = "build"
"""What the name of a constraint or an index ends with until it is complete."""

PROOF = "refuses_null"
"""What the name of a check ends with by which an adoption proves that a column has no NULL.

The check of a revision has another name: its next run completes it, and no adoption.
"""


class Unfinished(NamedTuple):
    """A constraint or an index that is not valid.

    Attributes:
        kind: ``constraint`` or ``index``.
        schema: The schema of its table.
        table: The name of its table.
        name: Its name.
    """

    kind: str
    schema: str
    table: str
    name: str

    def __str__(self) -> str:
        """Return it in words: ``constraint public.loans loaned``."""
        return f"{self.kind} {sql.qualified(self.schema, self.table)} {sql.quote(self.name)}"


def read_unfinished(connection: Connection) -> tuple[Unfinished, ...]:
    """Return what an adoption has left that is not valid, in every schema.

    Args:
        connection: A connection to the database, which is only read.
    """
    return tuple(Unfinished(*row) for row in connection.execute(text(UNFINISHED)))


_NAMES = sql.literal(f"_({BUILD}|{PROOF})$")

UNFINISHED = f"""
    select 'constraint' as kind, n.nspname as schema, c.relname as relation, k.conname as name
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_class as c on c.oid = k.conrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_description as d
        on d.classoid = 'pg_catalog.pg_constraint'::regclass and d.objoid = k.oid
    where not k.convalidated
        and (pg_catalog.starts_with(d.description, {sql.literal(MARK)}) or k.conname ~ {_NAMES})
    union all
    select 'index', n.nspname, c.relname, x.relname
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as x on x.oid = i.indexrelid
    join pg_catalog.pg_class as c on c.oid = i.indrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where not i.indisvalid and x.relname ~ {_NAMES}
    order by 1, 2, 3, 4
"""
"""What an interrupted adoption has left, as a query of the fields of :class:`Unfinished`."""
