"""Which schemas of the search path others can put functions and operators into.

PostgreSQL takes, of all functions of a name on the search path, the one whose arguments fit best,
and only of two with the same arguments the one that comes first. So a function of somebody else, in
any schema of the path, may run in place of one of PostgreSQL's, with the rights of who calls it;
and an operator likewise. Where more than the caller's rights are at work, such a path is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

OWN_NAMES = "pg_catalog, pg_temp"
"""The search path on which only PostgreSQL's own names are found."""

_MOST = 5

FIND = """
with place as (
    select
        n.oid, n.nspname, n.nspowner, n.nspacl,
        n.nspname operator(pg_catalog.=) any (pg_catalog.current_schemas(false)) as is_on_path
    from pg_catalog.pg_namespace as n
    where n.nspname operator(pg_catalog.<>) 'pg_catalog'
        and n.nspname operator(pg_catalog.=) any (
            pg_catalog.current_schemas(false) operator(pg_catalog.||) {declared}
        )
), found as (
    select
        pg_catalog.format(
            'function %I.%I(%s)', p.nspname, f.proname,
            pg_catalog.pg_get_function_identity_arguments(f.oid)
        ) as object,
        f.proowner as owner,
        'pg_catalog.pg_proc'::pg_catalog.regclass as catalog,
        f.oid
    from pg_catalog.pg_proc as f
    join place as p on p.oid operator(pg_catalog.=) f.pronamespace and p.is_on_path
    where exists (
        select from pg_catalog.pg_proc as own
        where own.proname operator(pg_catalog.=) f.proname
            and own.pronamespace operator(pg_catalog.=) 11::pg_catalog.oid
    )
    union all
    select
        pg_catalog.format(
            'operator %I.%s (%s, %s)', p.nspname, o.oprname,
            pg_catalog.format_type(o.oprleft, null), pg_catalog.format_type(o.oprright, null)
        ),
        o.oprowner,
        'pg_catalog.pg_operator'::pg_catalog.regclass,
        o.oid
    from pg_catalog.pg_operator as o
    join place as p on p.oid operator(pg_catalog.=) o.oprnamespace and p.is_on_path
    where exists (
        select from pg_catalog.pg_operator as own
        where own.oprname operator(pg_catalog.=) o.oprname
            and own.oprnamespace operator(pg_catalog.=) 11::pg_catalog.oid
    )
)
select
    array(
        select p.nspname::pg_catalog.text from place as p
        where exists (
            select from pg_catalog.aclexplode(p.nspacl) as a
            where a.grantee operator(pg_catalog.=) 0::pg_catalog.oid
                and a.privilege_type operator(pg_catalog.=) 'CREATE'
        )
        order by p.nspname
    ) as open_schemas,
    array(
        select pg_catalog.format('%s of the role %I', f.object, r.rolname)
        from found as f
        join pg_catalog.pg_roles as r on r.oid operator(pg_catalog.=) f.owner
        where not r.rolsuper
            and r.rolname operator(pg_catalog.<>) current_user
            and r.rolname operator(pg_catalog.<>) session_user
            and not exists (
                select from place as p where p.nspowner operator(pg_catalog.=) r.oid
            )
            and not exists (
                select from pg_catalog.pg_database as d
                where d.datname operator(pg_catalog.=) pg_catalog.current_database()
                    and d.datdba operator(pg_catalog.=) r.oid
            )
            and not exists (
                select from pg_catalog.pg_depend as d
                where d.classid operator(pg_catalog.=) f.catalog::pg_catalog.oid
                    and d.objid operator(pg_catalog.=) f.oid
                    and d.deptype operator(pg_catalog.=) 'e'::pg_catalog."char"
            )
        order by 1
    ) as objects,
    array(
        select pg_catalog.format('revoke create on schema %I from %I', p.nspname, g.rolname)
        from place as p
        cross join lateral pg_catalog.aclexplode(p.nspacl) as a
        join pg_catalog.pg_roles as g on g.oid operator(pg_catalog.=) a.grantee
        join pg_catalog.pg_database as d
            on d.datname operator(pg_catalog.=) pg_catalog.current_database()
        where a.privilege_type operator(pg_catalog.=) 'CREATE'
            and g.oid operator(pg_catalog.<>) p.nspowner
            and exists (
                select from pg_catalog.pg_roles as r
                where r.rolcanlogin
                    and not r.rolsuper
                    and r.rolname operator(pg_catalog.<>) session_user
                    and pg_catalog.pg_has_role(r.oid, g.oid, 'member')
                    and not pg_catalog.pg_has_role(r.rolname, current_user, 'member')
                    and not pg_catalog.pg_has_role(r.oid, p.nspowner, 'member')
                    and not pg_catalog.pg_has_role(r.oid, d.datdba, 'member')
            )
        order by p.nspname, g.rolname
    ) as revokes
"""
"""The query for them. Every name in it is PostgreSQL's, whichever the search path is.

``{declared}`` stands for an array of type ``name[]``.
"""


class Traps(NamedTuple):
    """What others can put, or have put, in the place of PostgreSQL's functions and operators.

    Not others are the owner of the database, that of the schema, the role itself, and superusers;
    what belongs to an extension is left out.

    Attributes:
        open_schemas: The schemas in which everybody may create objects.
        objects: Functions and operators of others, with their owners.
        revokes: The statements after which no other role may create in one of the schemas, apart
            from the members of those who are not others.
    """

    open_schemas: Sequence[str]
    objects: Sequence[str]
    revokes: Sequence[str]


def refusal(traps: Traps) -> str | None:
    """Return why a search path is refused, and what to do; None where it is not.

    Args:
        traps: What was found.
    """
    if traps.open_schemas:
        names = ", ".join(map(_quoted, traps.open_schemas))
        return (
            f"everybody may create objects in the schema {names}, and so functions and operators"
            " that would run in place of PostgreSQL's with the rights of this role. As the owner of"
            f" the schema or a superuser: revoke create on schema {names} from public"
        )
    if traps.objects:
        names = "; ".join(traps.objects[:_MOST])
        more = len(traps.objects) - _MOST
        return (
            "other roles have functions or operators on the search path that would run in place of"
            f" PostgreSQL's with the rights of this role: {names}"
            + (f"; and {more} more" if more > 0 else "")
            + ". Drop them, or have a role own them that is trusted: the owner of the database"
        )
    return None


def refusal_of_creators(traps: Traps) -> str | None:
    """Return why a search path is refused on which single roles may put something at any time.

    A session of the service is not refused for it: the role that migrates may often create.

    Args:
        traps: What was found.
    """
    if not traps.revokes:
        return None
    return (
        "other roles may create objects in the schemas of the search path, and so functions and"
        " operators that would run in place of PostgreSQL's with the rights of this role. As the"
        f" owner of the schema or a superuser: {'; '.join(traps.revokes)}. Where such a role is"
        " trusted, make it a member of the owner of the database instead"
    )


def _quoted(name: str) -> str:
    is_plain = name.isascii() and name.isidentifier() and name == name.lower()
    return name if is_plain else '"{}"'.format(name.replace('"', '""'))
