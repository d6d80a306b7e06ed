"""How values of one type become values of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True)
class Cast:
    """The way from one type to another.

    Attributes:
        is_same: Whether both are the same type, perhaps with other modifiers.
        is_by_assignment: Whether PostgreSQL casts a value without being told.
        is_explicit: Whether there is a cast that PostgreSQL makes where it is told to.
        is_from_text: Whether the first type is one of texts.
        are_enums: Whether both are enums, or arrays of them.
        is_to_enum: Whether the second one is an enum or an array of one, or does not exist yet.
    """

    is_same: bool
    is_by_assignment: bool
    is_explicit: bool
    is_from_text: bool
    are_enums: bool
    is_to_enum: bool


def read_casts(connection: Connection, types: Sequence[tuple[str, str]]) -> list[Cast]:
    """Return the ways from types to others.

    Args:
        connection: A connection to the database.
        types: Pairs of types as SQL names them. One that does not exist is taken for an enum.
    """
    parameters = {"sources": [pair[0] for pair in types], "targets": [pair[1] for pair in types]}
    return [Cast(**row) for row in connection.execute(text(_QUERY), parameters).mappings()]


_QUERY = """
    with recursive named as (
        select p.position, p.side, pg_catalog.to_regtype(p.name)::oid as oid
        from (
            select s.position, 'source' as side, s.name
            from unnest(cast(:sources as text[])) with ordinality as s (name, position)
            union all
            select s.position, 'target', s.name
            from unnest(cast(:targets as text[])) with ordinality as s (name, position)
        ) as p
    ),
    -- What a domain or an array is made of.
    layers as (
        select n.position, n.side, n.oid, 0 as depth, false as is_array
        from named as n
        union all
        select
            l.position,
            l.side,
            case when t.typtype = 'd' then t.typbasetype else t.typelem end,
            l.depth + 1,
            l.is_array or t.typtype <> 'd'
        from layers as l
        join pg_catalog.pg_type as t on t.oid = l.oid
        where t.typtype = 'd' or t.typcategory = 'A'
    ),
    types as (
        select distinct on (l.position, l.side)
            l.position,
            l.side,
            l.oid,
            l.is_array,
            coalesce(t.typtype = 'e', true) as is_enum,
            coalesce(t.typcategory = 'S', false) as is_text
        from layers as l
        left join pg_catalog.pg_type as t on t.oid = l.oid
        order by l.position, l.side, l.depth desc
    )
    select
        coalesce(s.oid = t.oid and s.is_array = t.is_array, false) as is_same,
        t.is_text and not t.is_array or s.is_array = t.is_array and coalesce(
            s.oid = t.oid or c.castcontext in ('a', 'i') or t.is_text, false
        ) as is_by_assignment,
        s.is_array = t.is_array and c.castcontext is not null as is_explicit,
        s.is_text as is_from_text,
        s.is_enum and t.is_enum as are_enums,
        t.is_enum as is_to_enum
    from types as s
    join types as t on t.position = s.position and t.side = 'target'
    left join pg_catalog.pg_cast as c on c.castsource = s.oid and c.casttarget = t.oid
    where s.side = 'source'
    order by s.position
"""
