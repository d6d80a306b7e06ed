"""The generated tables of the documentation, of access, of bounds and of people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from townhall import metadata
from townhall.base.people import AccountId, Kept, Personal, declared_in
from townhall.people import Links
from townhall.people.links import shown_name
from townhall.types import (
    ARRAY_ITEMS,
    DOCUMENT_LEVELS,
    LABEL_LENGTH,
    BoundedDate,
    BoundedText,
    BoundedTime,
    Document,
    LabelArray,
    bounds_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Column, Connection, Row

ACCESS_TABLE = re.compile(
    r"(?P<begin><!-- access of (?P<tables>[\w, ]+) -->\n).*?(?P<end><!-- end of access -->)",
    re.DOTALL,
)
"""An access table in a page, and the names of the tables that it is about."""

BOUNDS_TABLE = re.compile(
    r"(?P<begin><!-- bounds of (?P<tables>[\w, ]+) -->\n).*?(?P<end><!-- end of bounds -->)",
    re.DOTALL,
)
"""A table of bounds in a page, and the names of the tables that it is about."""

PEOPLE_TABLE = re.compile(
    r"(?P<begin><!-- (?P<subject>foreign keys|columns) of people -->\n).*?"
    r"(?P<end><!-- end of people -->)",
    re.DOTALL,
)
"""A table in a page of what is declared about people, by foreign keys or by columns."""

_HEADING = "| table | command | principal | columns |\n|---|---|---|---|\n"


def with_access_tables(page: str, connection: Connection) -> str:
    """Return a page with every access table as the database has it.

    Args:
        page: The text of the page.
        connection: A connection to the database.
    """

    def current(match: re.Match[str]) -> str:
        tables = match["tables"].split(", ")
        return f"{match['begin']}\n{access_table(connection, tables)}\n{match['end']}"

    return ACCESS_TABLE.sub(current, page)


def access_table(connection: Connection, tables: Sequence[str]) -> str:
    """Return the access table of some tables, as Markdown.

    Every policy for clients is a line, with the principal that its name begins with and the columns
    that are granted with it.

    Args:
        connection: A connection to the database.
        tables: Names of tables of schema ``public``.
    """
    rows = connection.execute(_POLICIES, {"tables": list(tables)}).all()
    return _HEADING + "".join(_lines(rows))


def with_bounds_tables(page: str) -> str:
    """Return a page with every table of bounds as the models have it.

    Args:
        page: The text of the page.
    """

    def current(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{bounds_table(match['tables'].split(', '))}\n{match['end']}"

    return BOUNDS_TABLE.sub(current, page)


def bounds_table(tables: Iterable[str]) -> str:
    """Return the bounds of the columns of some tables, as Markdown.

    Args:
        tables: Names of tables of schema ``public``.
    """
    columns: dict[str, list[str]] = {}
    for table in tables:
        for column in metadata.tables[table].columns:
            if bounds_of(column) is not None:
                columns.setdefault(_bounds(column), []).append(f"`{table}.{column.name}`")
    lines = (f"| {bounds} | {', '.join(named)} |\n" for bounds, named in columns.items())
    return "| bounds | columns |\n|---|---|\n" + "".join(lines)


def _bounds(column: Column[Any]) -> str:
    match column.type:
        case BoundedText(length=length):
            must_show = "~" in str(bounds_of(column))
            return f"{length:,} characters" + (", not only blanks" if must_show else "")
        case Document(size=int(size)):
            return f"JSON of {size // 1024:,} kB and {DOCUMENT_LEVELS} levels, finite numbers"
        case LabelArray():
            return f"{ARRAY_ITEMS} items of {LABEL_LENGTH} characters"
        case BoundedTime():
            return "years 2 to 9998"
        case BoundedDate():
            return "years 1 to 9999"
    raise TypeError(f"how are the bounds of {column.type!r} described?")


def with_people_tables(page: str) -> str:
    """Return a page with the tables of what is declared about people as the models have it.

    Args:
        page: The text of the page.
    """
    tables = {"foreign keys": _links_table, "columns": _columns_table}

    def current(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{tables[match['subject']]()}\n{match['end']}"

    return PEOPLE_TABLE.sub(current, page)


def _links_table() -> str:
    return "| table | columns | refers to | kind | on delete |\n|---|---|---|---|---|\n" + "".join(
        f"| `{shown_name(link.table)}` | {_listed(each.name for each in link.columns)}"
        f" | `{shown_name(link.target)}` | {link.kind}"
        f" | {(link.constraint.ondelete or 'no action').lower()} |\n"
        for link in Links([metadata]).links
    )


def _columns_table() -> str:
    lines: dict[tuple[str, str], list[str]] = {}
    for table in metadata.sorted_tables:
        for column in table.columns:
            if table.schema is None and (words := _in_words(declared_in(column.info))):
                lines.setdefault((table.name, words), []).append(column.name)
    return "| table | columns | an erasure |\n|---|---|---|\n" + "".join(
        f"| `{table}` | {_listed(names)} | {words} |\n"
        for (table, words), names in sorted(lines.items())
    )


def _in_words(declared: object) -> str | None:
    match declared:
        case Personal(is_email=True):
            return "clears it, and finds guests by it"
        case Personal(instead=None):
            return "clears it"
        case Personal(instead=instead):
            return f"sets it to {instead}"
        case AccountId(why, along) if along:
            return f"keeps it, with {_listed(along)}: {why}"
        case Kept(why) | AccountId(why):
            return f"keeps it: {why}"
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _lines(rows: Iterable[Row[str, str, str, bool, list[str] | None]]) -> Iterator[str]:
    named = ""
    for table, command, policy, permissive, columns in rows:
        verb = "read" if command == "select" else command
        principal, is_sentence, _ = policy.partition(f" can {verb}")
        name = principal if is_sentence else f"`{policy}`"
        restricted = "" if permissive else " (restrictive)"
        listed = "all" if columns is None else ", ".join(f"`{column}`" for column in columns)
        title = f"`{table}`" if table != named else ""
        named = table
        yield f"| {title} | {command} | {name}{restricted} | {listed} |\n"


_POLICIES = text(
    """
    select
        c.relname,
        commands.name,
        p.polname,
        p.polpermissive,
        case
            when commands.name = 'delete' then array[]::text[]
            when not has_table_privilege('authenticated', c.oid, commands.name) then array(
                select a.attname::text
                from pg_attribute as a
                where a.attrelid = c.oid
                    and a.attnum > 0
                    and not a.attisdropped
                    and has_column_privilege('authenticated', c.oid, a.attnum, commands.name)
                order by a.attnum
            )
        end
    from unnest(cast(:tables as text[])) with ordinality as named (name, position)
    join pg_class as c on c.oid = to_regclass('public.' || named.name)
    join pg_policy as p on p.polrelid = c.oid
    join (
        values (1, 'select', 'r'), (2, 'insert', 'a'), (3, 'update', 'w'), (4, 'delete', 'd')
    ) as commands (position, name, letter)
        on p.polcmd in (commands.letter::"char", '*')
    where p.polroles <> array[to_regrole('service_role')::oid]
        and case commands.name
            when 'delete' then has_table_privilege('authenticated', c.oid, 'delete')
            else has_any_column_privilege('authenticated', c.oid, commands.name)
        end
    order by named.position, commands.position, p.polpermissive desc, p.polname
    """
)
