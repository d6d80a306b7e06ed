"""What was there before the revisions, and what a downgrade leaves of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, Table, create_engine, event, make_url, text

from tests.migrations.chain import REVISIONS, sql_script
from tests.support.applications import SmallApplication
from tests.support.dump import dump
from tests.support.foreign import (
    FUNCTIONS,
    PLATFORM,
    ROLES,
    TABLES,
    create_foreign_tables,
    create_tables,
    run,
)
from tests.support.rows import contents, fill
from tests.support.supabase import DefaultPrivileges, supabase_database
from townhall import embedded, metadata
from townhall.check import check
from townhall.migrate import alembic_config, downgrade, upgrade
from townhall.migrate.origins import Origins
from townhall.migrate.origins.kept import keep, read_kept
from townhall.pg import sql

if TYPE_CHECKING:
    from pathlib import Path

    from townhall.testing.databases import Databases

FIRST = [table for table in TABLES if table.name in {"profiles", "organizations"}]
MEMORY = "private.townhall_origins"


def _schema(url: str) -> list[str]:
    """Return the lines of the schema in order, without the version table."""
    run(url, "drop table if exists public.alembic_version")
    return sorted(dump(url).splitlines())  # grants made again are in another order


def _psql(url: str, script: str) -> str:
    libpq_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    program = str(embedded.bin_directory(18) / "psql")
    done = subprocess.run(  # noqa: S603  a program of PostgreSQL, found by ourselves
        (program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", libpq_url),
        input=script,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def _scalar(url: str, query: str) -> object:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return connection.scalar(text(query))


def _fill(url: str) -> dict[str, set[str]]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        fill(connection)
    return _rows(url)


def _rows(url: str) -> dict[str, set[str]]:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return {table: {*rows} for table, rows in contents(connection).items()}


@pytest.mark.thorough
def test_downgrade_leaves_found_tables_as_they_were(empty_database: str) -> None:
    create_foreign_tables(empty_database, FIRST)
    rows, before = _fill(empty_database), _schema(empty_database)
    for _ in range(2):
        upgrade(empty_database, "townhall_0002")
        assert "organization_members" in dump(empty_database)
        downgrade(empty_database, "base")
        assert _schema(empty_database) == before
        assert _rows(empty_database) == rows


@pytest.mark.thorough
def test_what_others_add_after_the_upgrade_stays(empty_database: str) -> None:
    create_tables(empty_database, FIRST)
    upgrade(empty_database, "townhall_0002")
    later = (
        "alter table profiles add column nickname text",
        "create index by_nickname on profiles (nickname)",
        "create policy later on profiles for select to anon using (nickname is not null)",
        "insert into auth.users (id) values ('00000000-0000-4000-8000-000000000001')",
        """
        insert into profiles (id, nickname)
        values ('00000000-0000-4000-8000-000000000001', 'A')
        """,
    )
    run(empty_database, *later)
    downgrade(empty_database, "base")
    assert _scalar(empty_database, "select nickname from profiles") == "A"
    schema = dump(empty_database)
    assert "CREATE INDEX by_nickname" in schema
    assert "CREATE POLICY later ON public.profiles" in schema
    assert "the owner can read" not in schema


@pytest.mark.thorough
def test_what_others_remove_after_the_upgrade_does_not_come_back(empty_database: str) -> None:
    create_foreign_tables(empty_database, FIRST)
    upgrade(empty_database, "townhall_0002")
    run(empty_database, 'drop policy "viewable by everyone" on profiles')
    downgrade(empty_database, "base")
    schema = dump(empty_database)
    assert 'CREATE POLICY "viewable by everyone" ON public.organizations' in schema
    assert 'CREATE POLICY "viewable by everyone" ON public.profiles' not in schema


@pytest.mark.thorough
def test_tables_of_this_history_are_dropped_though_others_were_found(empty_database: str) -> None:
    create_tables(empty_database, FIRST)
    upgrade(empty_database, "townhall_0003")
    run(empty_database, "insert into organizations (name, slug) values ('A', 'a')")
    downgrade(empty_database, "base")
    assert _scalar(empty_database, "select to_regclass('public.events')") is None
    assert _scalar(empty_database, "select count(*) from organizations") == 1


@pytest.mark.exhaustive
def test_memory_is_closed_and_no_difference_and_gone_at_base(empty_database: str) -> None:
    create_tables(empty_database)
    upgrade(empty_database)
    for role in ("anon", "authenticated", "service_role"):
        for privilege in ("select", "insert", "update", "delete"):
            query = f"select has_table_privilege('{role}', '{MEMORY}', '{privilege}')"
            assert not _scalar(empty_database, query)
    command.check(alembic_config(empty_database))
    assert not check(empty_database).findings
    downgrade(empty_database, "base")
    assert _scalar(empty_database, "select to_regnamespace('private')") is None


@pytest.mark.thorough
def test_what_an_adoption_kept_is_remembered_by_later_upgrades_and_gone_at_base(
    empty_database: str,
) -> None:
    run(empty_database, "create table theirs (id int primary key)")
    before = _schema(empty_database)
    upgrade(empty_database, "townhall_0001")
    origins = Origins("private", ("anon", "authenticated", "service_role"))
    theirs = ("table", "public", "theirs")
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        for statement in [*origins.install(), *keep(origins, (), [theirs])]:
            connection.execute(sql.statement(statement))
    upgrade(empty_database, "townhall_0003")
    with create_engine(empty_database, poolclass=NullPool).connect() as connection:
        assert read_kept(connection, "private") == {theirs}
    downgrade(empty_database, "base")
    assert _schema(empty_database) == before


def test_downgrade_to_base_takes_back_what_an_interrupted_adoption_changed(
    empty_database: str,
) -> None:
    run(empty_database, "create table profiles (id uuid primary key, full_name text)")
    before = _schema(empty_database)
    origins = Origins("private", ("anon", "authenticated", "service_role"))
    changes = [
        *origins.install(),
        origins.remember([("public", ["profiles"])]),
        "alter table profiles add column stage text, add constraint staged check (stage <> '')",
        origins.note(by_us=True),
    ]
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        for statement in changes:
            connection.execute(sql.statement(statement))
    downgrade(empty_database, "base")
    assert _schema(empty_database) == before


@pytest.mark.thorough
def test_foreign_key_to_an_added_key_is_dropped_before_the_key(empty_database: str) -> None:
    """The table that it belongs to is one of a revision that was not run."""
    run(
        empty_database,
        "create table teams (id int primary key, season int unique)",
        "create table members (team_id int, season int references teams (season))",
    )
    before = _schema(empty_database)
    origins = Origins("private", ("anon", "authenticated", "service_role"))
    steps = [
        *origins.install(),
        origins.remember([("public", ["teams"]), ("public", ["members"])]),
        "alter table teams add constraint season_of_id unique (id, season)",
        """
        alter table members add constraint team_of_season
            foreign key (team_id, season) references teams (id, season)
        """,
        origins.note(by_us=True),
        "select pg_temp.townhall_drop_table('public', 'teams')",
        origins.end("public.alembic_version"),
    ]
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        for step in steps:
            connection.execute(sql.statement(step))
    assert _schema(empty_database) == before


@pytest.mark.thorough
def test_schema_of_helpers_that_was_there_gets_its_privileges_and_functions_back(
    owned_database: str,
) -> None:
    run(
        owned_database,
        "create schema private",
        "grant usage on schema private to anon",
        "create table private.secrets (id int)",
        """
        create function private.update_updated_at_column()
        returns trigger language plpgsql as 'begin return new; end'
        """,
        "comment on function private.update_updated_at_column() is 'Theirs.'",
        "grant execute on function private.update_updated_at_column() to anon with grant option",
    )
    before = _schema(owned_database)
    upgrade(owned_database, "townhall_0001")
    assert _scalar(
        owned_database, "select has_schema_privilege('authenticated', 'private', 'usage')"
    )
    downgrade(owned_database, "base")
    assert _schema(owned_database) == before


@pytest.mark.thorough
def test_usage_of_a_closed_schema_public_is_taken_back(owned_database: str) -> None:
    run(owned_database, "revoke usage on schema public from public")
    before = _schema(owned_database)
    upgrade(owned_database, "townhall_0001")
    downgrade(owned_database, "base")
    assert _schema(owned_database) == before


@pytest.mark.thorough
def test_event_trigger_of_others_finds_what_it_uses_in_public(empty_database: str) -> None:
    create_tables(empty_database, FIRST)
    run(
        empty_database,
        "create table log (command text)",
        """
        create function log_command() returns event_trigger language plpgsql as $$
        begin
            insert into log select command_tag from pg_event_trigger_ddl_commands();
        end
        $$
        """,
        "create event trigger logged on ddl_command_end execute function log_command()",
        "create publication everything for all tables",
    )
    before = _schema(empty_database)
    upgrade(empty_database, "townhall_0002")
    downgrade(empty_database, "base")
    assert _schema(empty_database) == before


def test_database_without_found_tables_has_no_memory(townhall_template: str) -> None:
    assert "townhall_origins" not in dump(townhall_template)


@pytest.mark.exhaustive
def test_stamp_takes_no_table_of_this_history_for_found(townhall_database: str) -> None:
    before = dump(townhall_database)
    config = alembic_config(townhall_database)
    command.stamp(config, "base")
    upgrade(townhall_database)
    assert dump(townhall_database) == before
    command.stamp(config, "townhall_0008", purge=True)
    command.stamp(config, "head")
    assert dump(townhall_database) == before
    downgrade(townhall_database, "base")
    assert "CREATE" not in dump(townhall_database).replace("CREATE TABLE public.alembic_", "")


@pytest.mark.thorough
def test_tables_that_a_stamp_puts_into_the_history_are_left(empty_database: str) -> None:
    create_tables(empty_database, FIRST)
    command.stamp(alembic_config(empty_database), "townhall_0002")
    command.stamp(alembic_config(empty_database), "base")
    upgrade(empty_database, "townhall_0002")
    downgrade(empty_database, "base")
    assert _scalar(empty_database, "select to_regclass('public.profiles')") is not None


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "name", ["stakeholder_sessions", "campaign_assignments", "participant_sessions"]
)
def test_found_table_that_revisions_rename_gets_its_names_back(
    name: str, empty_database: str
) -> None:
    tables = [table for table in TABLES if table.name in {"campaigns", "participant_sessions"}]
    create_tables(empty_database, [*tables, *(t for t in TABLES if t.name == "tenant_profiles")])
    run(
        empty_database,
        "alter table participant_sessions rename constraint pk_participant_sessions to their_key",
        "alter table participant_sessions add constraint participant_sessions_campaign_assignments"
        " check (id is not null)",
        f"alter table participant_sessions rename to {name}__",
        f"alter table {name}__ rename to {name}",
        _RENAME_PARTS.format(name=name),
        f"create trigger {name}_x before update on {name} for each row"
        " execute function suppress_redundant_updates_trigger()",
        f"alter table {name} disable trigger {name}_x",
    )
    before = _schema(empty_database)
    upgrade(empty_database)
    assert _scalar(empty_database, "select to_regclass('public.participant_sessions')::text")
    downgrade(empty_database, "base")
    assert _schema(empty_database) == before


_RENAMED = """
from alembic import op
import sqlalchemy as sa
from townhall.migrate import safety

revision = "{revision}"
down_revision = {previous}


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
"""
_CREATION = """op.create_table(
        "note", sa.Column("id", sa.Integer, nullable=False), if_not_exists=True
    )"""


@pytest.mark.thorough
def test_not_null_constraints_of_a_renamed_table_get_their_names_back(
    owned_database: str, townhall_server: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, owned_database, townhall_server)
    application.declare("")
    renaming = (
        'safety.rename_table("note", "annotation")',
        'safety.rename_table("annotation", "note")',
    )
    revisions = {
        "first": ("None", _CREATION, 'safety.drop_table("note")'),
        "second": ("'first'", *renaming),
    }
    for revision, (previous, upgrade_, downgrade_) in revisions.items():
        values = {"previous": previous, "upgrade": upgrade_, "downgrade": downgrade_}
        source = _RENAMED.format(revision=revision, **values)
        (tmp_path / "versions" / f"{revision}.py").write_text(source)
    run(
        owned_database,
        """
        create table note (
            id integer constraint "note, no annotation" not null,
            title text constraint annotations not null,
            body text constraint the_body not null,
            unnamed text not null
        )
        """,
    )
    before = _schema(owned_database)
    command.upgrade(application.config, "head")
    command.downgrade(application.config, "base")
    assert _schema(owned_database) == before


_RENAME_PARTS = """
do $$
declare
    part text;
begin
    for part in
        select k.conname
        from pg_catalog.pg_constraint as k
        where k.conrelid = '{name}'::regclass
            and k.conname ~ '^(ck|fk|pk|uq)_participant_sessions_|_not_null$'
            and '{name}' <> 'participant_sessions'
    loop
        execute pg_catalog.format(
            'alter table {name} rename constraint %I to %I',
            part, pg_catalog.replace(part, 'participant_sessions', '{name}')
        );
    end loop;
    for part in
        select c.relname
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as c on c.oid = i.indexrelid
        where i.indrelid = '{name}'::regclass and c.relname ~ '^(ix|idx)_participant_sessions_'
            and '{name}' <> 'participant_sessions'
    loop
        execute pg_catalog.format(
            'alter index %I rename to %I',
            part, pg_catalog.replace(part, 'participant_sessions', '{name}')
        );
    end loop;
end
$$
"""


@pytest.mark.exhaustive
def test_function_of_the_same_name_is_put_back(empty_database: str) -> None:
    run(empty_database, *ROLES, *PLATFORM, *FUNCTIONS)
    before = _schema(empty_database)
    upgrade(empty_database)
    body = "select prosrc from pg_proc where oid = 'update_wizard_session_timestamp'::regproc"
    assert "last_saved_at" in str(_scalar(empty_database, body))
    downgrade(empty_database, "base")
    assert _schema(empty_database) == before


@pytest.mark.exhaustive
def test_downgrade_leaves_every_table_as_it_was(server: Databases) -> None:
    with server.create() as url:
        create_foreign_tables(url)
        run(
            url,
            "create trigger update_wizard_session_timestamp before update on wizard_sessions"
            " for each row execute function public.update_wizard_session_timestamp()",
        )
        rows, before = _fill(url), _schema(url)
        upgrade(url)
        downgrade(url, "base")
        assert _schema(url) == before
        assert {table: len(found) for table, found in _rows(url).items()} == {
            table: len(found) for table, found in rows.items()
        }


@pytest.mark.exhaustive
@pytest.mark.parametrize("default_privileges", DefaultPrivileges)
def test_downgrade_leaves_found_tables_of_a_project_of_supabase(
    default_privileges: DefaultPrivileges, townhall_databases: Databases
) -> None:
    with supabase_database(townhall_databases, default_privileges) as database:
        url = database.postgres
        with create_engine(url, poolclass=NullPool).begin() as connection:
            metadata.create_all(connection, tables=FIRST)
        run(
            url,
            "alter table profiles enable row level security",
            'create policy "viewable by everyone" on profiles for select using (true)',
        )
        before = sorted(dump(database.superuser).splitlines())
        upgrade(url)
        downgrade(url, "base")
        run(url, "drop table public.alembic_version")
        assert sorted(dump(database.superuser).splitlines()) == before


NOTES = """
Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", Text, index=True),
)
"""


@pytest.mark.exhaustive
def test_generated_downgrade_of_an_application_leaves_found_tables(
    townhall_databases: Databases, tmp_path: Path
) -> None:
    with townhall_databases.create() as url, townhall_databases.create() as other:
        application = SmallApplication(tmp_path, url, str(townhall_databases.server))
        application.declare(NOTES)
        application.revise("notes_1")
        later = 'Column("body", Text), Column("title"'
        application.declare(NOTES.replace('Column("title"', later))
        application.revise("notes_2")
        config = SmallApplication(tmp_path, other, application.scratch).config
        run(
            other,
            "create table notes (id serial primary key, title text, body text)",
            "insert into notes (title, body) values ('A', 'B')",
        )
        before = _schema(other)
        for _ in range(2):
            command.upgrade(config, "head")
            command.check(config)
            command.downgrade(config, "base")
            assert _schema(other) == before
            assert _scalar(other, "select body from notes") == "B"


COMMITTING_STEPS = (
    'safety.add_constraint("notes", "titled", "check (length(title) > 0)")',
    'safety.create_index("by_length", "notes", "(length(title))")',
    'safety.drop_index("of_nothing")',
    'safety.update_in_batches("notes", "added = 1", where="t.added is null")',
    'safety.fill_column("notes", "added")',
    'safety.set_not_null("notes", "id")',
    'safety.add_unique("notes", "one_title", "(title)")',
)


@pytest.mark.thorough
@pytest.mark.parametrize("step", COMMITTING_STEPS)
def test_column_added_before_a_step_that_commits_is_not_taken_for_found(
    step: str, empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare(NOTES)
    version = tmp_path / "versions" / "notes.py"
    version.write_text(_COMMITTING.format(step=step, end="raise InterruptedError"))
    run(
        empty_database,
        "create table notes (id serial primary key, title text)",
        "insert into notes (title) values ('A')",
    )
    before = _schema(empty_database)
    with pytest.raises(InterruptedError):
        command.upgrade(application.config, "head")
    version.write_text(_COMMITTING.format(step=step, end=""))
    command.upgrade(application.config, "head")
    command.downgrade(application.config, "base")
    assert _schema(empty_database) == before


_COMMITTING = """
import sqlalchemy as sa
from alembic import op
from townhall.migrate import safety

revision = "notes"
down_revision = None


def upgrade():
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.Text),
        if_not_exists=True,
    )
    op.add_column("notes", sa.Column("added", sa.Integer), if_not_exists=True)
    {step}
    {end}


def downgrade():
    safety.drop_table("notes")
"""


def test_added_constraint_with_a_percent_sign_is_dropped(
    empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare(NOTES)
    add = """safety.add_constraint_at_once("notes", "50%", "check (title <> '')")"""
    step = f'{add}; op.drop_constraint("50%", "notes")'
    version = tmp_path / "versions" / "notes.py"
    version.write_text(_COMMITTING.format(step=step, end=""))
    run(empty_database, "create table notes (id serial primary key, title text)")
    command.upgrade(application.config, "head")
    constraint = "select count(*) from pg_constraint where conname = '50%'"
    assert _scalar(empty_database, constraint) == 0


def test_what_a_later_revision_creates_again_is_not_taken_for_found(
    empty_database: str, tmp_path: Path
) -> None:
    application = SmallApplication(tmp_path, empty_database, empty_database)
    application.declare(NOTES)
    versions = tmp_path / "versions"
    (versions / "first.py").write_text(_CREATING)
    command.upgrade(application.config, "head")
    (versions / "second.py").write_text(_CREATING_AGAIN)
    command.upgrade(application.config, "head")
    assert _scalar(empty_database, "select pg_typeof(one())::text") == "text"
    assert _scalar(empty_database, "select count(body) from notes") == 0
    command.downgrade(application.config, "-1")
    assert _scalar(empty_database, "select pg_typeof(one())::text") == "integer"
    command.downgrade(application.config, "base")
    assert _scalar(empty_database, "select to_regclass('notes')") is None
    assert _scalar(empty_database, "select to_regproc('one')") is None


_CREATING = """
import sqlalchemy as sa
from alembic import op
from townhall import pg
from townhall.migrate import safety

revision = "first"
down_revision = None


def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer), if_not_exists=True)
    pg.create_entity(pg.Function(name="one", returns="integer", body="select 1", api_roles=()))


def downgrade():
    pg.drop_entity(pg.Function(name="one", returns="integer", body="select 1", api_roles=()))
    safety.drop_table("notes")
"""

_CREATING_AGAIN = """
import sqlalchemy as sa
from alembic import op
from townhall import pg
from townhall.migrate import safety

revision = "second"
down_revision = "first"


def upgrade():
    pg.drop_entity(pg.Function(name="one", returns="integer", body="select 1", api_roles=()))
    safety.drop_table("notes")
    op.create_table("notes", sa.Column("body", sa.Text), if_not_exists=True)
    pg.create_entity(pg.Function(name="one", returns="text", body="select 'one'", api_roles=()))


def downgrade():
    pg.drop_entity(pg.Function(name="one", returns="text", body="select 'one'", api_roles=()))
    safety.drop_table("notes")
    op.create_table("notes", sa.Column("id", sa.Integer), if_not_exists=True)
    pg.create_entity(pg.Function(name="one", returns="integer", body="select 1", api_roles=()))
"""


@pytest.mark.exhaustive
def test_downgrade_by_steps_leaves_every_table_as_it_was(empty_database: str) -> None:
    create_foreign_tables(empty_database)
    _fill(empty_database)
    before = _schema(empty_database)
    upgrade(empty_database)
    for revision in reversed(REVISIONS):
        downgrade(empty_database, str(revision.down_revision or "base"))
    assert _schema(empty_database) == before


@pytest.mark.exhaustive
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_downgrade_leaves_one_found_table_among_those_of_this_history(
    table: Table, empty_database: str
) -> None:
    needed = _with_parents({table})
    tables = [each for each in TABLES if each in needed]
    create_foreign_tables(empty_database, tables)
    rows, before = _fill(empty_database), _schema(empty_database)
    upgrade(empty_database)
    downgrade(empty_database, "base")
    assert _schema(empty_database) == before
    assert {*_rows(empty_database)} == {*rows}


def _with_parents(tables: set[Table]) -> set[Table]:
    parents = {key.column.table for table in tables for key in table.foreign_keys}
    return tables if parents <= tables else _with_parents(tables | parents)


@pytest.mark.thorough
def test_script_remembers_and_leaves_found_tables(empty_database: str) -> None:
    create_foreign_tables(empty_database, FIRST)
    before = _schema(empty_database)
    _psql(empty_database, sql_script(command.upgrade, "base:townhall_0003"))
    assert _scalar(empty_database, f"select count(*) from {MEMORY}")
    told = _psql(empty_database, sql_script(command.downgrade, "townhall_0003:base"))
    assert "left public.profiles with its rows: it was there before the revisions" in told
    assert _schema(empty_database) == before


@pytest.mark.thorough
def test_memory_outlives_a_dump_and_a_restore(
    empty_database: str, townhall_databases: Databases
) -> None:
    create_foreign_tables(empty_database, FIRST)
    before = _schema(empty_database)
    upgrade(empty_database, "townhall_0003")
    libpq_url = make_url(empty_database).set(drivername="postgresql")
    dumped = subprocess.run(  # noqa: S603  a program of PostgreSQL, found by ourselves
        (
            str(embedded.bin_directory(18) / "pg_dump"),
            "--dbname",
            libpq_url.render_as_string(hide_password=False),
        ),
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    with townhall_databases.create() as restored:
        _psql(restored, dumped)
        downgrade(restored, "base")
        assert _schema(restored) == before


@pytest.mark.exhaustive
@pytest.mark.parametrize("revision", ["townhall_0010", "townhall_0025", "townhall_0029"])
def test_interrupted_revision_leaves_nothing_for_found(revision: str, empty_database: str) -> None:
    tables = ("communities", "participant_sessions", "campaigns")
    create_tables(empty_database)
    for table in tables:  # as they were before the revisions that add to them
        run(empty_database, *_without_later_parts(empty_database, table))
    before = _schema(empty_database)

    def lose(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        del cursor
        if statement.startswith("UPDATE alembic_version") and revision in statement:
            driver: Any = connection.connection.driver_connection
            driver.close()

    config = alembic_config()
    with create_engine(empty_database, poolclass=NullPool).connect() as connection:
        event.listen(connection, "before_cursor_execute", lose)
        config.attributes["connection"] = connection
        with pytest.raises(CommandError, match="connection to the database was lost"):
            command.upgrade(config, "head")
    upgrade(empty_database)
    downgrade(empty_database, "base")
    assert _schema(empty_database) == before


def _without_later_parts(url: str, table: str) -> list[str]:
    query = f"""
        select pg_catalog.format('alter table {table} drop constraint %I', c.conname)
        from pg_catalog.pg_constraint as c
        where c.conrelid = '{table}'::regclass
            and c.conname ~ 'parent|tenant|tier_required|client_status|results|assessment'
            and c.contype <> 'n'
    """
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return list(connection.scalars(text(query)))
