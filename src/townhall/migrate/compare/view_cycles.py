"""Views that select from themselves, directly or by way of what reads them.

PostgreSQL lets a view be replaced by one that reads it. Such views are dropped and created by way
of a placeholder with the same columns that reads nothing, as ``pg_dump`` does it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from alembic.operations import MigrateOperation
from sqlalchemy import Connection, text

from townhall.pg import CreateEntityOp, DropEntityOp, ReplaceEntityOp, View


def with_placeholders(
    connection: Connection, operations: Sequence[MigrateOperation]
) -> list[MigrateOperation]:
    """Return operations in which no view that is dropped, or created again, reads itself.

    Args:
        connection: A connection within a transaction, to the database as it is.
        operations: The operations, in the order to try.
    """
    views = {
        each.target.literal_name: each.target
        for each in operations
        if isinstance(each, DropEntityOp) and isinstance(each.target, View)
    }
    circular = [views[name] for name in reading_themselves(connection, [*views])]
    if not circular:
        return [*operations]
    placeholders = {view.key: view.placeholder() for view in circular}
    changed: list[MigrateOperation] = []
    replacements: list[MigrateOperation] = []
    for each in operations:
        if not isinstance(each, CreateEntityOp | DropEntityOp) or (
            (placeholder := placeholders.get(each.target.key)) is None
        ):
            changed.append(each)
        elif isinstance(each, DropEntityOp):
            changed.append(DropEntityOp(placeholder, why=each.why))
        else:
            changed.append(CreateEntityOp(placeholder))
            replacements.append(ReplaceEntityOp(each.target, placeholder))
    before = [ReplaceEntityOp(placeholders[view.key], view) for view in circular]
    return [*before, *changed, *replacements]


def reading_themselves(connection: Connection, names: Sequence[str]) -> Iterator[str]:
    """Yield views so that none reads itself once these read nothing, the oldest ones first.

    Args:
        connection: A connection to the database.
        names: The views as qualified identifiers.
    """
    uses: dict[int, set[int]] = defaultdict(set)
    views: dict[int, str] = {}
    for row in connection.execute(text(_USES), {"names": names}) if names else ():
        uses[row.object].add(row.used)
        if row.name is not None:
            views[row.object] = row.name
    for view in sorted(views):
        if view in _reached(view, uses):
            uses[view].clear()
            yield views[view]


def _reached(start: int, uses: Mapping[int, set[int]]) -> set[int]:
    reached: set[int] = set()
    following = {start}
    while following:
        following = {used for each in following for used in uses.get(each, ())} - reached
        reached |= following
    return reached


_USES = """
    with recursive uses as materialized (
        select
            case when r.oid is null then d.objid else r.ev_class end as object,
            coalesce(nullif(t.typrelid, 0), nullif(e.typrelid, 0), d.refobjid) as used
        from pg_catalog.pg_depend as d
        left join pg_catalog.pg_rewrite as r
            on d.classid = 'pg_catalog.pg_rewrite'::regclass
            and r.oid = d.objid
            and r.rulename = '_RETURN'
        left join pg_catalog.pg_type as t
            on d.refclassid = 'pg_catalog.pg_type'::regclass and t.oid = d.refobjid
        left join pg_catalog.pg_type as e on e.oid = t.typelem
        where d.deptype = 'n'
            and (r.oid is not null or d.classid = 'pg_catalog.pg_proc'::regclass)
            and not (
                r.ev_class is not distinct from d.refobjid
                and current_setting('server_version_num')::integer < 160000
                and regexp_count(r.ev_action::text, format('relid %s\\M', r.ev_class)) <= 2
            )
    ),
    views as (
        select name, pg_catalog.to_regclass(name)::oid as oid
        from unnest(cast(:names as text[])) as name
    ),
    reached as (
        select u.object, u.used
        from views as v
        join uses as u on u.object = v.oid
        union
        select u.object, u.used
        from reached as r
        join uses as u on u.object = r.used
    )
    select r.object, r.used, v.name
    from reached as r
    left join views as v on v.oid = r.object
"""
"""
What views read, directly or not: by their queries, and by bodies in the form of the SQL standard
and types of functions. Before 16 the query of each view names the view twice, as the old and the
new row of its rule.
"""
