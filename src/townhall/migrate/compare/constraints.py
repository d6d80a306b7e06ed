"""The names and definitions that PostgreSQL gives to declared constraints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from alembic.operations.ops import CreateForeignKeyOp
from sqlalchemy import (
    Column,
    Constraint,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.exc import NoReferencedTableError
from sqlalchemy.schema import SchemaItem, conv

from townhall.migrate.compare.copies import options_of
from townhall.migrate.compare.declared_names import final_name
from townhall.migrate.compare.table_states import TableState
from townhall.pg import sql
from townhall.pg.dialect import named_dialect

_OPTIONS = ("onupdate", "ondelete", "initially", "deferrable", "use_alter", "match")
_MATCH_FULL = " MATCH FULL"
_WORD = re.compile(r'"(?:[^"]|"")*"|[A-Za-z_][\w$]*')
_COLUMNS = rf"\((?:{_WORD.pattern}|, )+\)"
_START_OF_FOREIGN_KEY = re.compile(
    rf"FOREIGN KEY {_COLUMNS} REFERENCES (?:{_WORD.pattern}|\.)+{_COLUMNS}"
)
_dialect = named_dialect()


_CLAUSES = {"no_inherit": " NO INHERIT", "not_enforced": " NOT ENFORCED"}
_WITHOUT_OVERLAPS = "without_overlaps"


def has_clauses(constraint: Constraint) -> bool:
    """Tell whether a constraint has clauses that SQLAlchemy can't declare.

    They are declared in its ``info``: ``{"no_inherit": True}`` and ``{"not_enforced": True}`` for a
    check, ``{"without_overlaps": True}`` for a key.

    Args:
        constraint: A declared constraint.
    """
    return any(constraint.info.get(name) for name in (*_CLAUSES, _WITHOUT_OVERLAPS))


def clauses_of_check(check: Constraint) -> str:
    """Return what ``pg_get_constraintdef`` writes behind the condition of a check.

    Args:
        check: A declared check.
    """
    return "".join(clause for name, clause in _CLAUSES.items() if check.info.get(name))


def key_definition(key: PrimaryKeyConstraint | UniqueConstraint) -> str:
    """Return a primary key or unique constraint as ``pg_get_constraintdef`` does."""
    options = options_of(key)
    columns = sql.quote_all(column.name for column in key.columns)
    if key.info.get(_WITHOUT_OVERLAPS):
        columns += " WITHOUT OVERLAPS"
    included = sql.quote_all(options.get("include") or ())
    parts = [
        "PRIMARY KEY" if isinstance(key, PrimaryKeyConstraint) else "UNIQUE",
        "NULLS NOT DISTINCT" if options.get("nulls_not_distinct") else "",
        f"({columns})",
        f"INCLUDE ({included})" if included else "",
        "DEFERRABLE" if key.deferrable else "",
        "INITIALLY DEFERRED" if (key.initially or "").upper() == "DEFERRED" else "",
    ]
    return " ".join(part for part in parts if part)


def foreign_key_operation(key: ForeignKeyConstraint) -> CreateForeignKeyOp:
    """Return the operation that adds a declared foreign key, with a name.

    Args:
        key: The key; that of a copied table need not find the table that it refers to.
    """
    operation = _addition(key)
    if operation.constraint_name is None:
        # Without a name the downgrade could not drop it.
        name = sql.generated_name(key.table.name, key.column_keys, "fkey")
        operation.constraint_name = conv(name)
    return operation


def without_foreign_keys(
    parts: Iterable[SchemaItem], keys: Sequence[ForeignKeyConstraint]
) -> list[SchemaItem]:
    """Return the columns and constraints of a new table without the keys that are added later.

    Args:
        parts: The columns and constraints.
        keys: The foreign keys to leave out.
    """
    columns = {column.name for key in keys for column in key.columns}
    return [
        _without_numbers(each) if isinstance(each, Column) and each.name in columns else each
        for each in parts
        if not any(each is key for key in keys)
    ]


def _without_numbers(column: Column[Any]) -> Column[Any]:
    # SQLAlchemy takes an integer for serial that is the primary key and no foreign key.
    if not column.primary_key or column.autoincrement != "auto":
        return column
    copy = column._copy()  # noqa: SLF001 - as Alembic does
    copy.autoincrement = False
    return copy


def _addition(key: ForeignKeyConstraint) -> CreateForeignKeyOp:
    with suppress(NoReferencedTableError):
        found: CreateForeignKeyOp = CreateForeignKeyOp.from_constraint(key)
        return found
    targets = [element.target_fullname.split(".") for element in key.elements]
    options = {name: value for name in _OPTIONS if (value := getattr(key, name))}
    return CreateForeignKeyOp(
        final_name(key) or None,
        key.table.name,
        targets[0][-2],
        [column.name for column in key.columns],
        [target[-1] for target in targets],
        source_schema=key.table.schema,
        referent_schema=".".join(targets[0][:-2]) or None,
        **options,
        **key.dialect_kwargs,
    )


def is_same_key(one: str, other: str) -> bool:
    """Tell whether two definitions of keys differ at most in the quotes of names.

    Which names PostgreSQL writes in quotes depends on the key words of its version.
    """
    return one == other or _quoted(one) == _quoted(other)


def _quoted(definition: str) -> str:
    return _WORD.sub(lambda word: sql.quote(sql.unquote(word[0])), definition)


def by_name(constraints: Iterable[Constraint], actual: TableState | None) -> dict[str, Constraint]:
    """Return declared constraints by the names that the database has for them.

    Args:
        constraints: The constraints of a declared table.
        actual: The state of the table in the database, if it exists.
    """
    return {final_name(each) or _generated_name(each, actual): each for each in constraints}


def _generated_name(constraint: Constraint, actual: TableState | None) -> str:
    if actual is not None and isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
        definition = key_definition(constraint)
        # Nearly always PostgreSQL writes it in the same way.
        for is_same in (str.__eq__, is_same_key):
            for name, other in actual.constraints.items():
                if is_same(other, definition):
                    return name
    table = str(constraint.table.name)
    if isinstance(constraint, PrimaryKeyConstraint):
        return sql.generated_name(table, (), "pkey")
    columns = [column.name for column in getattr(constraint, "columns", ())]
    suffix = "fkey" if isinstance(constraint, ForeignKeyConstraint) else "key"
    return sql.generated_name(table, columns, suffix)


def foreign_keys(table: Table, actual: Mapping[str, str]) -> dict[str, str]:
    """Return the foreign keys of a table by their declared names, and matched as declared.

    Alembic compares them without their names, and without ``match``.

    Args:
        table: The declared table.
        actual: The definitions of the actual foreign keys, by name.
    """
    keys = {final_name(each): each for each in table.foreign_key_constraints}
    missing = {_foreign_key(key): name for name, key in keys.items() if name and name not in actual}
    renamed = {}
    for name, definition in actual.items():
        if missing and name not in keys:
            found = _quoted(definition)
            key = next((key for key in missing if found.startswith(_quoted(key))), "")
            renamed[name] = missing.pop(key, name)
    return {
        renamed.get(name, name): (_matched(definition, keys[name]) if name in keys else definition)
        for name, definition in actual.items()
    }


def _matched(actual: str, key: ForeignKeyConstraint) -> str:
    start = _START_OF_FOREIGN_KEY.match(actual)
    if start is None:
        return actual
    # PostgreSQL does not write "match simple", which is the default.
    match = _MATCH_FULL if (key.match or "").upper() == "FULL" else ""
    return f"{start[0]}{match}{actual[start.end() :].removeprefix(_MATCH_FULL)}"


def _foreign_key(key: ForeignKeyConstraint) -> str:
    # The table that it refers to need not be part of the same metadata.
    targets = [element.target_fullname.split(".") for element in key.elements]
    schema, table = ".".join(targets[0][:-2]) or "public", targets[0][-2]
    columns = sql.quote_all(column.name for column in key.columns)
    referenced = sql.quote_all(target[-1] for target in targets)
    return f"FOREIGN KEY ({columns}) REFERENCES {sql.qualified(schema, table)}({referenced})"
