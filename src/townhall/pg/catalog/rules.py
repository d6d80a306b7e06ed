"""Rewrite rules, of which no revision makes one but those of views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import not_of_an_extension, rows


@dataclass(frozen=True)
class Rule:
    """A rule on a table or a view.

    Attributes:
        schema: The schema of the relation.
        relation: The name of the relation.
        name: The name of the rule.
        definition: The statement that creates it.
    """

    schema: str
    relation: str
    name: str
    definition: str


def read_rules(connection: Connection, schemas: Sequence[str]) -> list[Rule]:
    """Return the rules in some schemas except those that make a view one.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    return [Rule(**row) for row in rows(connection, _QUERY, schemas)]


_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as relation,
        r.rulename as name,
        pg_catalog.pg_get_ruledef(r.oid) as definition
    from pg_catalog.pg_rewrite as r
    join pg_catalog.pg_class as c on c.oid = r.ev_class
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where r.rulename <> '_RETURN'
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
"""
