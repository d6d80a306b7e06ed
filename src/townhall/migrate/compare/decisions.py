"""What PostgreSQL refuses, as steps that need a hand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from alembic.operations import MigrateOperation
from alembic.operations.ops import AddColumnOp, CreateIndexOp, CreateTableOp
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError

from townhall.migrate.compare.columns import type_in_sql
from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.constraints import AddCheckOp, AddDefinedOp
from townhall.migrate.operations.decisions import Answer, LaterOp, UndecidedOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.operations.table_names import OnTable, table_of
from townhall.migrate.operations.words import describe
from townhall.migrate.savepoints import DEPENDENT_OBJECTS, sqlstate
from townhall.pg import CreateEntityOp, Entity, ReplaceEntityOp, View, ddl, sql

if TYPE_CHECKING:
    import psycopg

_UNDEFINED = frozenset({"3F000", "42P01", "42703", "42704", "42883"})
"""The SQLSTATEs of a schema, table, column, function or other object that does not exist."""

_UNCOMMITTED_VALUE, _NULL = "55P04", "23502"


@dataclass(frozen=True)
class Refusal:
    """A difference that PostgreSQL refuses to remove.

    Attributes:
        difference: The difference in words.
        error: PostgreSQL's error.
        operation: The operation that was refused; None where none was found, because the declared
            table itself is refused.
        is_of_body: Whether it is a function whose body PostgreSQL refuses in every order.
    """

    difference: str
    error: DBAPIError
    operation: MigrateOperation | None = None
    is_of_body: bool = False

    @classmethod
    def of(
        cls, operation: MigrateOperation, error: DBAPIError, *, is_of_body: bool = False
    ) -> Refusal:
        """Return the refusal of an operation."""
        return cls(describe(operation), error, operation, is_of_body)

    @property
    def message(self) -> str:
        """PostgreSQL's message, with its detail, hint and position."""
        return str(self.error.orig).strip()

    @property
    def first_line(self) -> str:
        """PostgreSQL's message alone."""
        return self.message.partition("\n")[0]

    @property
    def reason(self) -> str:
        """PostgreSQL's message; the first line, which is told alone, names what depends on it."""
        if sqlstate(self.error) != DEPENDENT_OBJECTS:
            return self.message
        # The hint is to drop them all.
        return f"{self.first_line}: {', '.join(self.dependants)}"

    @property
    def dependants(self) -> Sequence[str]:
        """What depends on what was to be dropped, in PostgreSQL's words, one after another."""
        detail = cast("psycopg.Error", self.error.orig).diag.message_detail or ""
        return detail.splitlines()

    @property
    def lacks_something(self) -> bool:
        """Whether an object does not exist; where it is created, the operation runs."""
        # An operator is missing for a type that something depends on.
        is_operator = self.first_line.startswith("operator ") and self.changed_type is not None
        return sqlstate(self.error) in _UNDEFINED and not is_operator

    @property
    def cause(self) -> str:
        """What several refusals may have in common: the object that does not exist."""
        return self.first_line if self.lacks_something else self.difference

    @property
    def changed_type(self) -> ChangeColumnOp | None:
        """The change of a column's type that was refused, or None."""
        operation = self.operation
        return (
            operation if isinstance(operation, ChangeColumnOp) and operation.changes_type else None
        )


def waiting_for_types(
    operations: Iterable[MigrateOperation], refusals: Iterable[Refusal]
) -> list[MigrateOperation]:
    """Return what reads a column of the type that it will have once its change is decided.

    Args:
        operations: The operations that run.
        refusals: Those that PostgreSQL refuses.
    """
    changes = [change for each in refusals if (change := each.changed_type)]
    return [each for each in operations if any(_reads(each, change) for change in changes)]


def _reads(operation: MigrateOperation | None, change: ChangeColumnOp) -> bool:
    if not isinstance(operation, AddCheckOp | AddDefinedOp | CreateIndexOp):
        return False
    if table_of(cast("OnTable", operation)) != table_of(change):
        return False
    texts: list[Any]
    match operation:
        case CreateIndexOp():
            texts = [*operation.columns, *operation.kw.values()]
        case AddCheckOp():
            texts = [operation.condition]
        case AddDefinedOp():
            texts = [operation.definition]
    column = rf"\b{re.escape(change.column_name)}\b"
    return any(re.search(column, str(each)) for each in texts)


def decisions(
    refusals: Sequence[Refusal], waiting: Sequence[MigrateOperation] = ()
) -> list[UndecidedOp]:
    """Return one step for each cause of refusals.

    What is refused because another operation was refused follows that one's step.

    Args:
        refusals: The operations that PostgreSQL refuses, in the order in which they were tried.
        waiting: What :func:`waiting_for_types` returned, which follows the step of the column.
    """
    refusals = list({each.difference: each for each in reversed(refusals)}.values())[::-1]
    causes: dict[str, list[Refusal]] = defaultdict(list)
    made_by: dict[str, str] = {}
    pending = list(refusals)
    for refusal in refusals:
        if refusal.changed_type:
            found = [each for each in pending if _reads(each.operation, refusal.changed_type)]
            causes[refusal.cause] += [refusal, *found]
            pending = [each for each in pending if each not in (refusal, *found)]
    for refusal in [*pending]:
        if not _is_consequence(refusal, refusals):
            causes[refusal.cause].append(refusal)
            made_by.setdefault(_made(refusal.operation), refusal.cause)
            pending.remove(refusal)
    while found := [each for each in pending if any(_names(each, name) for name in made_by)]:
        for refusal in found:
            cause = next(made_by[name] for name in made_by if _names(refusal, name))
            causes[cause].append(refusal)
            made_by.setdefault(_made(refusal.operation), cause)
            pending.remove(refusal)
    # What is left would use each other.
    for refusal in pending:
        causes[refusal.difference].append(refusal)
    circular = [*pending, *(each for each in refusals if _names(each, _made(each.operation)))]
    return [
        _decision(each, waiting, is_circular=each[0] in circular and each[0].lacks_something)
        for each in causes.values()
    ]


def not_created(entity: Entity) -> UndecidedOp:
    """Return the step for an entity that does not exist after its statements ran.

    PostgreSQL only warns where a role grants a privilege that it may not pass on.

    Args:
        entity: The declared entity.
    """
    return UndecidedOp(
        describe(CreateEntityOp(entity)),
        "the statements that create it ran, and it is not in the database after them. They may need"
        " a privilege that this role does not have, such as a grant option",
        [
            Answer("let a role that has the privilege run them", [*entity.create_statements()]),
            Answer("give this role the privilege, and generate the revision again"),
            Answer("correct the declaration, and generate the revision again"),
        ],
    )


def generation_by_hand(
    table: Table, column: str, reason: str, *, can_keep_values: bool = False
) -> UndecidedOp:
    """Return the step for a column that is to be generated, or no longer.

    Args:
        table: The table.
        column: The name of the column.
        reason: Why it needs a hand.
        can_keep_values: Whether PostgreSQL can make it an ordinary column with its values.
    """
    name = qualified_name(table)
    keep = Answer(
        "make it an ordinary column that keeps its values", [ddl.drop_expression(name, column)]
    )
    add = Answer(
        "drop the column and add it again, and after it what goes with it: its indexes,"
        " constraints, privileges, and the views that read it",
        [ddl.drop_column(name, column)],
    )
    answers = [keep, add] if can_keep_values else [add]
    return UndecidedOp(f"alter_column {name} {column}", reason, answers)


def _decision(
    refusals: Sequence[Refusal], waiting: Sequence[MigrateOperation], *, is_circular: bool
) -> UndecidedOp:
    first, *others = refusals
    following = [
        each.operation
        for each in (refusals if first.lacks_something else others)
        if each.operation is not None
    ]
    if change := first.changed_type:
        following += [each for each in waiting if _reads(each, change)]
    kind = LaterOp if sqlstate(first.error) == _UNCOMMITTED_VALUE else UndecidedOp
    return kind(
        first.difference,
        first.reason,
        [*(_answers_to_circle(first) if is_circular else ()), *_answers(first)],
        refused=(() if first.lacks_something or first.operation is None else [first.operation]),
        steps=() if kind is LaterOp else following,
    )


def _is_consequence(refusal: Refusal, refusals: Iterable[Refusal]) -> bool:
    return refusal.lacks_something and any(
        _names(refusal, _made(other.operation)) for other in refusals if other is not refusal
    )


def _names(refusal: Refusal, name: str) -> bool:
    return bool(name) and bool(re.search(rf"\b{re.escape(name)}\b", refusal.first_line))


def _made(operation: MigrateOperation | None) -> str:
    # The name under which PostgreSQL misses what the operation would have made.
    if isinstance(operation, CreateEntityOp | ReplaceEntityOp):
        if not operation.target.is_own_object:
            return ""
        return operation.target.name_parts[-1].partition("(")[0]
    if isinstance(operation, CreateTableOp):
        return str(operation.table_name)
    if isinstance(operation, AddColumnOp):
        return str(operation.column.name)
    return ""


def _answers(refusal: Refusal) -> Iterable[Answer]:
    operation = refusal.operation
    if sqlstate(refusal.error) == _UNCOMMITTED_VALUE:
        return
    if isinstance(operation, ChangeColumnOp) and operation.changes_type:
        yield from _answers_to_type(operation)
    elif isinstance(operation, AddColumnOp) and sqlstate(refusal.error) == _NULL:
        yield from _answers_to_missing_value(operation)
    elif sqlstate(refusal.error) == DEPENDENT_OBJECTS:
        yield Answer(
            "drop what depends on it, which the message names, before, and create it again after",
            [*_drops_of_dependants(refusal)],
        )
        yield Answer("keep it: declare it, and generate the revision again")
    elif refusal.lacks_something:
        yield from _answers_to_missing(refusal.first_line)
    else:
        yield Answer("do what is meant with other statements")
        yield Answer("correct the declaration, and generate the revision again")


def _drops_of_dependants(refusal: Refusal) -> Iterable[str]:
    # PostgreSQL names what depends on others after these, and may leave out some.
    found = [_DEPENDANT.match(each) for each in refusal.dependants]
    # It says "function" of an aggregate as well.
    drops = [
        f"drop {each['kind'] or 'routine'} {each['name']}"
        for each in reversed(found)
        if each is not None
    ]
    return dict.fromkeys(drops) if len(drops) == len(found) else ()


_DEPENDANT = re.compile(
    r"(?:(?P<kind>(?:materialized )?view)|function|procedure) (?P<name>.+?) depends on "
)


def _answers_to_type(operation: ChangeColumnOp) -> Iterable[Answer]:
    table = sql.qualified(*table_of(operation))
    column = sql.quote(operation.column_name)
    target = operation.target.type
    alter = f"alter table {table} alter column {column} type {target}"
    yield Answer(
        "convert each value; the revision fails on one that can't be converted",
        [f"{alter} using {column}::text::{target}"],
    )
    yield Answer("lose the values", [f"{alter} using null"])
    former = sql.quote(sql.shortened(f"former_{operation.column_name}"))
    rename = f"alter table {table} rename column {column} to {former}"
    add = f"alter table {table} add column {column} {target}"
    yield Answer(
        "keep the former values: rename the column and add the declared one", [rename, add]
    )


def _answers_to_missing_value(operation: AddColumnOp) -> Iterable[Answer]:
    alter = f"alter table {sql.qualified(*table_of(operation))}"
    column = sql.quote(operation.column.name)
    add = f"{alter} add column {column} {type_in_sql(operation.column.type)}"
    set_ = f"update {sql.qualified(*table_of(operation))} set {column} = …"
    yield Answer(
        "give each row that is there its own value",
        [add, set_, f"{alter} alter column {column} set not null"],
    )
    yield Answer(
        "give all rows that are there one value, without writing them",
        [f"{add} not null default …", f"{alter} alter column {column} drop default"],
    )
    yield Answer("declare a default, or that it may be null, and generate the revision again")


_THE_EXTENSION = "create the extension that has it"
_EXTENSIONS: Mapping[str, str] = {
    "crypt": "pgcrypto",
    "digest": "pgcrypto",
    "gen_salt": "pgcrypto",
    "geography": "postgis",
    "geometry": "postgis",
    "gin_trgm_ops": "pg_trgm",
    "gist_trgm_ops": "pg_trgm",
    "halfvec": "vector",
    "hmac": "pgcrypto",
    "hnsw": "vector",
    "ivfflat": "vector",
    "similarity": "pg_trgm",
    "sparsevec": "vector",
    "uuid_generate_v4": "uuid-ossp",
    "vector_cosine_ops": "vector",
    "vector_ip_ops": "vector",
    "vector_l2_ops": "vector",
    "word_similarity": "pg_trgm",
}
"""The extensions of well-known objects that are not named as their extension is."""

_MISSING: Mapping[str, tuple[str, str]] = {
    "type": ("create the extension, or the type", "create extension {name}"),
    "schema": ("create the schema", "create schema {name}"),
    "role": ("create the role, which belongs to the whole server", "create role {name} nologin"),
    "relation": ("create it; for a number of a sequence", "create sequence {name}"),
    "function": ("create the extension, or the function", "create extension {name}"),
    "collation": (
        "create the collation",
        "create collation {name} (provider = icu, locale = 'und')",
    ),
    "access method": (_THE_EXTENSION, "create extension {name}"),
    "operator class": (_THE_EXTENSION, "create extension {name}"),
}
"""What creates an object that does not exist, by the word for it in PostgreSQL's message."""


def _answers_to_circle(refusal: Refusal) -> Iterable[Answer]:
    operation = refusal.operation
    view = operation.target if isinstance(operation, CreateEntityOp | ReplaceEntityOp) else None
    if isinstance(view, View):
        yield Answer(
            "views read each other, or one reads itself: create it with its columns, so that it"
            " reads nothing, before those that read it, and leave the calls",
            [f"create view {view.literal_name} as select null::… as …"],
        )


def _answers_to_missing(message: str) -> Iterable[Answer]:
    for kind, (what, statement) in _MISSING.items():
        found = re.match(rf'{kind} "?(?P<name>[^"(]+?)"?(\(.*\))? does not exist', message)
        if found is not None:
            name = sql.qualified(*found["name"].split("."))
            if "extension" in what:
                last = found["name"].rpartition(".")[2]
                name = sql.quote(_EXTENSIONS.get(last, last))
                # Only of a function or a type is the extension often named alike.
                is_unknown = what == _THE_EXTENSION and last not in _EXTENSIONS
                yield Answer(what, [] if is_unknown else [statement.format(name=name)])
            else:
                yield Answer(what, [statement.format(name=name)])
            break
    yield Answer("have a revision create it that runs before, and delete the call")
    yield Answer("correct the declaration, and generate the revision again")
