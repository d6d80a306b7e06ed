"""Objects of others that have the names of declared ones, from the look to the downgrade."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.util import CommandError

from tests.adopt.conftest import Found
from tests.support.dump import dump
from tests.support.foreign import run
from townhall.adopt import Decisions, Weight, adopt, look
from townhall.adopt.errors import DecisionError
from townhall.check import check
from townhall.migrate import alembic_config, downgrade

SUMMARY = "create view summary as select 1 as one;"
COUNTED = "create function counted() returns bigint language sql as 'select 1::bigint';"


@pytest.mark.thorough
def test_view_and_function_of_a_declared_name_are_replaced_dropped_or_stop(found: Found) -> None:
    def finding(declared: str, actual: str) -> tuple[Weight, str]:
        [one] = found(declared, actual)
        return one.weight, one.plan

    other, counted = SUMMARY.replace("1", "2"), COUNTED.replace("bigint", "integer")
    assert finding(SUMMARY, other)[0] is Weight.CHANGE
    assert finding(SUMMARY, SUMMARY.replace("one", "two"))[0] is Weight.DECIDE
    assert finding(SUMMARY, SUMMARY.replace("view", "materialized view"))[0] is Weight.DECIDE
    assert finding(COUNTED, counted)[0] is Weight.DECIDE
    reader = "create view reader as select two from summary;"
    weight, plan = finding(SUMMARY, SUMMARY.replace("one", "two") + reader)
    assert (weight, plan) == (
        Weight.STOP,
        "rename it, or drop what uses it: view public.reader",
    )
    assert finding(COUNTED, counted + "create view r as select counted();")[0] is Weight.STOP


THEIRS = (
    "create schema private",
    "create table private.secrets (id int)",
    "grant select on private.secrets to anon",
    "create view track_statistics with (security_barrier) as select 1 as x, 'a'::text as y",
    "comment on view track_statistics is 'Theirs.'",
    "comment on column track_statistics.x is 'Theirs.'",
    "grant select (x) on track_statistics to anon",
    "grant select on track_statistics to authenticated with grant option",
    "alter view track_statistics alter column y set default 'q'",
    "create rule ignore as on insert to track_statistics do instead nothing",
    "create materialized view benchmark_stage_aggregates with (fillfactor = 50) as select 1 as x",
    "create unique index by_x on benchmark_stage_aggregates (x)",
    "comment on index by_x is 'Theirs.'",
    "grant select on benchmark_stage_aggregates to anon",
    """
    create function mark_messages_read(message_ids uuid[])
    returns text language sql as 'select null::text'
    """,
    "comment on function mark_messages_read(uuid[]) is 'Theirs.'",
    "revoke execute on function mark_messages_read(uuid[]) from public",
    "create table profiles (id uuid primary key)",
    "alter table profiles replica identity full",
    "alter table profiles set (fillfactor = 70, autovacuum_enabled = false)",
)


@pytest.mark.exhaustive
def test_objects_of_declared_names_go_as_decided_and_come_back(
    owned_database: str, townhall_server: str
) -> None:
    run(owned_database, *THEIRS)
    before = _schema(owned_database)
    findings = look(owned_database, scratch=townhall_server).findings
    [schema] = [each for each in findings if each.object == "schema private"]
    assert "with which they reach private.secrets" in schema.plan
    asked = [each.question.key for each in findings if each.question and each.question.is_required]
    assert asked == [
        "function public.mark_messages_read(uuid[])",
        "materialized view public.benchmark_stage_aggregates",
        "view public.track_statistics",
    ]
    with pytest.raises(DecisionError, match="can't be kept, since a revision makes something"):
        adopt(owned_database, Decisions(dict.fromkeys(asked, "keep")), scratch=townhall_server)
    with pytest.raises(CommandError, match="can't replace by their own; nothing was changed"):
        command.upgrade(alembic_config(owned_database), "head")
    decisions = Decisions(dict.fromkeys(asked, "drop"))
    assert adopt(owned_database, decisions, scratch=townhall_server).differences == []
    assert not check(owned_database, scratch=townhall_server).findings
    assert adopt(owned_database, decisions, scratch=townhall_server).done == []
    downgrade(owned_database, "base")
    assert _schema(owned_database) == before


@pytest.mark.exhaustive
def test_view_dropped_by_an_interrupted_adoption_comes_back_at_base(
    owned_database: str, townhall_server: str
) -> None:
    run(owned_database, THEIRS[3])
    before = _schema(owned_database)

    def stop(title: str) -> None:
        if title == "upgrade to head":
            raise KeyboardInterrupt

    decisions = Decisions({"view public.track_statistics": "drop"})
    with pytest.raises(KeyboardInterrupt):
        adopt(owned_database, decisions, scratch=townhall_server, tell=stop)
    assert "track_statistics" not in dump(owned_database).replace("'track_statistics", "")
    downgrade(owned_database, "base")
    assert _schema(owned_database) == before


def _schema(url: str) -> list[str]:
    run(url, "drop table if exists public.alembic_version")
    return sorted(dump(url).splitlines())
