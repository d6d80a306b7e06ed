"""What can be told of the objects of a database in words that are those of any server version.

They say which objects are there and what each uses, which types columns have, and what functions
take and return. So they tell two states of a database apart in which PostgreSQL refuses different
changes.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection


class Trace(NamedTuple):
    """What can be told of an object.

    Attributes:
        thing: The object: ``view lab.seats``.
        trait: What it uses, is or returns: ``uses table column lab.events.id``.
    """

    thing: str
    trait: str

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.thing} {self.trait}"


def read_traces(connection: Connection) -> set[Trace]:
    """Return what can be told of all objects that are not PostgreSQL's own.

    Args:
        connection: A connection within a transaction.
    """
    found = connection.exec_driver_sql(TRACES, execution_options={"no_parameters": True})
    return {Trace(*row) for row in found}


_OBJECT = "pg_catalog.pg_identify_object({}, {}, {})"
_TYPE = _OBJECT.format("'pg_catalog.pg_type'::regclass", "{}", 0)
_FIRST_OWN_OID = 16384  # those before are PostgreSQL's

TRACES = f"""
    select
        u.type || ' ' || u.identity as thing,
        'uses ' || r.type || ' ' || r.identity as trait
    from (
        select distinct
            case
                when w.oid is null then d.classid else 'pg_catalog.pg_class'::regclass
            end as class,
            coalesce(w.ev_class, d.objid) as object,
            d.refclassid,
            d.refobjid,
            d.refobjsubid
        from pg_catalog.pg_depend as d
        left join pg_catalog.pg_rewrite as w
            on d.classid = 'pg_catalog.pg_rewrite'::regclass and w.oid = d.objid
        left join pg_catalog.pg_constraint as o
            on d.classid = 'pg_catalog.pg_constraint'::regclass and o.oid = d.objid
        left join pg_catalog.pg_trigger as t
            on d.classid = 'pg_catalog.pg_trigger'::regclass and t.oid = d.objid
        where d.deptype in ('n', 'a')
            and d.objid >= {_FIRST_OWN_OID}
            and d.refobjid >= {_FIRST_OWN_OID}
            -- Constraints of not null are objects since PostgreSQL 18.
            and o.contype is distinct from 'n'
            and t.tgisinternal is not true
    ) as d
    cross join lateral {_OBJECT.format("d.class", "d.object", 0)} as u
    cross join lateral {_OBJECT.format("d.refclassid", "d.refobjid", "d.refobjsubid")} as r
    where (d.class, d.object) <> (d.refclassid, d.refobjid)
    union all
    select
        u.type || ' ' || u.identity,
        'is of type ' || y.identity || coalesce(' with modifier ' || nullif(a.atttypmod, -1), '')
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'm')
    cross join lateral
        {_OBJECT.format("'pg_catalog.pg_class'::regclass", "c.oid", "a.attnum")} as u
    cross join lateral {_TYPE.format("a.atttypid")} as y
    where c.oid >= {_FIRST_OWN_OID} and a.attnum > 0 and not a.attisdropped
    union all
    select u.type || ' ' || u.identity, 'returns ' || y.identity
    from pg_catalog.pg_proc as p
    cross join lateral {_OBJECT.format("'pg_catalog.pg_proc'::regclass", "p.oid", 0)} as u
    cross join lateral {_TYPE.format("p.prorettype")} as y
    where p.oid >= {_FIRST_OWN_OID}
    union all
    select u.type || ' ' || u.identity, 'has the arguments ' || a.listed
    from pg_catalog.pg_proc as p
    cross join lateral {_OBJECT.format("'pg_catalog.pg_proc'::regclass", "p.oid", 0)} as u
    cross join lateral (
        select string_agg(concat_ws(' ', p.proargnames[a.n], y.identity), ', ' order by a.n)
        from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as a (type, n)
        cross join lateral {_TYPE.format("a.type")} as y
    ) as a (listed)
    where p.oid >= {_FIRST_OWN_OID} and a.listed is not null
"""
"""The query of ``read_traces``."""
