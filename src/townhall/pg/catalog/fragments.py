"""Conditions and fragments that every reading of the catalog shares."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping

if TYPE_CHECKING:
    from collections.abc import Iterator


Key = tuple[str, ...]
"""The kind of an object, and its names."""

_IS_EMPTY = "townhall_empty_search_path"


def rows(connection: Connection, query: str, schemas: Sequence[str]) -> Sequence[RowMapping]:
    """Return the rows of a catalog query.

    Args:
        connection: A connection to the database.
        query: A query with the parameter ``%(schemas)s``.
        schemas: The schemas to look into.
    """
    # As the driver has it: SQLAlchemy would take the text apart each time.
    return connection.exec_driver_sql(query, {"schemas": list(schemas)}).mappings().all()


def kind_of_type(alias: str) -> str:
    """Return the expression of a type's kind, as its entity has it.

    Args:
        alias: The query's alias for ``pg_type``.
    """
    return f"""
        case {alias}.typtype
            when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite type'
            when 'r' then 'range type' else 'other'
        end
    """


def not_of_an_extension(catalog: str, alias: str) -> str:
    """Return the condition that an extension did not bring the object.

    Args:
        catalog: The catalog the object is in: ``pg_proc``.
        alias: The query's alias for that catalog.
    """
    # In this form the extensions' objects are read once, whatever the planner knows of them, and
    # through an index.
    return f"""{alias}.oid not in (
        select d.objid from pg_catalog.pg_depend as d
        where d.refclassid = 'pg_catalog.pg_extension'::regclass
            and d.classid = 'pg_catalog.{catalog}'::regclass
            and d.deptype = 'e'
    )"""


def comment_on(kind: str, names: str, comment: str) -> str:
    """Return the expression of the statement that comments on an object, or of null without one.

    Args:
        kind: What is commented on, with placeholders: ``constraint %I on %s``.
        names: The expressions of the placeholders, separated by commas.
        comment: The expression of the comment.
    """
    statement = f"format('comment on {kind} is %L', {names}, {comment})"
    return f"case when {comment} is not null then {statement} end"


IDENTIFIED = """(i.schema is null or i.schema = any (
            select pg_catalog.quote_ident(s.name) from pg_catalog.unnest(%(schemas)s) as s (name)
        ))"""
"""Whether what ``pg_identify_object`` says, as ``i``, is in one of the schemas, or in none."""


def is_of_column(alias: str) -> str:
    """Return the condition that a sequence is that of an identity or serial column.

    Args:
        alias: The query's alias for the sequence in ``pg_class``.
    """
    return f"""exists (
            select
            from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = {alias}.oid
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and (
                    d.deptype = 'i'
                    -- The default of the column that owns it.
                    or d.deptype = 'a' and exists (
                        select
                        from pg_catalog.pg_attrdef as f
                        join pg_catalog.pg_depend as u
                            on u.classid = 'pg_catalog.pg_attrdef'::regclass and u.objid = f.oid
                        where f.adrelid = d.refobjid and f.adnum = d.refobjsubid
                            and u.refclassid = 'pg_catalog.pg_class'::regclass
                            and u.refobjid = {alias}.oid
                    )
                )
        )"""


def comment(catalog: str, alias: str) -> str:
    """Return the comment on an object, or null.

    Args:
        catalog: The catalog the object is in: ``pg_proc``.
        alias: The query's alias for that catalog.
    """
    return f"""(
        select d.description from pg_catalog.pg_description as d
        where d.classoid = 'pg_catalog.{catalog}'::regclass
            and d.objoid = {alias}.oid
            and d.objsubid = 0
    )"""


def kept_for_a_partition(alias: str) -> str:
    """Return the condition that a foreign key is one of those to single partitions.

    PostgreSQL keeps one for each partition of the table that a foreign key refers to.

    Args:
        alias: The query's alias for ``pg_constraint``.
    """
    # Nearly all constraints have no other one above them.
    return f"""({alias}.conparentid <> 0 and exists (
        select
        from pg_catalog.pg_constraint as whole
        where whole.oid = {alias}.conparentid and whole.conrelid = {alias}.conrelid
    ))"""


COLUMN_OPTIONS = """array(
    select o.option
    from unnest(a.attoptions) with ordinality as o (option, number)
    -- PostgreSQL 15.20 keeps a number of its own there.
    where not starts_with(o.option, 'pg_attver=')
    order by o.number
)"""
"""The options that are set for a column, a row ``a`` of ``pg_attribute``, in their order."""

NOT_A_CONSTRUCTOR = """p.oid not in (
            select d.objid
            from pg_catalog.pg_depend as d
            where d.refclassid = 'pg_catalog.pg_type'::regclass
                and d.classid = 'pg_catalog.pg_proc'::regclass
                and d.deptype = 'i'
        )"""
"""Whether a row ``p`` of ``pg_proc`` is none of the functions that belong to a range type."""

SIGNATURE = """
    p.proname || '(' || array_to_string(array(
        select pg_catalog.format_type(a.type, null)
        from unnest(p.proargtypes::oid[]) with ordinality as a (type, position)
        order by a.position
    ), ', ') || ')'
"""
"""The name of a row ``p`` of ``pg_proc`` with the types of its arguments."""


def grantee(entry: str) -> str:
    """Return the role of an entry of an access control list as SQL names it, or ``public``.

    Args:
        entry: The query's alias for a row of ``aclexplode``.
    """
    return f"case {entry}.grantee when 0 then 'public' else {entry}.grantee::regrole::text end"


def name_of_grantee(entry: str) -> str:
    """Return the name of the role of an entry, unquoted, or ``public``.

    Args:
        entry: The query's alias for a row of ``aclexplode``.
    """
    name = f"pg_catalog.pg_get_userbyid({entry}.grantee)::text"
    return f"case {entry}.grantee when 0 then 'public' else {name} end"


def grant_option(entry: str) -> str:
    """Return the end of the grant of an entry where its holder may grant it to others, or null.

    Args:
        entry: The query's alias for a row of ``aclexplode``.
    """
    return f"case when {entry}.is_grantable then ' with grant option' end"


def firing(enabled: str) -> str:
    """Return how ``alter table`` sets when a trigger or a rule fires, unless it is the default.

    Args:
        enabled: The column that holds it: ``t.tgenabled``.
    """
    return f"""case {enabled}
                    when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always'
                end"""


def entries(acl: str, owner: str, kind: str) -> str:
    """Return a JSON array of the access control entries of an object but its owner's, or null.

    Args:
        acl: The column that holds the access control list.
        owner: The column that holds the owner.
        kind: The object's letter for ``acldefault``: ``r`` for a relation, ``f`` for a function.
    """
    return f"""(
        select json_agg(json_build_object(
            'grantee', {name_of_grantee("a")},
            'privilege', a.privilege_type,
            'is_grantable', a.is_grantable,
            'column', null
        ))
        from ({once_each(f"coalesce({acl}, pg_catalog.acldefault('{kind}', {owner}))")}) as a
        where a.grantee <> {owner}
    )"""


def once_each(acl: str) -> str:
    """Return a query of the entries of a list, each privilege of a role once.

    Several roles may have granted a privilege to the same one; who granted it is left out.

    Args:
        acl: The access control list.
    """
    return f"""
            select e.grantee, e.privilege_type, bool_or(e.is_grantable) as is_grantable
            from pg_catalog.aclexplode({acl}) as e
            group by e.grantee, e.privilege_type
        """


def other_owner(owner: str) -> str:
    """Return the name of an object's owner, or null where that is the current role.

    Args:
        owner: The column that holds the owner.
    """
    return f"""case when {owner} <> current_user::regrole then
            pg_catalog.pg_get_userbyid({owner})
        end"""


def column_entries(relation: str) -> str:
    """Return a JSON array of the access control entries on a relation's columns, or null.

    Args:
        relation: The query's alias for ``pg_class``.
    """
    return f"""(
        select json_agg(json_build_object(
            'grantee', {name_of_grantee("a")},
            'privilege', a.privilege_type,
            'is_grantable', a.is_grantable,
            'column', col.attname
        ) order by col.attnum)
        from pg_catalog.pg_attribute as col
        cross join lateral ({once_each("col.attacl")}) as a
        where col.attrelid = {relation}.oid and col.attacl is not null and not col.attisdropped
            and a.grantee <> {relation}.relowner
    )"""


def column_comments(relation: str) -> str:
    """Return a JSON object with the comments on a relation's columns, by column, or null.

    Args:
        relation: The query's alias for ``pg_class``.
    """
    return f"""(
        select jsonb_object_agg(col.attname, d.description order by col.attnum)
        from pg_catalog.pg_description as d
        join pg_catalog.pg_attribute as col on col.attrelid = d.objoid and col.attnum = d.objsubid
        where d.classoid = 'pg_catalog.pg_class'::regclass and d.objoid = {relation}.oid
            and d.objsubid > 0
    )"""


def server_version(connection: Connection) -> int:
    """Return the server's major version."""
    version: Any = connection.dialect.server_version_info
    return int(version[0])


@contextmanager
def empty_search_path(connection: Connection) -> Iterator[None]:
    """Read with an empty search path, so that PostgreSQL qualifies every name it renders.

    Nor does it compile queries of the catalogs meanwhile (``jit``), which takes seconds for those
    that follow dependencies: their estimated costs are high, and they run for milliseconds.
    Within another one it takes no statement.

    Args:
        connection: A connection within a transaction.
    """
    if connection.info.get(_IS_EMPTY):
        yield
        return
    before = connection.exec_driver_sql(_READING).mappings().one()
    connection.info[_IS_EMPTY] = True
    try:
        yield
    finally:
        del connection.info[_IS_EMPTY]
    connection.exec_driver_sql(_AS_BEFORE, {"path": before["path"], "jit": before["jit"]})


_READING = """
    select
        current_setting('search_path') as path,
        current_setting('jit') as jit,
        set_config('search_path', '', true),
        set_config('jit', 'off', true)
"""
_AS_BEFORE = """
    select set_config('search_path', %(path)s, true), set_config('jit', %(jit)s, true)
"""


def set_search_path(connection: Connection, path: str) -> None:
    """Set the search path until the end of the transaction.

    Args:
        connection: A connection within a transaction.
        path: The search path, as PostgreSQL writes it.
    """
    connection.exec_driver_sql("select set_config('search_path', %(path)s, true)", {"path": path})
