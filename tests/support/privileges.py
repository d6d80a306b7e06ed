"""The effective privileges of the API's roles, and the declared ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from townhall import entities
from townhall.pg import API_ROLES, Function, MaterializedView, TableAccess, View
from townhall.testing.settings import set_locally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


class Privilege(NamedTuple):
    """An effective privilege."""

    role: str
    privilege: str
    target: str


def effective_privileges(connection: Connection) -> set[Privilege]:
    """Return the privileges of ``anon``, ``authenticated`` and ``service_role`` in our schemas.

    Privileges on schemas, tables, views, their columns, sequences and functions count, whether
    they were granted to the role, to ``public`` or by default. A privilege on a whole table stands
    for that on its columns.

    Args:
        connection: A connection to the database.
    """
    with set_locally(connection, {"search_path": ""}):
        return {
            Privilege(*row)
            for row in connection.execute(_PRIVILEGES, {"on_tables": list(_ON_TABLES)})
        }


def declared_privileges() -> set[Privilege]:
    """Return the privileges that our entities declare for the API's roles."""
    return {
        *(
            Privilege(role, "usage", f"schema {name}")
            for name in ("public", "private")
            for role in API_ROLES
        ),
        *(
            privilege
            for entity in entities
            if isinstance(entity, TableAccess | View | MaterializedView)
            for role, texts in entity.grants.items()
            for text in texts
            for privilege in _granted(role, text, ".".join(entity.name_parts))
        ),
        *(
            Privilege(role, "execute", ".".join(entity.name_parts).replace(", ", ","))
            for entity in entities
            if isinstance(entity, Function)
            for role in entity.execute
        ),
    }


def _granted(role: str, text: str, relation: str) -> Iterator[Privilege]:
    privilege, _, columns = text.removesuffix(")").partition(" (")
    if columns:
        yield from (Privilege(role, privilege, f"{relation}.{c}") for c in columns.split(", "))
    else:
        names = _ON_TABLES if privilege == "all" else (privilege,)
        yield from (Privilege(role, name, relation) for name in names)


_ON_TABLES = ("select", "insert", "update", "delete", "truncate", "references", "trigger")

_PRIVILEGES = text("""
with
roles as (
    select rolname::text as role
    from pg_catalog.pg_roles
    where rolname in ('anon', 'authenticated', 'service_role')
),

relations as (
    select c.oid, c.relkind, c.oid::regclass::text as name
    from pg_catalog.pg_class as c
    where c.relnamespace in (to_regnamespace('public'), to_regnamespace('private'))
),

on_tables as (
    select r.role, p.privilege, c.oid, c.name
    from roles as r
    cross join relations as c
    cross join unnest(cast(:on_tables as text[])) as p (privilege)
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and has_table_privilege(r.role, c.oid, p.privilege)
)

select role, privilege, name
from on_tables

union all
select r.role, p.privilege, c.name || '.' || a.attname
from roles as r
cross join relations as c
cross join (values ('select'), ('insert'), ('update'), ('references')) as p (privilege)
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and has_column_privilege(r.role, c.oid, a.attnum, p.privilege)
    and (r.role, p.privilege, c.oid) not in (select role, privilege, oid from on_tables)

union all
select r.role, p.privilege, c.name
from roles as r
cross join relations as c
cross join (values ('usage'), ('select'), ('update')) as p (privilege)
where case when c.relkind = 'S' then has_sequence_privilege(r.role, c.oid, p.privilege) end

union all
select r.role, 'execute', p.oid::regprocedure::text
from roles as r
cross join pg_catalog.pg_proc as p
where p.pronamespace in (to_regnamespace('public'), to_regnamespace('private'))
    and has_function_privilege(r.role, p.oid, 'execute')

union all
select r.role, p.privilege, 'schema ' || n.nspname
from roles as r
cross join pg_catalog.pg_namespace as n
cross join (values ('usage'), ('create')) as p (privilege)
where n.nspname in ('public', 'private') and has_schema_privilege(r.role, n.oid, p.privilege)
""")
