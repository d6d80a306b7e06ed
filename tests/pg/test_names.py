"""Names are quoted as PostgreSQL quotes them, and arguments are read as PostgreSQL reads them."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from tests.pg.samples import SCHEMA
from tests.pg.test_round_trip import actual, as_written
from townhall import pg
from townhall.migrate.savepoints import run_script
from townhall.pg import sql
from townhall.pg.arguments import Argument


def key_words(connection: Connection, condition: str = "true") -> list[str]:
    query = f"select word from pg_get_keywords() where {condition} order by 1"
    return list(connection.exec_driver_sql(query).scalars())


def test_names_are_quoted_as_postgresql_quotes_them(connection: Connection) -> None:
    names = [*key_words(connection), "a", "_a1", "1a", "a$", "A", "é", "a b", 'a"b', "%s", ""]
    quoted = connection.exec_driver_sql(
        "select quote_ident(n) from unnest(%(names)s::text[]) as n", {"names": names}
    ).scalars()
    newer = {word for word in names if sql.quote(word) != word} - {
        *key_words(connection, "catcode <> 'U'")
    }
    for name, expected in zip(names, quoted, strict=True):
        # An older server reserves fewer words, and takes quotes around any.
        assert sql.quote(name) in {expected, f'"{name}"' if name in newer else expected}


def test_key_words_are_names_of_arguments_and_columns(connection: Connection) -> None:
    words = key_words(connection)
    columns = ", ".join(f'"{word}" integer' for word in words)
    run_script(connection, [f'create table "{SCHEMA}".words ({columns})'])
    for start in range(0, len(words), 50):
        some = words[start : start + 50]
        function = pg.Function(
            schema=SCHEMA,
            name="f",
            arguments=dict.fromkeys(some, "integer"),
            returns="integer",
            body="select 1",
        )
        run_script(connection, function.create_statements())
        assert actual(connection, function) == function
        run_script(connection, function.drop_statements())
    view = pg.View(
        schema=SCHEMA,
        name="all",
        definition=f'select {sql.quote_all(words)} from "{SCHEMA}".words',
        column_comments=dict.fromkeys(words, "A word."),
        grants={"authenticated": (f"select ({sql.quote_all(words)})",)},
    )
    run_script(connection, view.create_statements())
    read = actual(connection, view)
    assert isinstance(read, pg.View)
    assert (read.column_comments, read.grants) == (view.column_comments, view.grants)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("integer", Argument("a", None, "integer", None)),
        ("IN integer", Argument("a", None, "integer", None)),
        ("OUT integer", Argument("a", "out", "integer", None)),
        ("In  Out integer = 3", Argument("a", "inout", "integer", "3")),
        ("INOUT\ninteger DEFAULT 3", Argument("a", "inout", "integer", "3")),
        ("VARIADIC text[] Default '{}'", Argument("a", "variadic", "text[]", "'{}'")),
        ("integer=3", Argument("a", None, "integer", "3")),
        ("integer default\n1 = 2", Argument("a", None, "integer", "1 = 2")),
        ('"in default = x"', Argument("a", None, '"in default = x"', None)),
        ("text default 'a default = b'", Argument("a", None, "text", "'a default = b'")),
        ("interval", Argument("a", None, "interval", None)),
        ("outcome", Argument("a", None, "outcome", None)),
        ("s.t default 1", Argument("a", None, "s.t", "1")),
        ('out"Odd"', Argument("a", "out", '"Odd"', None)),
    ],
)
def test_argument_is_read_as_postgresql_reads_it(declared: str, expected: Argument) -> None:
    assert Argument.of("a", declared) == expected


@pytest.mark.parametrize(
    ("arguments", "returns", "read"),
    [
        ({"a": "INTEGER DEFAULT 3"}, "INTEGER", {"a": "integer default 3"}),
        ({"a": "IN int = 3"}, "SETOF int", {"a": "integer default 3"}),
        ({"a": "OUT int", "b": "InOut int"}, "record", {"a": "out integer", "b": "inout integer"}),
        ({"a": "VARIADIC int[]"}, "TABLE\n(x int)", {"a": "variadic integer[]"}),
    ],
)
def test_function_with_arguments_in_capitals_is_found(
    connection: Connection, arguments: dict[str, str], returns: str, read: dict[str, str]
) -> None:
    function = pg.Function(
        schema=SCHEMA,
        name="f",
        arguments=arguments,
        returns=returns,
        language="plpgsql",
        body="begin return; end",
        rows=5 if " " in returns.replace("\n", " ") else None,
    )
    run_script(connection, ["set local check_function_bodies = off", *function.create_statements()])
    found = actual(connection, function)
    assert isinstance(found, pg.Function)
    assert found.arguments == read
    assert as_written(found) == found
    run_script(connection, function.drop_statements())
    assert actual(connection, found) is None
