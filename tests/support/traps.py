"""Functions and operators of a stranger that fit better than those of PostgreSQL."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import NullPool, create_engine, text

import townhall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

STRANGER = "townhall_test_stranger"
OPEN = "grant create on schema public to public"
CLOSE = "revoke create on schema public from public"

_CALL = re.compile(r"\b([a-z_][a-z0-9_]*) ?\(")
_OWN_TYPE = "public.trap"
_TYPES = ("text", "varchar", "name", _OWN_TYPE)
_PAIRS = [
    *product(("text", "varchar", "name", "jsonb"), ("varchar",)),
    *product(("varchar",), ("text", "name", "jsonb")),
    ("oid", "regclass"),
    ("oid", "regtype"),
    ("oid", "regnamespace"),
    ("regclass", "oid"),
    ("int4", "numeric"),
    ("bpchar", "text"),
    (_OWN_TYPE, _OWN_TYPE),
    ("jsonb", _OWN_TYPE),
]
_CASTS = ("text", "varchar", "name", "bpchar", "int4", "jsonb", "uuid")
_CREATE = """
do $do$
declare
    one record;
begin
    execute 'create function public.townhall_sprung() returns void language plpgsql as $$
        begin perform pg_catalog.nextval(''traps.sprung''::pg_catalog.regclass); end $$';
    for one in
        select distinct p.proname, t.type, greatest(p.pronargs, 1) as count
        from pg_catalog.pg_proc as p, unnest({types}) as t (type)
        where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any ({names})
            and (p.pronargs between 1 and 4 and p.prokind = 'f' or p.provariadic <> 0)
    loop
        execute format(
            'create or replace function public.%I(%s) returns text language plpgsql as $$'
            'begin perform public.townhall_sprung(); return null; end $$',
            one.proname, array_to_string(array_fill(one.type, array[one.count]), ', ')
        );
    end loop;
end
$do$
"""
_COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
_SYMBOLS = (*_COMPARISONS, "||", "~", "!~", "~~", "->>", "->", "?", "@>", "+", "-")


def called_functions(folder: str = "") -> list[str]:
    """Return every word before a parenthesis in the package and its frozen SQL.

    Args:
        folder: A folder of the package, for the words of its files alone.
    """
    files = [*(Path(townhall.__file__).parent / folder).rglob("*.py")]
    if not folder:
        files += (Path(__file__).parents[1] / "migrations" / "frozen").glob("*.sql")
    return sorted({word for file in files for word in _CALL.findall(file.read_text())})


def set_traps(superuser: str, names: Iterable[str] | None = None) -> None:
    """Create the traps in ``public`` as a stranger, who may create there.

    Args:
        superuser: The URL of the database.
        names: The functions to replace; None for all that are called.
    """
    engine = create_engine(superuser, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(_ROLE))
        connection.execute(text(OPEN))
        connection.execute(text("create schema traps"))
        connection.execute(text("create sequence traps.sprung"))
        connection.execute(text("grant usage on schema traps to public"))
        connection.execute(text("grant all on sequence traps.sprung to public"))
        connection.execute(text(f"set local role {STRANGER}"))
        connection.execute(text(f"create type {_OWN_TYPE} as (words text)"))
        _create_functions(connection, called_functions() if names is None else names)
        connection.exec_driver_sql(
            "; ".join([*_operators(), *_casts()]), execution_options={"no_parameters": True}
        )


def _create_functions(connection: Connection, names: Iterable[str]) -> None:
    statement = _CREATE.format(names=_array(names), types=_array(_TYPES))
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _array(words: Iterable[str]) -> str:
    return "array[{}]".format(", ".join(f"'{word}'" for word in words))


def _operators() -> Iterator[str]:
    for number, (left, right) in enumerate(_PAIRS):
        yield (
            f"create function public.trap_{number}({left}, {right}) returns boolean"
            " language plpgsql as $$ begin perform public.townhall_sprung(); return true; end $$"
        )
        for symbol in _SYMBOLS:
            yield (
                f"create operator public.{symbol} (function = public.trap_{number},"
                f" leftarg = {left}, rightarg = {right})"
            )


def _casts() -> Iterator[str]:
    # PostgreSQL's types become the stranger's own where a function or an operator takes that.
    for each in _CASTS:
        yield (
            f"create function public.trap_of({each}) returns {_OWN_TYPE} language plpgsql as"
            " $$ begin perform public.townhall_sprung(); return null; end $$"
        )
        yield (
            f"create cast ({each} as {_OWN_TYPE}) with function public.trap_of({each}) as implicit"
        )


_ROLE = f"""
do $$
begin
    create role {STRANGER};
exception when duplicate_object or unique_violation then
    null;
end
$$
"""


def is_sprung(superuser: str) -> bool:
    """Tell whether a function or an operator of the stranger was called, in any transaction.

    Args:
        superuser: The URL of the database.
    """
    engine = create_engine(superuser, poolclass=NullPool, use_native_hstore=False)
    with engine.connect() as connection:
        connection.execute(text("set search_path = pg_catalog"))
        return bool(connection.scalar(text("select is_called from traps.sprung")))
