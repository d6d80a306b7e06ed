"""A decision is exactly one expression, which PostgreSQL reads before anything is changed."""

from __future__ import annotations

from itertools import chain

import pytest
from sqlalchemy import Connection, text

from townhall.adopt import DecisionError, Decisions
from townhall.adopt.column_steps import fill_null
from townhall.adopt.comparison import tables_of
from townhall.adopt.expressions import Declared, enclosed, refuse_expressions
from townhall.check.snapshot import read

DECLARED = "create table books (id integer, title text not null, pages integer, at timestamptz)"
THEIRS = """
    create table books (id text, title text, block integer);
    create table shelves (id integer);
    insert into books (title) values (null), ('x');
    create function changing() returns text language plpgsql as
        'begin delete from shelves; return ''y''; end'
"""

BAD = [
    "'a'; drop table shelves",
    "'a') , ('b'",
    "'a'), title = ('b'",
    "'a', 'b'",
    "'a' -- ) the rest",
    "'a' /* the rest",
    "'a",
    '"a',
    "('a'",
    "'a'))",
    "'a') is null union select ('b'",
    "'a' from shelves",
    "$do$ 'a'",
    "end $fill$; drop table shelves; do $fill$",
    "$fill$ a",
    "count(*)::text",
    "generate_series(1, 2)::text",
    "nothing",
    "t.nothing",
    "missing(1)",
    "other.title",
    "upper(1)",
    "*",
    "",
    "title title",
    "default",
    "$1",
]
SUBQUERIES = ["select 'a'", "(select 'a' from shelves limit 1)"]
"""What PostgreSQL does not take for a conversion."""

GOOD = [
    *SUBQUERIES,
    "'a'",
    "'a' -- a comment",
    "/* a comment */ 'a'",
    "'a;b,c)'",
    "$do$ a; b $do$",
    "$fill$ a; b $fill$",
    "upper(t.title)",
    "coalesce(title, 'a')",
    "case when block > 1 then 'a' else pages::text end",
    "(array['a', 'b'])[1]",
    "changing()",
]


@pytest.fixture
def declared(connection: Connection) -> Declared:
    with connection.begin_nested() as savepoint:
        connection.execute(text(DECLARED))
        wanted = tables_of(read(connection, ["public"], []))
        savepoint.rollback()
    connection.execute(text(THEIRS))
    actual = tables_of(read(connection, ["public"], []))
    return Declared(wanted, actual, frozenset({"first_shelf", "public.first_shelf", "places"}))


@pytest.mark.parametrize("section", ["fill", "convert"])
def test_each_bad_expression_is_named_with_its_error(
    section: str, connection: Connection, declared: Declared
) -> None:
    key = {"fill": "public.books.title", "convert": "public.books.id"}[section]
    accepted = []
    for value in [*BAD, *(SUBQUERIES if section == "convert" else ())]:
        try:
            refuse_expressions(connection, Decisions(**{section: {key: value}}), declared)
        except DecisionError as refused:
            message = str(refused)
            assert message.startswith(f"nothing was changed, because of the decisions [{section}]")
            assert key in message
            assert "\n" not in message
        else:
            accepted.append(value)
    comments = [each for each in accepted if each.startswith("'a' --")]
    assert accepted == comments  # which ends with its line, and swallows nothing
    assert connection.scalar(text("select count(*) from books")) == 2


@pytest.mark.parametrize("value", GOOD)
def test_one_expression_is_accepted_and_fills_what_is_null_alone(
    value: str, connection: Connection, declared: Declared
) -> None:
    refuse_expressions(connection, Decisions(fill={"public.books.title": value}), declared)
    connection.execute(text("alter table books add column pages integer"))
    values = {"title": enclosed(value)}
    steps = chain(fill_null(("public", "books"), values))
    for statement in chain.from_iterable(step.statements for step in steps):
        # Without its commits, for which a transaction of the test leaves no room.
        connection.exec_driver_sql(
            statement.replace("commit;", ""), execution_options={"no_parameters": True}
        )
    assert connection.scalar(text("select count(*) from books where title = 'x'")) == 1
    assert connection.scalar(text("select count(*) from shelves")) == 0


def test_expression_may_use_what_the_upgrade_creates(
    connection: Connection, declared: Declared
) -> None:
    for value in ("(select name from places)", "public.first_shelf(1)", "first_shelf()"):
        refuse_expressions(connection, Decisions(fill={"public.books.title": value}), declared)


def test_expression_is_not_evaluated(connection: Connection, declared: Declared) -> None:
    connection.execute(text("insert into shelves values (1)"))
    refuse_expressions(connection, Decisions(fill={"public.books.title": "changing()"}), declared)
    assert connection.scalar(text("select count(*) from shelves")) == 1
