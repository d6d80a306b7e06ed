"""The revision that renames the assignments, with 100,000 of them and an application at work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from alembic import command
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import ProgrammingError

from townhall.migrate import alembic_config, downgrade, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough

BEFORE, AFTER = "townhall_0023", "townhall_0026"
OLD, NEW = "campaign_assignments", "participant_sessions"
OLDER = "stakeholder_sessions"
FILL = """
insert into public.campaigns (name) select 'Campaign ' || n from generate_series(1, 100) as n;

insert into public.campaign_assignments (
    campaign_id, stakeholder_name, status, created_at, updated_at
)
select
    (array(select id from public.campaigns))[1 + n % 100],
    'Person ' || n,
    (array['pending', 'in_progress', 'completed'])[1 + n % 3],
    '2024-01-01',
    '2024-02-02'
from generate_series(1, 100000) as n;

-- What an application made of the table.
alter table public.campaign_assignments
    add constraint campaign_assignments_named check (stakeholder_name <> '');
create index campaign_assignments_by_name on public.campaign_assignments (stakeholder_name);
create policy "the application's own" on public.campaign_assignments
    for select to authenticated using (stakeholder_name = 'Person 1');
grant select, insert (campaign_id, stakeholder_name), update (stakeholder_name)
    on public.campaign_assignments to pg_monitor;
grant delete on public.campaign_assignments to pg_monitor with grant option;
create policy "the report's own" on public.campaign_assignments
    to pg_monitor using (stakeholder_name like 'Report%');
create function public.note() returns trigger language plpgsql as 'begin return new; end';
create trigger campaign_assignments_note after insert on public.campaign_assignments
    for each row execute function public.note();
"""


class Shape(NamedTuple):
    """The properties of a table except its name."""

    oid: int
    constraints: set[tuple[str, str]]
    indexes: set[tuple[str, str]]
    triggers: set[str]
    policies: set[tuple[Any, ...]]
    privileges: set[tuple[Any, ...]]
    rows: str


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        yield connection


@pytest.fixture
def database(townhall_databases: Databases) -> Iterator[str]:
    """Yield the URL of a database just before the rename, with 100,000 assignments in it."""
    with townhall_databases.create() as url:
        upgrade(url, BEFORE)
        with _connected(url) as connection:
            connection.exec_driver_sql(FILL, execution_options={"no_parameters": True})
        yield url


def _shape(url: str, table: str) -> Shape:
    """Return the properties of the table, its name in other names written as ``%``."""
    with _connected(url) as connection:

        def found(query: str) -> set[tuple[Any, ...]]:
            rows = connection.execute(text(query), {"name": table})
            return {tuple(str(each).replace(table, "%") for each in row) for row in rows}

        return Shape(
            oid=connection.execute(text(f"select 'public.{table}'::regclass::oid")).scalar_one(),
            constraints={(row[0], row[1]) for row in found(_CONSTRAINTS)},
            indexes={(row[0], row[1]) for row in found(_INDEXES)},
            triggers={row[0] for row in found(_TRIGGERS)},
            policies=found(_POLICIES),
            privileges=found(_PRIVILEGES),
            rows=connection.execute(text(_ROWS.format(table=table))).scalar_one(),
        )


_ROWS = """
    select md5(string_agg(md5(row(
        id, campaign_id, stakeholder_name, stakeholder_email, user_id, status, started_at,
        completed_at, created_at, updated_at
    )::text), '' order by id))
    from public.{table}
"""
_CONSTRAINTS = """
    select conname, pg_get_constraintdef(oid)
    from pg_constraint
    where conrelid = to_regclass('public.' || :name)
"""
_INDEXES = """
    select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename = :name
"""
_TRIGGERS = """
    select tgname
    from pg_trigger
    where tgrelid = to_regclass('public.' || :name) and not tgisinternal
"""
_POLICIES = """
    select policyname, cmd, roles, qual, with_check
    from pg_policies
    where schemaname = 'public' and tablename = :name
"""
_PRIVILEGES = """
    select grantee, privilege_type, null
    from information_schema.table_privileges
    where table_schema = 'public' and table_name = :name
    union all
    select grantee, privilege_type, column_name
    from information_schema.column_privileges
    where table_schema = 'public' and table_name = :name
"""


@pytest.mark.exhaustive
def test_rename_keeps_rows_and_renames_constraints_indexes_and_triggers(database: str) -> None:
    before = _shape(database, OLD)
    upgrade(database, AFTER)
    after = _shape(database, NEW)
    assert after.oid == before.oid
    assert after.rows == before.rows
    assert after.constraints > before.constraints
    assert after.indexes > before.indexes
    assert after.triggers == before.triggers
    assert not [name for name in _names(after) if OLD in name]
    own = {policy for policy in before.policies if policy[0] != "the participant can read"}
    assert own < after.policies
    assert after.privileges > before.privileges


def _names(shape: Shape) -> set[str]:
    return {name for name, _ in (*shape.constraints, *shape.indexes)} | shape.triggers


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [OLD, OLDER])
def test_role_of_an_application_keeps_its_privileges_under_the_old_names(
    database: str, name: str
) -> None:
    upgrade(database, AFTER)
    with _connected(database) as connection:
        campaign = connection.scalar(text("select id from public.campaigns limit 1"))
        connection.execute(text("set local role pg_monitor"))
        insert = f"insert into public.{name} (campaign_id, stakeholder_name) values (:id, 'Report')"
        connection.execute(text(insert), {"id": campaign})
        connection.execute(text(f"update public.{name} set stakeholder_name = 'Report 2'"))
        found = connection.scalars(text(f"select stakeholder_name from public.{name}"))
        assert found.all() == ["Report 2"]
        connection.execute(text(f"grant delete on public.{name} to pg_read_all_stats"))
        connection.execute(text(f"delete from public.{name}"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(f"update public.{name} set stakeholder_email = 'r@x.example'"))


@pytest.mark.exhaustive
def test_privileges_of_an_application_role_are_no_drift(townhall_databases: Databases) -> None:
    with townhall_databases.create() as url:
        upgrade(url, BEFORE)
        with _connected(url) as connection:
            connection.execute(text(f"grant select, delete on public.{OLD} to pg_monitor"))
            connection.execute(text(f"grant update (user_id) on public.{OLD} to pg_monitor"))
        upgrade(url)
        command.check(alembic_config(url))


@pytest.mark.exhaustive
def test_new_columns_are_filled_from_the_old_ones(database: str) -> None:
    upgrade(database, AFTER)
    with _connected(database) as connection:
        filled = connection.execute(
            text(
                f"""
                select
                    status, client_status, count(*), count(tenant_id), max(updated_at)::date::text
                from {NEW}
                group by status, client_status
                order by status
                """
            )
        )
        assert filled.all() == [
            ("completed", "completed", 33333, 0, "2024-02-02"),
            ("in_progress", "started", 33334, 0, "2024-02-02"),
            ("pending", "registered", 33333, 0, "2024-02-02"),
        ]


@pytest.mark.exhaustive
def test_downgrade_and_upgrade_restore_the_schema(database: str) -> None:
    before = _shape(database, OLD)
    upgrade(database, AFTER)
    after = _shape(database, NEW)
    downgrade(database, BEFORE)
    assert _shape(database, OLD) == before
    upgrade(database, AFTER)
    assert _shape(database, NEW) == after


@pytest.mark.exhaustive
def test_status_set_between_the_steps_is_kept(database: str) -> None:
    """The revision was killed after it filled the columns, and is run again later."""
    upgrade(database, AFTER)
    with _connected(database) as connection:
        connection.execute(text("update alembic_version set version_num = :it"), {"it": BEFORE})
        connection.execute(text(f"update {NEW} set client_status = 'registered'"))
        connection.execute(text(f"alter table {NEW} alter column client_status drop not null"))
    upgrade(database, AFTER)
    with _connected(database) as connection:
        statuses = text(f"select distinct client_status from {NEW}")
        assert connection.scalars(statuses).all() == ["registered"]


@pytest.mark.exhaustive
def test_application_reads_and_writes_under_the_old_name_during_the_revision(database: str) -> None:
    done = Event()
    engine = create_engine(database, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def work() -> int:
        rows = 0
        with engine.connect() as connection:
            campaign = connection.scalar(text("select id from public.campaigns limit 1"))
            while not done.is_set():
                connection.execute(
                    text(
                        f"""
                        insert into public.{OLD} (campaign_id, stakeholder_name)
                        values (:campaign, 'Meanwhile')
                        """
                    ),
                    {"campaign": campaign},
                )
                rows += 1
                found = text(
                    f"select count(*) from public.{OLD} where stakeholder_name = 'Meanwhile'"
                )
                assert connection.scalar(found) == rows
        return rows

    with ThreadPoolExecutor(1) as application:
        working = application.submit(work)
        try:
            upgrade(database, AFTER)
        finally:
            done.set()
        written = working.result(timeout=60)
    with _connected(database) as connection:
        rows = text(
            f"""
            select client_status, count(*)
            from {NEW}
            where stakeholder_name = 'Meanwhile'
            group by client_status
            """
        )
        assert connection.execute(rows).all() == [("registered", written)]
    assert written > 1
