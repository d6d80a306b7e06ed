"""Steps that make the constraints and indexes of an existing table what is declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from townhall.adopt.definitions import validated
from townhall.adopt.step import Rename, Step, without_limit
from townhall.migrate.safety.locks import locks_at_once
from townhall.pg import ddl, sql
from townhall.pg.catalog import Constraint, Index, TableName

_KEY = re.compile(
    r"(?P<kind>UNIQUE|PRIMARY KEY)(?P<nulls> NULLS NOT DISTINCT)? (?P<columns>\([^()]*\))"
    r"(?P<include> INCLUDE \([^()]*\))?(?P<deferrable>.*)"
)
_STRONGEST = "access exclusive"
_CREATE_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX ")


def rename(table: TableName, renames: Sequence[Rename]) -> Iterable[Step]:
    """Yield what gives constraints and indexes of a table their declared names."""
    target = sql.qualified(*table)
    statements = [
        f"alter index {sql.qualified(table[0], each.previous)} rename to {sql.quote(each.name)}"
        if each.kind == "index"
        else ddl.rename_constraint(target, each.previous, each.name)
        for each in renames
    ]
    listed = sql.quote_all(each.previous for each in renames)
    yield Step(f"rename {listed} of {target}", tuple(statements), renames=tuple(renames))


def validate(table: TableName, name: str) -> Iterable[Step]:
    """Yield what checks the rows that were there before a constraint."""
    statements = without_limit(ddl.validate_constraint(sql.qualified(*table), name))
    yield Step(
        f"validate constraint {name} of {sql.qualified(*table)}", statements, is_atomic=False
    )


def add(table: TableName, constraint: Constraint) -> Iterable[Step]:
    """Yield what adds a constraint that the table does not have."""
    yield from _add(table, constraint, None)


def replace(table: TableName, constraint: Constraint, previous: Constraint) -> Iterable[Step]:
    """Yield what puts a constraint in the place of another one, with no moment without either.

    Args:
        table: Schema and name of the table.
        constraint: The constraint as declared.
        previous: The constraint that goes.
    """
    yield from _add(table, constraint, previous)


def _add(table: TableName, constraint: Constraint, previous: Constraint | None) -> Iterable[Step]:
    target = sql.qualified(*table)
    title = f"add constraint {constraint.name} to {target}"
    drop = [] if previous is None else [f"drop constraint {sql.quote(previous.name)}"]
    definition = validated(constraint.definition)
    if constraint.kind in {"primary key", "unique"} and (key := _KEY.fullmatch(definition)):
        yield from _add_key(table, constraint.name, key, drop)
        return
    can_be_apart = constraint.kind in {"check", "foreign key"}
    added = f"add constraint {sql.quote(constraint.name)} {definition}"
    suffix = " not valid" if can_be_apart else ""
    if previous is not None and (previous.name == constraint.name or not can_be_apart):
        alter = f"alter table {target} {', '.join([*drop, added])}{suffix}"
        yield Step(title, (*_locks(target, _STRONGEST, previous, constraint), alter))
        previous = None
    else:
        alter = f"alter table {target} {added}{suffix}"
        yield Step(title, (*_locks(target, "share row exclusive", constraint), alter))
    if can_be_apart and constraint.is_validated:
        yield from validate(table, constraint.name)
    if previous is not None:
        yield from drop_constraint(table, previous)


def _locks(target: str, mode: str, *constraints: Constraint) -> list[str]:
    """Return what locks the tables of foreign keys at once; other constraints have one table."""
    referenced = {each.referenced for each in constraints if each.referenced is not None}
    tables = [target, *sorted(referenced - {target})]
    return [locks_at_once((table, mode) for table in tables)] if referenced else []


def _add_key(table: TableName, name: str, key: re.Match[str], drop: list[str]) -> Iterable[Step]:
    target, index = sql.qualified(*table), sql.shortened(f"{name[:57]}_build")
    columns = f"{key['columns']}{key['include'] or ''}{key['nulls'] or ''}"
    build = f"create unique index concurrently {sql.quote(index)} on {target} {columns}"
    yield Step(
        f"build the index of {name} of {target}",
        (f"drop index if exists {sql.qualified(table[0], index)}", *without_limit(build)),
        is_atomic=False,
        adds=((*table, "index", index),),
    )
    clause = f"{key['kind']} using index {sql.quote(index)}{key['deferrable'] or ''}"
    added = f"add constraint {sql.quote(name)} {clause}"
    yield Step(
        f"add constraint {name} to {target}",
        (f"alter table {target} {', '.join([*drop, added])}",),
    )


def from_index(table: TableName, constraint: Constraint, index: Index) -> Iterable[Step]:
    """Yield what makes a unique index the declared key, with its name."""
    key = _KEY.fullmatch(constraint.definition)
    assert key is not None  # noqa: S101 - compared as one
    target = sql.qualified(*table)
    clause = f"{key['kind']} using index {sql.quote(index.name)}{key['deferrable'] or ''}"
    yield Step(
        f"make index {index.name} the constraint {constraint.name} of {target}",
        (f"alter table {target} add constraint {sql.quote(constraint.name)} {clause}",),
    )


def create_index(table: TableName, index: Index) -> Iterable[Step]:
    """Yield what builds an index while the table is in use."""
    concurrently = _CREATE_INDEX.sub(r"create \1index concurrently ", index.definition, count=1)
    yield Step(
        f"build index {index.name} of {sql.qualified(*table)}",
        (_drop_invalid(table[0], index.name), *without_limit(concurrently)),
        is_atomic=False,
        adds=((*table, "index", index.name),),
    )


def _drop_invalid(schema: str, name: str) -> str:
    index = sql.qualified(schema, name)
    return f"""do $do$
begin
    if exists (
        select
        from pg_catalog.pg_index as i
        where i.indexrelid = pg_catalog.to_regclass({sql.literal(index)}) and not i.indisvalid
    ) then
        drop index {index};
    end if;
end
$do$"""


def replace_index(table: TableName, index: Index, previous: Index) -> Iterable[Step]:
    """Yield what puts an index in the place of another one."""
    if index.name == previous.name:
        yield from drop_index(table, previous.name)
        yield from create_index(table, index)
    else:
        yield from create_index(table, index)
        yield from drop_index(table, previous.name)


def drop_index(table: TableName, name: str) -> Iterable[Step]:
    """Yield what drops an index while the table is in use."""
    statement = f"drop index concurrently if exists {sql.qualified(table[0], name)}"
    title = f"drop index {name} of {sql.qualified(*table)}"
    drops = ((*table, "index", name),)
    yield Step(title, without_limit(statement), is_atomic=False, drops=drops)


def drop_constraint(table: TableName, constraint: Constraint) -> Iterable[Step]:
    """Yield what drops a constraint."""
    target = sql.qualified(*table)
    drop = ddl.drop_constraint(target, constraint.name)
    title = f"drop constraint {constraint.name} of {target}"
    yield Step(title, (*_locks(target, _STRONGEST, constraint), drop))
