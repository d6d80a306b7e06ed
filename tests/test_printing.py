"""What a command prints of a database forges no line and drives no terminal."""

from __future__ import annotations

import pytest
from sqlalchemy import NullPool, create_engine

from townhall.pg import sql
from townhall.printing import on_one_line, printable, printable_sql

ODD = "a\n\"b'c\\d\x1b[2J\r\t\u202e\u2028\x85\U000e0001 é שלום"


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("policy public.events members can read", "policy public.events members can read"),
        ("הערה é 中", "הערה é 中"),
        ("a\nsecurity: forged", r"a\nsecurity: forged"),
        ("a\r\x1b[1Ab", r"a\r\x1b[1Ab"),
        ("a\u202eb\u2028c\x85d", r"a\u202eb\u2028c\x85d"),
    ],
)
def test_words_are_printed_on_one_line_with_escapes(words: str, printed: str) -> None:
    assert printable(words) == printed


def test_message_of_several_lines_is_printed_on_one() -> None:
    assert on_one_line(ValueError("one\n  two\x1b[2J")) == r"one two\x1b[2J"


@pytest.mark.parametrize(
    ("statement", "printed"),
    [
        ("select 1", "select 1"),
        ("select\n\t1 -- one\n", "select\n\t1 -- one\n"),
        ('drop table "a\nb"', r'drop table U&"a\000Ab"'),
        ('drop table "a\\\x1bb"', r'drop table U&"a\\\001Bb"'),
        ("select 'a\nb''c\\'", r"select E'a\nb''c\\'"),
        ("select x like'a\n'", r"select x like E'a\n'"),
        ("select e'\\\n\\t\n'", r"select e'\n\t\n'"),
        ("select $$a\n\tb\r\n$$", "select $$a\n\tb\r\n$$"),
        ("select $x$a\r'b\\$x$", r"select E'a\r''b\\'"),
        ("select 1 /* \x1b */", r"select 1 /* \x1b */"),
    ],
)
def test_sql_is_printed_with_escapes(statement: str, printed: str) -> None:
    assert printable_sql(statement) == printed


def test_printed_sql_means_the_same(empty_database: str) -> None:
    quoted = sql.dollar_quoted(f"begin return '{sql.literal(ODD)[1:-1]}'; end")
    with create_engine(empty_database, poolclass=NullPool).connect() as connection:
        for statement in (
            f"create table public.{sql.quote(ODD)} (id int)",
            f"comment on table public.{sql.quote(ODD)} is {sql.literal(ODD)}",
            f"create function public.f() returns text language plpgsql as {quoted}",
        ):
            printed = printable_sql(statement)
            assert printed.isprintable()
            connection.exec_driver_sql(printed, execution_options={"no_parameters": True})
        row = connection.exec_driver_sql(
            "select relname, obj_description(oid, 'pg_class'), public.f() from pg_class"
            " where relnamespace = 'public'::regnamespace"
        ).one()
    assert tuple(row) == (ODD, ODD, ODD)
