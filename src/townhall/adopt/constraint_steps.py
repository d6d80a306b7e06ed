"""Steps that make the constraints and indexes of an existing table what is declared."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from townhall.adopt.definitions import building_name, validated
from townhall.adopt.rebinding import replace_key
from townhall.adopt.step import Rename, Step
from townhall.migrate.safety.constraints import addition_if_missing
from townhall.migrate.safety.locks import attempts, locks_at_once
from townhall.pg import ddl, sql
from townhall.pg.catalog import Constraint, Index, TableName

_KEY = re.compile(
    r"(?P<kind>UNIQUE|PRIMARY KEY)(?P<nulls> NULLS NOT DISTINCT)? (?P<columns>\([^()]*\))"
    r"(?P<include> INCLUDE \([^()]*\))?(?P<deferrable>.*)"
)
_STRONGEST = "access exclusive"
_CREATE_INDEX = re.compile(
    r"CREATE (?P<unique>UNIQUE )?INDEX (?:\"(?:[^\"]|\"\")*\"|\S+) ON (?P<rest>.*)", re.DOTALL
)


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
    """Yield what checks the rows that were there before a constraint of theirs."""
    yield _validation(table, name)


def _validation(table: TableName, name: str, undo: Sequence[str] = ()) -> Step:
    target = sql.qualified(*table)
    return Step(
        f"validate constraint {name} of {target}",
        (ddl.validate_constraint(target, name),),
        is_atomic=False,
        may_wait=True,
        undo=tuple(undo),
    )


def add(table: TableName, constraint: Constraint) -> Iterable[Step]:
    """Yield what adds a constraint that the table does not have."""
    yield from _add(table, constraint, None)


def add_reference(table: TableName, constraint: Constraint) -> Iterable[Step]:
    """Yield what adds a foreign key of a table that the upgrade may have added already."""
    target = sql.qualified(*table)
    definition = f"{validated(constraint.definition)} not valid"
    add = sql.indented(addition_if_missing(target, constraint.name, definition))
    yield Step(
        f"add constraint {constraint.name} to {target}",
        (*_locks(target, "share row exclusive", constraint), sql.do(f"\nbegin\n{add}\nend\n")),
    )
    yield from validate(table, constraint.name)


def keep_of_domain(table: TableName, constraint: Constraint) -> Iterable[Step]:
    """Yield what makes the check of a column's domain one of the table, which is theirs."""
    target = sql.qualified(*table)
    definition = f"{validated(constraint.definition)} not valid"
    add = sql.indented(addition_if_missing(target, constraint.name, definition))
    yield Step(
        f"keep the check of a domain as constraint {constraint.name} of {target}",
        (sql.do(f"\nbegin\n{add}\nend\n"),),
        is_theirs=True,
    )
    if constraint.is_validated:
        yield dataclasses.replace(_validation(table, constraint.name), is_theirs=True)


def replace(
    table: TableName, constraint: Constraint, previous: Constraint, *, is_referred: bool
) -> Iterable[Step]:
    """Yield what puts a constraint in the place of another one, with no moment without either.

    Args:
        table: Schema and name of the table.
        constraint: The constraint as declared.
        previous: The constraint that goes.
        is_referred: Whether foreign keys refer to it.
    """
    yield from _add(table, constraint, previous, is_referred=is_referred)


def _add(
    table: TableName,
    constraint: Constraint,
    previous: Constraint | None,
    *,
    is_referred: bool = False,
) -> Iterable[Step]:
    target, definition = sql.qualified(*table), validated(constraint.definition)
    drop = [] if previous is None else [f"drop constraint {sql.quote(previous.name)}"]
    if constraint.kind in {"primary key", "unique"} and (key := _KEY.fullmatch(definition)):
        referred = previous if is_referred else None
        yield from _add_key(table, constraint.name, key, drop, referred)
    elif constraint.kind in {"check", "foreign key"}:
        yield from _add_apart(table, constraint, previous)
    else:
        added = f"add constraint {sql.quote(constraint.name)} {definition}"
        alter = f"alter table {target} {', '.join([*drop, added])}"
        yield Step(f"add constraint {constraint.name} to {target}", (alter,))


def _add_apart(
    table: TableName, constraint: Constraint, previous: Constraint | None
) -> Iterable[Step]:
    """Yield what adds a check or a foreign key, and validates it before another one goes for it."""
    target, name = sql.qualified(*table), constraint.name
    built = name if previous is None else building_name(name)
    drop_built = f"alter table {target} drop constraint if exists {sql.quote(built)}"
    definition = f"{validated(constraint.definition)} not valid"
    add = f"alter table {target} add constraint {sql.quote(built)} {definition}"
    yield Step(
        f"add constraint {built} to {target}",
        (*_locks(target, "share row exclusive", constraint), add)
        if previous is None
        else (*_locks(target, _STRONGEST, constraint), drop_built, add),
    )
    if constraint.is_validated:
        yield _validation(table, built, [sql.do(attempts(f"{drop_built};"))])
    if previous is not None:
        yield Step(
            f"replace constraint {previous.name} of {target}",
            (
                *_locks(target, _STRONGEST, previous, constraint),
                ddl.drop_constraint(target, previous.name),
                ddl.rename_constraint(target, built, name),
            ),
        )


def _locks(target: str, mode: str, *constraints: Constraint) -> list[str]:
    """Return what locks the tables of foreign keys at once; other constraints have one table."""
    referenced = {each.referenced for each in constraints if each.referenced is not None}
    tables = [target, *sorted(referenced - {target})]
    return [locks_at_once((table, mode) for table in tables)] if referenced else []


def _add_key(
    table: TableName, name: str, key: re.Match[str], drop: list[str], referred: Constraint | None
) -> Iterable[Step]:
    target, index = sql.qualified(*table), building_name(name)
    columns = f"{key['columns']}{key['include'] or ''}{key['nulls'] or ''}"
    yield _build(table, index, f"create unique index concurrently {{}} on {target} {columns}")
    clause = f"{key['kind']} using index {sql.quote(index)}{key['deferrable'] or ''}"
    added = f"add constraint {sql.quote(name)} {clause}"
    title = f"add constraint {name} to {target}"
    alter = f"alter table {target} {', '.join([*drop, added])}"
    if referred is None:
        yield Step(title, (alter,))
    else:
        yield from replace_key(table, referred.name, title, [alter])


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
    yield _build_as(table, index, index.name)


def _build_as(table: TableName, index: Index, name: str) -> Step:
    parts = _CREATE_INDEX.fullmatch(index.definition)
    assert parts is not None  # noqa: S101 - PostgreSQL's rendering
    unique, rest = parts["unique"] or "", parts["rest"]
    return _build(table, name, f"create {unique}index concurrently {{}} on {rest}")


def _build(table: TableName, name: str, statement: str) -> Step:
    """Return the step that builds an index; what an interrupted build has left goes first."""
    place = sql.qualified(table[0], name)
    return Step(
        f"build index {name} of {sql.qualified(*table)}",
        (f"drop index concurrently if exists {place}", statement.format(sql.quote(name))),
        is_atomic=False,
        adds=((*table, "index", name),),
        may_wait=True,
        undo=(f"drop index concurrently if exists {place}",),
    )


def replace_index(
    table: TableName, index: Index, previous: Index, *, is_referred: bool
) -> Iterable[Step]:
    """Yield what puts an index in the place of another one.

    Args:
        table: Schema and name of the table.
        index: The index as declared.
        previous: The index that goes.
        is_referred: Whether foreign keys refer to it.
    """
    built = building_name(index.name)
    yield _build_as(table, index, built)
    drop = f"drop index {sql.qualified(table[0], previous.name)}"
    rename = f"alter index {sql.qualified(table[0], built)} rename to {sql.quote(index.name)}"
    title = f"replace index {previous.name} of {sql.qualified(*table)}"
    if is_referred:
        yield from replace_key(table, previous.name, title, [drop, rename])
    else:
        yield Step(title, (drop, rename))


def drop_index(table: TableName, name: str) -> Iterable[Step]:
    """Yield what drops an index while the table is in use."""
    statement = f"drop index concurrently if exists {sql.qualified(table[0], name)}"
    title = f"drop index {name} of {sql.qualified(*table)}"
    drops = ((*table, "index", name),)
    yield Step(title, (statement,), is_atomic=False, drops=drops, may_wait=True)


def drop_constraint(
    table: TableName, constraint: Constraint, *, is_referred: bool = False
) -> Iterable[Step]:
    """Yield what drops a constraint.

    Args:
        table: Schema and name of the table.
        constraint: The constraint.
        is_referred: Whether foreign keys refer to it, which another key can take over.
    """
    target = sql.qualified(*table)
    drop = ddl.drop_constraint(target, constraint.name)
    title = f"drop constraint {constraint.name} of {target}"
    if is_referred:
        yield from replace_key(table, constraint.name, title, [drop])
    else:
        yield Step(title, (*_locks(target, _STRONGEST, constraint), drop))
