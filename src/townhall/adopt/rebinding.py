"""Steps that replace a key to which foreign keys refer, and let these refer to the new one.

The foreign keys are dropped and added again in the transaction that replaces the key, so that no
row escapes them. They are not valid until their rows are validated, which blocks no reads and
writes. A comment marks them until then, so that a run after an interruption goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from townhall.adopt.step import Step
from townhall.migrate.origins.unfinished import MARK
from townhall.migrate.safety.locks import attempts
from townhall.pg import sql
from townhall.pg.catalog import TableName


def replace_key(
    table: TableName, previous: str, title: str, changes: Sequence[str]
) -> Iterable[Step]:
    """Yield what replaces a key, with the foreign keys that refer to it.

    Args:
        table: Schema and name of the table.
        previous: The name of the key or the unique index that goes.
        title: What the changes do.
        changes: The statements that put another key in its place.
    """
    body = _REPLACE.format(
        index=sql.literal(sql.qualified(table[0], previous)),
        mark=sql.literal(MARK),
        changes="\n    ".join(f"{each};" for each in changes),
    )
    yield Step(title, (sql.do(attempts(body)),))


def validate_referring(table: TableName) -> Iterable[Step]:
    """Yield what reads the rows again that refer to a table whose key was replaced."""
    target = sql.qualified(*table)
    body = _VALIDATE.format(table=sql.literal(target), mark=sql.literal(MARK))
    yield Step(
        f"validate the foreign keys that refer to {target}",
        (sql.do(body),),
        is_atomic=False,
        may_wait=True,
    )


_REPLACE = """
declare
    referring constant jsonb := (
        select jsonb_agg(
            jsonb_build_object(
                'child', k.conrelid::regclass,
                'name', k.conname,
                'definition', pg_catalog.pg_get_constraintdef(k.oid),
                'comment', d.description
            )
        )
        from pg_catalog.pg_constraint as k
        left join pg_catalog.pg_description as d on d.classoid = 'pg_constraint'::regclass
            and d.objoid = k.oid
        where k.conindid = to_regclass({index}) and k.contype = 'f' and k.conparentid = 0
    );
    one record;
begin
    for one in
        select * from jsonb_to_recordset(referring) as r (child text, name text)
    loop
        execute pg_catalog.format('alter table %s drop constraint %I', one.child, one.name);
    end loop;
    {changes}
    for one in
        select r.*, r.definition !~ ' (NOT VALID|NOT ENFORCED)$' as is_valid
        from jsonb_to_recordset(referring) as r (
            child text, name text, definition text, comment text
        )
    loop
        execute pg_catalog.format(
            'alter table %s add constraint %I %s%s',
            one.child,
            one.name,
            one.definition,
            case when one.is_valid then ' not valid' end
        );
        execute pg_catalog.format(
            'comment on constraint %I on %s is %L',
            one.name,
            one.child,
            case when one.is_valid then {mark} || coalesce(one.comment, '') else one.comment end
        );
    end loop;
end;
"""

_VALIDATE = """
declare
    one record;
begin
    for one in
        select k.conrelid::regclass as child, k.conname, d.description
        from pg_catalog.pg_constraint as k
        join pg_catalog.pg_description as d on d.classoid = 'pg_constraint'::regclass
            and d.objoid = k.oid
        where k.confrelid = to_regclass({table})
            and k.contype = 'f'
            and k.conparentid = 0
            and pg_catalog.starts_with(d.description, {mark})
    loop
        execute pg_catalog.format(
            'alter table %s validate constraint %I', one.child, one.conname
        );
        execute pg_catalog.format(
            'comment on constraint %I on %s is %L',
            one.conname,
            one.child,
            nullif(pg_catalog.substr(one.description, pg_catalog.length({mark}) + 1), '')
        );
        commit;
    end loop;
end
"""
