"""What a run needs of the role that it runs as, where tables are there that no revision made."""

from __future__ import annotations

import json
from collections.abc import Iterable

from alembic.util import CommandError
from sqlalchemy import Connection, text

from townhall.pg import sql
from townhall.pg.catalog import TableName


def refuse_without_temporary_objects(connection: Connection) -> None:
    """Refuse a run whose role may not create the temporary functions of the memory.

    Args:
        connection: A connection to the database.

    Raises:
        CommandError: The role lacks the privilege.
    """
    row = connection.execute(text(_MAY_CREATE)).one()
    if not row.may_create:
        raise CommandError(
            f"the role {row.role} may not create temporary objects in the database {row.database},"
            " which it needs to remember what was there before the revisions; nothing was changed."
            f" Grant it: grant temporary on database {row.database} to {row.role}."
        )


def other_owners(tables: Iterable[TableName]) -> str:
    """Return the SQL expression of a message about tables of other owners.

    It is null where the role owns all of them, or is a member of their owners' roles. The temporary
    functions of the memory are there where it is evaluated, whose tables count as well.

    Args:
        tables: Schema and name of tables that are going to be changed, if they exist.
    """
    names = json.dumps(sorted(list(each) for each in tables), ensure_ascii=False)
    return _OTHER_OWNERS.format(tables=sql.literal(names))


def owned_by_others(objects: Iterable[tuple[str, str]]) -> str:
    """Return the SQL expression of a message about functions and views of other owners.

    It is null where the role owns all of them, or is a member of their owners' roles.

    Args:
        objects: Objects that are going to be replaced, in words, and the names of their owners.
    """
    listed = json.dumps(sorted(list(each) for each in objects), ensure_ascii=False)
    return _OWNED_BY_OTHERS.format(objects=sql.literal(listed))


_MAY_CREATE = """
    select
        pg_catalog.has_database_privilege(d.oid, 'temporary') as may_create,
        pg_catalog.quote_ident(current_user) as role,
        pg_catalog.quote_ident(d.datname) as database
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()
"""

_OTHER_OWNERS = """(
    select
        'The role ' || pg_catalog.quote_ident(current_user) || ' can''t change tables of others;'
        ' nothing was changed. Run the command as their owner, as a member of its role, or as a'
        ' superuser.'
        || pg_catalog.string_agg(
            E'\\n- ' || pg_catalog.replace(
                pg_catalog.format(
                    '%I.%I belongs to %I',
                    n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner)
                ),
                E'\\n', '\\n'
            ),
            '' order by n.nspname, c.relname
        )
    from (
        select e.value from pg_catalog.jsonb_array_elements({tables}) as e
        union
        select e.value
        from pg_catalog.jsonb_array_elements(
            pg_catalog.to_jsonb(pg_temp.townhall_found_tables())
        ) as e
    ) as names
    join pg_catalog.pg_namespace as n on n.nspname = names.value ->> 0
    join pg_catalog.pg_class as c on c.relnamespace = n.oid
        and c.relname = names.value ->> 1
        and c.relkind in ('r', 'p')
    where not pg_catalog.pg_has_role(c.relowner, 'usage')
)"""

_OWNED_BY_OTHERS = """(
    select
        'The role ' || pg_catalog.quote_ident(current_user) || ' can''t replace what belongs to'
        ' others; nothing was changed. Run the command as their owner, as a member of its role, or'
        ' as a superuser.'
        || pg_catalog.string_agg(
            pg_catalog.format(E'\\n- %s belongs to %I', o.value ->> 0, o.value ->> 1),
            '' order by o.value ->> 0
        )
    from pg_catalog.jsonb_array_elements({objects}) as o
    where not pg_catalog.pg_has_role((o.value ->> 1)::name, 'usage')
)"""
