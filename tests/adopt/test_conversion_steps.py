"""What uses a column is there again when its type was converted."""

from __future__ import annotations

from sqlalchemy import Connection, text

from townhall.adopt import compare
from townhall.adopt.plan import Choices, Plan
from townhall.check.snapshot import read
from townhall.migrate.savepoints import run_script

_RULES = """
    select pg_get_ruledef(r.oid) || r.ev_enabled::text || obj_description(r.oid, 'pg_rewrite')
    from pg_rewrite as r
    where r.rulename = 'Keep it'
"""


def test_rule_that_uses_a_converted_column_is_there_again(connection: Connection) -> None:
    with connection.begin_nested() as savepoint:
        run_script(connection, ["create table books (id bigint)"])
        wanted = read(connection, ["public"], [])
        savepoint.rollback()
    actual = """
        create table books (id integer);
        create rule "Keep it" as on delete to books where old.id > 5 do instead nothing;
        alter table books disable rule "Keep it";
        comment on rule "Keep it" on books is 'Theirs.'
    """
    run_script(connection, [actual])
    before = connection.scalars(text(_RULES)).all()
    plan = Plan(connection, Choices({}, {}, ()), read(connection, ["public"], []), wanted)
    for step in plan.steps():
        run_script(connection, step.statements)
    assert compare(wanted, read(connection, ["public"], [])) == []
    assert len(before) == 1
    assert connection.scalars(text(_RULES)).all() == before


def test_restrictive_policy_that_goes_and_does_not_take_the_type_lets_no_row_through(
    connection: Connection,
) -> None:
    with connection.begin_nested() as savepoint:
        run_script(connection, ["create table books (id integer, place integer)"])
        wanted = read(connection, ["public"], [])
        savepoint.rollback()
    actual = """
        create table books (id integer, place text);
        create policy narrow on books as restrictive for select using (place like '1%');
        create policy written on books as restrictive for insert with check (place like '1%');
        create policy taken on books as restrictive for delete using (place is not null);
        create policy theirs on books for select using (place like '1%')
    """
    run_script(connection, [actual])
    names = ["narrow", "written", "taken", "theirs"]
    drops = [f"policy public.books {name}" for name in names]
    choices = Choices({}, {"public.books.place": "place::integer"}, drops)
    plan = Plan(connection, choices, read(connection, ["public"], []), wanted)
    for step in plan.steps():
        run_script(connection, step.statements)
    found = connection.execute(text(_POLICIES)).all()
    assert [tuple(each) for each in found] == [
        ("narrow", False, "false", None),
        ("taken", False, "(place IS NOT NULL)", None),
        ("written", False, None, "false"),
    ]


_POLICIES = """
    select
        polname,
        polpermissive,
        pg_get_expr(polqual, polrelid),
        pg_get_expr(polwithcheck, polrelid)
    from pg_policy
    where polrelid = 'books'::regclass
    order by polname
"""
