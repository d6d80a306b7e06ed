"""The schema of a database as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from tests.support.dump import dump

if TYPE_CHECKING:
    from townhall.testing.databases import Databases


def _run(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


_FUNCTION = """
create function public.answer() returns int language sql as $$
--
-- Name: answer; Type: FUNCTION
select 42 -- of course
$$
"""


@pytest.mark.thorough
def test_equal_schemas_have_equal_dumps(server: Databases) -> None:
    statements = (
        "create table public.things (id int primary key)",
        "alter table public.things alter id set (n_distinct = -0.5)",
        "comment on table public.things is 'Things'",
        "grant select on public.things to public",
    )
    with server.create() as one, server.create() as other:
        _run(one, *statements)
        _run(other, *statements)
        assert dump(one) == dump(other)
        _run(other, "comment on table public.things is 'Other things'")
        assert dump(one) != dump(other)


def test_dump_has_only_statements(empty_database: str) -> None:
    assert dump(empty_database) == "\n"
    _run(empty_database, "create table public.things (id int)", "revoke all on things from public")
    first, *others = dump(empty_database).splitlines()
    assert first == "CREATE TABLE public.things ("
    assert not [line for line in others if line.startswith(("--", "\\", "SET", "SELECT"))]


def test_dump_keeps_comments_in_the_body_of_a_function(empty_database: str) -> None:
    _run(empty_database, _FUNCTION)
    assert "--\n-- Name: answer; Type: FUNCTION\nselect 42 -- of course\n" in dump(empty_database)
