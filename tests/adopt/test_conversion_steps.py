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
