"""The page of the tables, from what the models declare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.ddl import sort_tables

from tests.pictures.drawing import tables_of
from tests.reference.markdown import code
from townhall import PRODUCT
from townhall.domains import DOMAINS
from townhall.pictures.access import access_of
from townhall.pictures.choosing import shown_name
from townhall.pictures.tables import short_type
from townhall.types import BoundedDate, BoundedText, BoundedTime, Document, LabelArray, TextEnum
from townhall.types.bounded_time import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from sqlalchemy import Column, ForeignKey, Table

_DIALECT = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_KEYWORDS = re.compile(r"\b(?:CREATE|UNIQUE|INDEX|ON|USING|WHERE|DESC|NULLS|FIRST|LAST|INCLUDE)\b")
_HEAD = """\
# Tables

Every table of townhall with its columns, constraints, indexes and rules, made from the models by
`make reference`. A column may not be null unless it says *null*. The service role may do everything
everywhere; what clients may do is under *Rules*, and which columns they may write is on the page of
the domain.
"""


def page() -> str:
    """Return the text of the page."""
    return "".join(f"{line}\n" for line in _lines()).rstrip("\n") + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for domain in DOMAINS:
        yield f"## {domain.capitalize()}\n"
        for table in sort_tables(tables_of(domain)):
            yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"### {shown_name(table.schema, table.name)}\n"
    if table.comment:
        yield f"{table.comment}\n"
    yield "| column | type | default | what it is |"
    yield "|---|---|---|---|"
    for column in table.columns:
        yield f"| `{column.name}` | {_type(column)} | {_default(column)} | {_meaning(column)} |"
    yield ""
    yield from _listed("Constraints", _constraints(table))
    yield from _listed("Indexes", _indexes(table))
    yield from _listed("Rules", _rules(table))


def _listed(title: str, items: Iterable[str]) -> Iterator[str]:
    items = list(items)
    if items:
        yield f"{title}:\n"
        yield from (f"- {item}" for item in items)
        yield ""


def _type(column: Column[Any]) -> str:
    return f"{short_type(column)}{', null' if column.nullable else ''}"


def _default(column: Column[Any]) -> str:
    default = column.server_default
    if default is None:
        return ""
    if not hasattr(default, "arg"):
        assert isinstance(default, FetchedValue)
        return "set by the database"
    text = str(
        default.arg
        if isinstance(default.arg, str)
        else default.arg.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
    )
    return f"`{text}`"


def _meaning(column: Column[Any]) -> str:
    keys = map(_reference, sorted(column.foreign_keys, key=lambda each: each.target_fullname))
    parts = [
        "primary key" if column.primary_key else "",
        *keys,
        _values(column),
        column.comment or "",
    ]
    said = [part.rstrip(".") for part in parts if part]
    text = ". ".join(each[0].upper() + each[1:] for each in said)
    return f"{text}.".replace("|", r"\|") if text else ""


def _reference(key: ForeignKey) -> str:
    table = key.column.table
    deleted = f", on delete {key.ondelete.lower()}" if key.ondelete else ""
    return f"refers to `{shown_name(table.schema, table.name)}.{key.column.name}`{deleted}"


def _values(column: Column[Any]) -> str:
    match column.type:
        case TextEnum(vocabulary=enum):
            return f"one of {', '.join(f'`{each.value}`' for each in enum)}"
        case BoundedText(length=length):
            return f"at most {length:,} characters"
        case Document(size=int(size)):
            return f"at most {size // 1024:,} kB"
        case LabelArray():
            return "a list of names"
        case BoundedTime():
            years = FIRST_YEAR, LAST_YEAR
        case BoundedDate():
            years = date.min.year, date.max.year
        case _:
            return ""
    return f"in the years {years[0]} to {years[1]}"


def _constraints(table: Table) -> Iterator[str]:
    named = sorted(table.constraints, key=lambda each: str(each.name))
    for constraint in named:
        if isinstance(constraint, UniqueConstraint):
            columns = list(constraint.columns)
            unique = "is unique" if len(columns) == 1 else "are unique together"
            yield f"`{constraint.name}`: {_names(columns)} {unique}{_checked(constraint)}"
        elif isinstance(constraint, ForeignKeyConstraint):
            yield f"`{constraint.name}`: {_foreign_key(constraint)}{_checked(constraint)}"
        elif isinstance(constraint, CheckConstraint) and not str(constraint.name).endswith(
            "_bounds"
        ):
            yield f"`{constraint.name}`: {code(str(constraint.sqltext))}"


def _names(columns: Iterable[Column[Any]]) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)


def _foreign_key(key: ForeignKeyConstraint) -> str:
    table = key.referred_table
    refers = "refers" if len(key.elements) == 1 else "refer together"
    referred = _names(each.column for each in key.elements)
    deleted = f", on delete {key.ondelete.lower()}" if key.ondelete else ""
    return (
        f"{_names(key.columns)} {refers} to {referred} of"
        f" `{shown_name(table.schema, table.name)}`{deleted}"
    )


def _checked(constraint: UniqueConstraint | ForeignKeyConstraint) -> str:
    """Return when a constraint is checked, unless that is at the end of each statement."""
    if not constraint.deferrable:
        return ""
    at_commit = str(constraint.initially or "").lower() == "deferred"
    return ", checked at commit" if at_commit else ", deferrable until commit"


def _indexes(table: Table) -> Iterator[str]:
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        statement = str(CreateIndex(index).compile(dialect=_DIALECT))
        yield code(_KEYWORDS.sub(lambda word: word[0].lower(), statement))


def _rules(table: Table) -> Iterator[str]:
    name = shown_name(table.schema, table.name)
    accessed = access_of(PRODUCT.entities, PRODUCT.roles.names, PRODUCT.access_rules)
    for each in accessed:
        if each.name == name:
            for reach in each.reaches:
                if reach.role != PRODUCT.roles.service:
                    for words, commands in reach.grouped().items():
                        verbs = ", ".join(commands).replace("select", "read")
                        yield f"`{reach.role}` may {verbs}: {words}"
