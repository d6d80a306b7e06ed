"""The body of a function is stored as it is declared, and read byte for byte."""

from __future__ import annotations

import io

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from tests.pg.samples import SCHEMA
from tests.pg.test_round_trip import actual, as_written
from townhall import pg
from townhall.migrate.savepoints import run_script
from townhall.pg import sql

SOURCE = "select prosrc from pg_proc where proname = 'f'"

SOURCES = {
    "a text over lines": """
    begin
        return 'Dear guest,
    your seat is kept.';
    end;
""",
    "laid out, with a text over lines": "\nbegin\n    return 'a\n      b';\nend\n",
    "laid out": "\nbegin\n    return 1;\nend\n",
    "on one line": "begin return 1; end",
    "a long line": f"begin return '{'word ' * 40}'; end;",
    "two final semicolons": "begin return 1; end;;",
    "tabs": "\n\tbegin\n\t\treturn 1;\n\tend\n",
    "blanks at the ends": "  begin   \n return 1; \n\n  end \n\n",
    "line breaks of Windows": "\r\nbegin\r\n  return 1;\r\nend;\r\n",
    "odd characters": "begin return E'\\\\ \\'' || ':a ::b %s %(x)s {} \u2028\x0b\x7f é 🎟'; end",
    "quotes of Python": "begin return '\"\"\" '''; end",
    "tags": "begin return $function$a$function$ || $$b$$ || '$function'; end -- $function",
    "a comment at the end": "begin return 1; end -- one",
    "a comment over lines": "\n/* a\n      /* b */\n  c */\nbegin return 1; end\n",
    "an apostrophe in a comment": "\n  -- don't\n  begin\n    return 1;\n  end\n",
}


def stored(connection: Connection) -> object:
    return scalar(connection, SOURCE)


def scalar(connection: Connection, query: str) -> object:
    return connection.execute(sql.statement(query)).scalar_one()


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_source_in_the_catalog_is_read_back_byte_for_byte(
    connection: Connection, source: str
) -> None:
    name = pg.Function(schema=SCHEMA, name="f", returns="text", language="plpgsql", body="x")
    create = f'create function "{SCHEMA}".f() returns text language plpgsql as $x${source}$x$'
    run_script(connection, ["set local check_function_bodies = off", create])
    assert stored(connection) == source
    read = actual(connection, name)
    assert read is not None
    written = as_written(read)
    assert written == read
    with Operations.context(MigrationContext.configure(connection)):
        pg.create_entity(written)
    assert stored(connection) == source
    run_script(connection, [*read.drop_statements(), *read.create_statements()])
    assert stored(connection) == source
    run_script(connection, [*read.drop_statements(), _script(read)])
    assert stored(connection) == source


def _script(entity: pg.Entity) -> str:
    output = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": output, "literal_binds": True},
    )
    with Operations.context(context):
        pg.create_entity(entity)
    return output.getvalue()


@pytest.mark.parametrize("source", [" select 1; ", "\n    select 1\n", "return 1", ""], ids=repr)
def test_source_in_sql_is_read_back_byte_for_byte(connection: Connection, source: str) -> None:
    name = pg.Function(schema=SCHEMA, name="f", returns="integer", body="select 1")
    create = f'create function "{SCHEMA}".f() returns integer language sql as $x${source}$x$'
    run_script(connection, ["set local check_function_bodies = off", create])
    read = actual(connection, name)
    assert read is not None
    assert as_written(read) == read
    run_script(connection, [*read.drop_statements(), *read.create_statements()])
    assert stored(connection) == source


def test_function_written_by_hand_is_stored_without_its_indentation(
    connection: Connection,
) -> None:
    function = pg.Function(
        schema=SCHEMA,
        name="f",
        returns="text",
        language="plpgsql",
        body="""
            begin
                return 'Dear guest,
  your seat is kept.';
            end;
        """,
    )
    run_script(connection, function.create_statements())
    assert stored(connection) == ("\nbegin\n    return 'Dear guest,\n  your seat is kept.';\nend\n")
    assert actual(connection, function) == function


def test_verbatim_body_is_stored_as_it_is_given(connection: Connection) -> None:
    function = pg.Function(
        schema=SCHEMA,
        name="f",
        returns="integer",
        language="plpgsql",
        body="  begin return 1; end;\n",
        verbatim=True,
    )
    run_script(connection, function.create_statements())
    assert stored(connection) == function.body
    assert actual(connection, function) == function


def test_body_in_another_language_is_stored_as_it_is_given(connection: Connection) -> None:
    function = pg.Function(
        schema=SCHEMA,
        name="f",
        arguments={"$1": "integer", "$2": "integer"},
        returns="integer",
        language="internal",
        body="int4pl",
        volatility="immutable",
        is_strict=True,
    )
    run_script(connection, function.create_statements())
    assert stored(connection) == "int4pl"
    assert actual(connection, function) == function


@pytest.mark.parametrize(
    "body",
    [
        "return(1)",
        "RETURN 1",
        "begin\natomic select 1; end",
        "BEGIN ATOMIC\n    select 1;\nEND",
        "-- one\nreturn 1",
        "/* one /* two */ */ begin /* three */ atomic select 1; end",
        "return 1 -- one",
    ],
    ids=repr,
)
def test_body_in_the_form_of_the_standard_is_recognized(connection: Connection, body: str) -> None:
    function = pg.Function(schema=SCHEMA, name="f", returns="integer", body=body)
    run_script(connection, function.create_statements())
    call = f"select \"{SCHEMA}\".f() from pg_proc where proname = 'f' and prosqlbody is not null"
    assert scalar(connection, call) == 1
    read = actual(connection, function)
    assert read is not None
    run_script(connection, [*read.drop_statements(), *as_written(read).create_statements()])
    assert actual(connection, function) == read


@pytest.mark.parametrize(
    ("entity", "query"),
    [
        (
            pg.Policy(
                schema=SCHEMA,
                table="odd table",
                name="p",
                command="update",
                roles=("public",),
                using="\"odd column\" <> 'a\n  b'\n    and true",
                check="\"odd column\" <> 'c\n\n      d  \n;'",
            ),
            "select concat(qual, with_check) from pg_policies",
        ),
        (
            pg.View(schema=SCHEMA, name="v", definition="select 'a\n     b  \n;' as c,\n   1 as d"),
            f'select c from "{SCHEMA}".v',
        ),
        (
            pg.Trigger(
                schema=SCHEMA,
                table="odd table",
                name="t",
                timing="before",
                events=("insert",),
                condition="new.\"odd column\" <> 'a\n     b  \n;'\n   and true",
                function=f'"{SCHEMA}".stamp',
                arguments=("a\n     b  \n;", "\r\n\t\\ '' \u2028 ", " "),
            ),
            "select pg_get_triggerdef(oid) from pg_trigger where tgname = 't'",
        ),
    ],
    ids=["policy", "view", "trigger"],
)
def test_multiline_string_is_read_back_byte_for_byte(
    connection: Connection, entity: pg.Entity, query: str
) -> None:
    run_script(connection, entity.create_statements())
    before = scalar(connection, query)
    assert "\n     b  \n;" in str(before) or "a\n  b" in str(before)
    read = actual(connection, entity)
    assert read is not None
    run_script(connection, [*read.drop_statements(), *as_written(read).create_statements()])
    assert scalar(connection, query) == before
    assert actual(connection, entity) == read
