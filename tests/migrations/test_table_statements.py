"""What a statement says of the table that it creates."""

from __future__ import annotations

import pytest

from townhall.migrate.guard.table_statements import (
    StatedColumn,
    StatedConstraint,
    StatedTable,
    stated_table,
)

PULLED = """
    create unlogged table if not exists crm."Odd, (t" (
        id uuid default gen_random_uuid() not null,
        n integer generated always as identity (start with 1 no cycle) not null,
        "a, b" character varying(20) default 'x, (y'::character varying not null,
        price numeric(5,2),
        at timestamp(3) with time zone,
        tags crm."My type"[] collate "C",
        sum integer generated always as ((n + 1)) stored,
        constraint "c, k"
        CHECK (((n > 0) AND ("a, b" <> ')'::text))),
        constraint key
        PRIMARY KEY (id, "a, b"),
        constraint of_post
        FOREIGN KEY (n, id) REFERENCES public."Posts"(id, "n") ON DELETE SET NULL (n)
    )
    partition by list (id)
"""
BY_HAND = """
    CREATE TABLE app.notes(id serial PRIMARY KEY, -- no, column
        text int NULL REFERENCES app.x, body text CHECK (body <> '),') NOT NULL,
        LIKE other, UNIQUE (id), odd /* one, more */ strange type (1, 2) of it)
"""


def test_pulled_table_is_read_with_its_columns_and_constraints() -> None:
    assert stated_table(PULLED) == StatedTable(
        ("crm", "Odd, (t"),
        [
            StatedColumn("id", "uuid", is_not_null=True, has_default=True),
            StatedColumn("n", "integer", is_not_null=True, has_default=False, identity="a"),
            StatedColumn("a, b", "character varying(20)", is_not_null=True, has_default=True),
            StatedColumn("price", "numeric(5,2)", is_not_null=False, has_default=False),
            StatedColumn("at", "timestamp(3) with time zone", is_not_null=False, has_default=False),
            StatedColumn("tags", 'crm."My type"[]', is_not_null=False, has_default=False),
            StatedColumn("sum", "integer", is_not_null=False, has_default=False, is_generated=True),
        ],
        [
            StatedConstraint("c, k", "c", (), None),
            StatedConstraint("key", "p", ("id", "a, b"), None),
            StatedConstraint("of_post", "f", ("n", "id"), "Posts"),
        ],
        is_plain=False,
    )


def test_table_written_by_hand_is_read_as_far_as_it_is_known() -> None:
    assert stated_table(BY_HAND) == StatedTable(
        ("app", "notes"),
        [
            StatedColumn("id", "serial", is_not_null=True, has_default=False),
            StatedColumn("text", "int", is_not_null=False, has_default=False),
            StatedColumn("body", "text", is_not_null=True, has_default=False),
        ],
        [],
    )


@pytest.mark.parametrize(
    "statement",
    [
        "create table notes (id int)",
        "create table crm.notes_1 partition of crm.notes default",
        "create table crm.notes as select 1",
        "create view crm.notes as select 1",
        "alter table crm.notes add column id int",
        "",
    ],
)
def test_other_statement_is_none_of_a_table(statement: str) -> None:
    assert stated_table(statement) is None
