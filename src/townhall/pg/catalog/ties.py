"""What ties a table to another one or to a type, which then decides on its columns too."""

from __future__ import annotations

from typing import NamedTuple


class Tie(NamedTuple):
    """A tie of a table.

    Attributes:
        text: What the table is: ``is a partition of public.posts``.
        release: The statement that ends it, and leaves the table its columns and rows.
    """

    text: str
    release: str


TIES = """
    select
        h.inhrelid as relation,
        pg_catalog.format(
            '%s %I.%I',
            case when c.relispartition then 'is a partition of' else 'inherits from' end,
            pn.nspname,
            p.relname
        ) as text,
        case
            when c.relispartition then pg_catalog.format(
                'alter table %I.%I detach partition %I.%I',
                pn.nspname, p.relname, n.nspname, c.relname
            )
            else pg_catalog.format(
                'alter table %I.%I no inherit %I.%I', n.nspname, c.relname, pn.nspname, p.relname
            )
        end as release
    from pg_catalog.pg_inherits as h
    join pg_catalog.pg_class as c on c.oid = h.inhrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_class as p on p.oid = h.inhparent
    join pg_catalog.pg_namespace as pn on pn.oid = p.relnamespace
    where c.relkind in ('r', 'p', 'f')
    union all
    select
        h.inhparent,
        pg_catalog.format('is inherited by %I.%I', n.nspname, c.relname),
        pg_catalog.format(
            'alter table %I.%I no inherit %I.%I', n.nspname, c.relname, pn.nspname, p.relname
        )
    from pg_catalog.pg_inherits as h
    join pg_catalog.pg_class as c on c.oid = h.inhrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_class as p on p.oid = h.inhparent
    join pg_catalog.pg_namespace as pn on pn.oid = p.relnamespace
    where p.relkind = 'r'
    union all
    select
        c.oid,
        pg_catalog.format('has the columns of the type %I.%I', tn.nspname, t.typname),
        pg_catalog.format('alter table %I.%I not of', n.nspname, c.relname)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_type as t on t.oid = c.reloftype
    join pg_catalog.pg_namespace as tn on tn.oid = t.typnamespace
    where c.reloftype <> 0
"""
"""Every tie of the tables of a database, by the table's OID."""
