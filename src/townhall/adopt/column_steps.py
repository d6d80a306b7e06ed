"""Steps that make the columns of an existing table what is declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from townhall.adopt.number_steps import number
from townhall.adopt.step import Step
from townhall.migrate.origins.unfinished import PROOF
from townhall.migrate.safety.locks import attempts
from townhall.pg import ddl, sql
from townhall.pg.catalog import Column, TableName

_STABLE = re.compile(r"(?:now|transaction_timestamp)\(\)")
_CALL = re.compile(r"\w\(")
_BLOCKS = 64
_PASSES = 3
# A client that deletes a referenced row waits for the table, and the row for the client.
_REPEATED = "lock_not_available or deadlock_detected or foreign_key_violation"


def add(table: TableName, column: Column, fill: str | None) -> Iterable[Step]:
    """Yield what adds a column with its values for the rows that are there.

    One without a default accepts NULL until the upgrade has made the trigger that gives later rows
    their values.

    Args:
        table: Schema and name of the table.
        column: The column as declared.
        fill: The expression of its value in an existing row; None for its default.
    """
    if fill is None and not _differs_by_row(column):
        yield _addition(table, column)
        return
    yield from add_empty(table, column)
    if column.sequence is not None:
        yield from number(table, column, column._replace(sequence=None))
    else:
        yield from set_defaults(table, [column])
    yield from fill_null(table, {column.name: fill or str(column.default)})
    if not column.is_nullable and column.default is not None:
        yield from refuse_null(table, [column.name])


def _differs_by_row(column: Column) -> bool:
    # PostgreSQL rewrites the table for such a default.
    return bool(column.default and _CALL.search(_STABLE.sub("", column.default)))


def add_empty(table: TableName, column: Column) -> Iterable[Step]:
    """Yield what adds a column that is NULL in every row, and accepts that for now."""
    empty = column._replace(
        is_nullable=True, default=None, computed=None, identity=(), sequence=None
    )
    yield _addition(table, empty)


def _addition(table: TableName, column: Column) -> Step:
    statement = ddl.add_missing_column(sql.qualified(*table), column)
    return Step(f"add column {sql.qualified(*table, column.name)}", (statement,))


def set_defaults(table: TableName, columns: Sequence[Column]) -> Iterable[Step]:
    """Yield what gives columns the declared default, or none."""
    target, names = sql.qualified(*table), sql.quote_all(each.name for each in columns)
    statements = (ddl.alter_default(target, each.name, each.default) for each in columns)
    yield Step(f"set the default of {names} of {target}", tuple(statements))


def keep_default_of_domain(table: TableName, column: Column) -> Iterable[Step]:
    """Yield what gives a column of its own the default that it takes from its domain."""
    target = sql.qualified(*table)
    yield Step(
        f"keep the default of the domain of {sql.qualified(*table, column.name)}",
        (ddl.alter_default(target, column.name, column.default),),
        is_theirs=True,
    )


def accept_null(table: TableName, column: str) -> Iterable[Step]:
    """Yield what lets a column accept NULL."""
    statement = ddl.alter_nullability(sql.qualified(*table), column, is_nullable=True)
    yield Step(f"accept NULL in {sql.qualified(*table, column)}", (statement,))


def drop(table: TableName, column: str) -> Iterable[Step]:
    """Yield what drops a column that is not declared, with its values."""
    statement = ddl.drop_column(sql.qualified(*table), column)
    yield Step(f"drop column {sql.qualified(*table, column)}", (statement,))


def fill_null(table: TableName, values: Mapping[str, str]) -> Iterable[Step]:
    """Yield what fills the rows of a table in which columns are NULL, some blocks at a time.

    Args:
        table: Schema and name of the table, whose alias is ``t``.
        values: Expressions over the columns of a row, by the column that they fill.
    """
    if not values:
        return
    target = sql.qualified(*table)
    assignments = ",\n            ".join(
        f"{sql.quote(name)} = coalesce(t.{sql.quote(name)}, {value})"
        for name, value in values.items()
    )
    condition = " or ".join(f"t.{sql.quote(name)} is null" for name in values)
    rows = f"""t.ctid >= pg_catalog.format('(%s,0)', townhall_block)::tid
            and t.ctid < pg_catalog.format('(%s,0)', townhall_block + {_BLOCKS})::tid
            and ({condition})"""
    changes = f"""
set constraints all immediate;
foreach one in array quiet loop
    execute pg_catalog.format(
        'alter table %s disable trigger %s', {sql.literal(target)}, one
    );
end loop;
if is_forced then
    alter table {target} no force row level security;
end if;
update {target} as t
set {assignments}
where {rows};
if is_forced then
    alter table {target} force row level security;
end if;
foreach one in array quiet loop
    execute pg_catalog.format(
        'alter table %s enable trigger %s', {sql.literal(target)}, one
    );
end loop;
"""
    body = f"""
#variable_conflict use_column
declare
    -- A fill is no change of a row that a trigger should stamp, count or audit.
    quiet constant text[] := array(
        select pg_catalog.quote_ident(t.tgname)
        from pg_catalog.pg_trigger as t
        where t.tgrelid = {sql.literal(target)}::regclass
            and not t.tgisinternal
            and t.tgenabled = 'O'
            and t.tgtype & 16 <> 0
    );
    -- Forced policies would hide rows from the owner of the table.
    is_forced constant boolean := (
        select c.relforcerowsecurity
        from pg_catalog.pg_class as c
        where c.oid = {sql.literal(target)}::regclass
    );
    one text;
begin
    -- What clients write meanwhile may come to lie in blocks that were done.
    for townhall_pass in 1..{_PASSES} loop
        exit when not exists (
            select
            from {target} as t
            where {condition}
        );
        for townhall_block in 0..pg_catalog.pg_relation_size({sql.literal(target)})
            / pg_catalog.current_setting('block_size')::bigint by {_BLOCKS} loop
            continue when not exists (
                select
                from {target} as t
                where {rows}
            );
            {sql.indented(attempts(changes, _REPEATED), " " * 8).strip()};
            commit;
        end loop;
    end loop;
end
"""
    statement = f"do {sql.dollar_quoted(body, 'fill')}"
    yield Step(f"fill {sql.quote_all(values)} of {target}", (statement,), is_atomic=False)


def refuse_null(table: TableName, columns: Sequence[str]) -> Iterable[Step]:
    """Yield what lets columns refuse NULL, by way of checks that are validated first."""
    if not columns:
        return
    target = sql.qualified(*table)
    names = [sql.generated_name(name, [], PROOF) for name in columns]
    proofs = dict(zip(columns, map(sql.quote, names), strict=True))

    def alter(changes: Iterable[str]) -> str:
        return f"alter table {target}\n    " + ",\n    ".join(changes)

    drop = alter(f"drop constraint if exists {proof}" for proof in proofs.values())
    yield Step(
        f"refuse NULL in later rows of {sql.quote_all(columns)} of {target}",
        (
            drop,
            alter(
                f"add constraint {proof} check ({sql.quote(name)} is not null) not valid"
                for name, proof in proofs.items()
            ),
        ),
    )
    yield Step(
        f"prove that {sql.quote_all(columns)} of {target} has no NULL",
        (alter(f"validate constraint {proof}" for proof in proofs.values()),),
        is_atomic=False,
        may_wait=True,
        undo=(drop,),
    )
    yield Step(
        f"refuse NULL in {sql.quote_all(columns)} of {target}",
        (
            # In one statement PostgreSQL would drop the checks first, and then scan the table.
            alter(f"alter column {sql.quote(name)} set not null" for name in columns),
            alter(f"drop constraint {proof}" for proof in proofs.values()),
        ),
    )
