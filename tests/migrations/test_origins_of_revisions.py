"""What revisions written by hand drop and create where something was there before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, text

from tests.support.applications import SmallApplication
from tests.support.dump import dump
from tests.support.foreign import ROLES, run

if TYPE_CHECKING:
    from pathlib import Path

    from alembic.config import Config

_REVISION = """
import sqlalchemy as sa
from alembic import op
from townhall import pg
from townhall.migrate import safety

revision = "{revision}"
down_revision = {down_revision!r}


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
"""

READ = (
    'pg.Policy(schema="auth", table="users", name="read", command="select", roles=("public",),'
    ' using="{}")'
)
NAMED = 'pg.Policy.named(schema="auth", table="users", name="read")'
OURS = READ.format("email = 'ours'")
ONE = 'pg.Function(name="one", returns="{}", body="select {}", api_roles=())'
NOTES = """op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.Text),
        if_not_exists=True,
    )"""


def _application(url: str, folder: Path, *revisions: tuple[str, str]) -> Config:
    """Return the configuration of an application with an upgrade and a downgrade per revision."""
    application = SmallApplication(folder, url, url)
    application.declare("")
    _write(folder, *revisions)
    return application.config


def _write(folder: Path, *revisions: tuple[str, str]) -> None:
    previous = None
    for number, (upgrade, downgrade) in enumerate(revisions, 1):
        name = f"revision_{number}"
        written = _REVISION.format(
            revision=name, down_revision=previous, upgrade=upgrade, downgrade=downgrade
        )
        (folder / "versions" / f"{name}.py").write_text(written)
        previous = name


def _schema(url: str) -> list[str]:
    run(url, "drop table if exists public.alembic_version")
    return sorted(dump(url).splitlines())


def _scalar(url: str, query: str) -> object:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return connection.scalar(text(query))


def _create_accounts(url: str) -> list[str]:
    run(
        url,
        "create schema auth",
        "create table auth.users (id uuid primary key, email text)",
        "create policy read on auth.users for select using (email = 'theirs')",
    )
    return _schema(url)


def _create_notes(url: str) -> list[str]:
    run(
        url,
        "create table notes (id serial primary key, title text, constraint titled check (id > 0))",
        "create index by_title on notes (title)",
        "insert into notes (title) values ('A')",
    )
    return _schema(url)


@pytest.mark.parametrize("dropped", [OURS, NAMED])
def test_upgrade_drops_an_entity_that_was_found(
    dropped: str, empty_database: str, tmp_path: Path
) -> None:
    before = _create_accounts(empty_database)
    config = _application(
        empty_database,
        tmp_path,
        (f"pg.create_entity({OURS})", f"pg.drop_entity({dropped})"),
        (f"pg.drop_entity({dropped})", f"pg.create_entity({OURS})"),
    )
    command.upgrade(config, "head")
    assert _scalar(empty_database, "select count(*) from pg_policy") == 0
    command.downgrade(config, "-1")
    condition = "select pg_get_expr(polqual, polrelid) from pg_policy"
    assert "ours" in str(_scalar(empty_database, condition))
    command.downgrade(config, "base")
    assert _schema(empty_database) == before


@pytest.mark.thorough
def test_upgrade_drops_what_no_revision_has_created(empty_database: str, tmp_path: Path) -> None:
    before = _create_accounts(empty_database)
    theirs = READ.format("email = 'theirs'")
    revision = (f"pg.drop_entity({theirs})", f"pg.create_entity({theirs})")
    config = _application(empty_database, tmp_path, revision)
    command.upgrade(config, "head")
    assert _scalar(empty_database, "select count(*) from pg_policy") == 0
    command.downgrade(config, "base")
    assert _schema(empty_database) == before


@pytest.mark.parametrize("dropped", [OURS, NAMED])
def test_entity_is_dropped_around_a_change_in_both_directions(
    dropped: str, empty_database: str, tmp_path: Path
) -> None:
    before = _create_accounts(empty_database)
    config = _application(
        empty_database,
        tmp_path,
        (f"pg.create_entity({OURS})", f"pg.drop_entity({dropped})"),
        *(
            (
                f"""pg.drop_entity({dropped})
    op.alter_column("users", "email", type_=sa.{after}, schema="auth")
    pg.create_entity({OURS})""",
                f"""pg.drop_entity({dropped})
    op.alter_column("users", "email", type_=sa.{former}, schema="auth")
    pg.create_entity({OURS})""",
            )
            for former, after in (("Text", "String(9)"), ("String(9)", "Text"))
        ),
    )
    command.upgrade(config, "head")
    command.downgrade(config, "-2")
    condition = "select pg_get_expr(polqual, polrelid) from pg_policy"
    assert "ours" in str(_scalar(empty_database, condition))
    command.downgrade(config, "base")
    assert _schema(empty_database) == before


@pytest.mark.parametrize("downgrade", [f"pg.drop_entity({OURS})", None])
def test_what_a_revision_drops_and_creates_comes_back(
    downgrade: str | None, empty_database: str, tmp_path: Path
) -> None:
    before = _create_accounts(empty_database)
    theirs = READ.format("email = 'theirs'")
    change = """pg.drop_entity({})
    op.alter_column("users", "email", type_=sa.{}, schema="auth")
    pg.create_entity({})"""
    upgrade = f"pg.drop_entity({theirs}); pg.create_entity({OURS})"
    if downgrade is None:
        upgrade = change.format(theirs, "String(9)", theirs)
        downgrade = change.format(NAMED, "Text", theirs)
    config = _application(empty_database, tmp_path, (upgrade, downgrade))
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    assert _schema(empty_database) == before


@pytest.mark.thorough
def test_view_that_a_revision_drops_and_creates_is_not_in_its_way(
    empty_database: str, tmp_path: Path
) -> None:
    run(empty_database, "create view ones as select 1 as one")
    before = _schema(empty_database)
    view = 'pg.View(name="ones", definition="select 2 as two", api_roles=())'
    drop = 'pg.drop_entity(pg.View.named(name="ones"))'
    config = _application(
        empty_database, tmp_path, (f"{drop}; pg.create_entity({view})", f"pg.drop_entity({view})")
    )
    command.upgrade(config, "head")
    assert _scalar(empty_database, "select two from ones") == 2
    command.downgrade(config, "base")
    assert _schema(empty_database) == before


ENTITIES = {
    "create type mood as enum ('sad', 'happy')": (
        "pg.EnumType(name='mood', values=('sad', 'happy'), usage=('anon',), comment='Ours.')"
    ),
    "create domain percent integer default 7 constraint small check (value < 101)": (
        "pg.Domain(name='percent', base='integer', default='7',"
        " checks={'small': 'value < 101'}, usage=('anon',), comment='Ours.')"
    ),
    "create type place as (street text, number integer)": (
        "pg.CompositeType(name='place', attributes={'street': 'text', 'number': 'integer'},"
        " usage=('anon',), attribute_comments={'street': 'Ours.'})"
    ),
    "create type period as range (subtype = text)": (
        "pg.RangeType(name='period', subtype='text', usage=('anon',), comment='Ours.')"
    ),
    "create sequence numbers start 100": (
        "pg.Sequence(name='numbers', start=100, grants={'anon': ('usage',)}, comment='Ours.')"
    ),
    "create schema shop": (
        "pg.SchemaAccess(schema='shop', usage=('anon',), create=('service_role',), comment='Ours.')"
    ),
    "create trigger note before update on auth.users for each row execute function theirs()": (
        "pg.Trigger(schema='auth', table='users', name='note', timing='after',"
        " events=('insert',), function='public.theirs')"
    ),
    "grant select (id), update on auth.users to service_role, anon with grant option": (
        "pg.TableGrant(schema='auth', table='users', role='service_role', privileges=('delete',))"
    ),
    "alter default privileges in schema public grant select on tables to anon": (
        "pg.DefaultPrivileges(objects='tables', grants={'service_role': ('all',)})"
    ),
    "alter default privileges grant usage on types to anon with grant option": (
        "pg.DefaultPrivileges(objects='types', everywhere=True, grants={'anon': ('usage',)})"
    ),
    "alter default privileges revoke execute on functions from public": (
        "pg.DefaultPrivileges(objects='functions', everywhere=True,"
        " grants={'anon': ('execute',), 'public': ('execute',)})"
    ),
    "alter default privileges for role service_role grant usage on sequences to anon": (
        "pg.DefaultPrivileges(objects='sequences', everywhere=True, owner='service_role',"
        " grants={'authenticated': ('usage',)})"
    ),
}
THEIR_GRANTS = {
    "mood": "grant usage on type mood to service_role",
    "percent": "comment on domain percent is 'Theirs.'",
    "place": "comment on column place.street is 'Theirs.'",
    "period": "revoke usage on type period from public",
    "numbers": "grant select on sequence numbers to service_role",
    "shop": "grant create, usage on schema shop to authenticated",
}


@pytest.mark.thorough
@pytest.mark.parametrize("theirs", ENTITIES)
def test_entity_that_was_found_is_given_back_as_it_was(
    theirs: str, empty_database: str, tmp_path: Path
) -> None:
    _create_accounts(empty_database)
    function = "create function theirs() returns trigger language plpgsql as $$begin end$$"
    grants = [grant for name, grant in THEIR_GRANTS.items() if f" {name}" in theirs]
    run(empty_database, *ROLES, function, theirs, *grants)
    before = _schema(empty_database)
    entity = ENTITIES[theirs]
    config = _application(
        empty_database, tmp_path, (f"pg.create_entity({entity})", f"pg.drop_entity({entity})")
    )
    command.upgrade(config, "head")
    with_ours = {*dump(empty_database).splitlines()}
    assert with_ours - {*before}
    command.downgrade(config, "base")
    assert _schema(empty_database) == before


DROPS = {
    'safety.drop_column("notes", "title")': 'op.add_column("notes", sa.Column("title", sa.Text))',
    'op.drop_column("notes", "title")': 'op.add_column("notes", sa.Column("title", sa.Text))',
    'safety.drop_constraint("notes", "titled")': (
        'op.create_check_constraint("titled", "notes", "id > 0")'
    ),
    'op.drop_constraint("titled", "notes")': (
        'op.create_check_constraint("titled", "notes", "id > 0")'
    ),
    'safety.drop_index("by_title")': 'op.create_index("by_title", "notes", ["title"])',
    'safety.drop_index_at_once("notes", "by_title")': (
        'op.create_index("by_title", "notes", ["title"])'
    ),
    'op.drop_index("by_title", "notes")': 'op.create_index("by_title", "notes", ["title"])',
}


@pytest.mark.thorough
@pytest.mark.parametrize("drop", DROPS)
def test_upgrade_drops_a_part_that_was_found(
    drop: str, empty_database: str, tmp_path: Path
) -> None:
    _create_notes(empty_database)
    run(empty_database, "alter table notes drop column title, add column title text")
    run(empty_database, "create index by_title on notes (title)")
    before = _schema(empty_database)
    config = _application(
        empty_database, tmp_path, (NOTES, 'safety.drop_table("notes")'), (drop, DROPS[drop])
    )
    command.upgrade(config, "head")
    part = "titled" if "titled" in drop else "by_title"
    assert part not in dump(empty_database)
    command.downgrade(config, "base")
    assert _schema(empty_database) == before
    assert _scalar(empty_database, "select count(*) from notes") == 1


@pytest.mark.thorough
@pytest.mark.parametrize("drop", ['safety.drop_table("notes")', 'op.drop_table("notes")'])
def test_table_that_an_upgrade_drops_and_creates_again_is_its_own(
    drop: str, empty_database: str, tmp_path: Path
) -> None:
    _create_notes(empty_database)
    other = 'op.create_table("notes", sa.Column("body", sa.Text))'
    config = _application(
        empty_database,
        tmp_path,
        (NOTES, 'safety.drop_table("notes")'),
        (f"{drop}\n    {other}", f"{drop}\n    {NOTES}"),
    )
    command.upgrade(config, "head")
    assert _scalar(empty_database, "select count(body) from notes") == 0
    command.downgrade(config, "-1")
    assert _scalar(empty_database, "select count(title) from notes") == 0
    command.downgrade(config, "base")
    assert _scalar(empty_database, "select to_regclass('notes')") is None


CHANGES = {
    'safety.drop_constraint("notes", "titled")': (
        'safety.add_constraint("notes", "titled", "check (id < {})")'
    ),
    'op.drop_constraint("titled", "notes")': (
        'op.create_check_constraint("titled", "notes", "id < {}")'
    ),
    'safety.drop_index("by_title")': (
        'safety.create_index("by_title", "notes", "(title) where id < {}")'
    ),
    'safety.drop_index_at_once("notes", "by_title")': (
        'op.create_index("by_title", "notes", ["title"], postgresql_where="id < {}")'
    ),
}


@pytest.mark.parametrize("drop", CHANGES)
def test_later_revision_changes_a_part_that_was_found(
    drop: str, empty_database: str, tmp_path: Path
) -> None:
    before = _create_notes(empty_database)
    former, later = (f"{drop}; {CHANGES[drop].format(each)}" for each in (50, 70))
    config = _application(
        empty_database,
        tmp_path,
        (NOTES, 'safety.drop_table("notes")'),
        (former, "pass"),
        (later, former),
    )
    command.upgrade(config, "head")
    assert "70" in dump(empty_database)
    command.downgrade(config, "-1")
    assert "50" in dump(empty_database)
    command.downgrade(config, "base")
    assert _schema(empty_database) == before


COMMITS = (
    'safety.add_constraint("notes", "known", "check (id is not null)")',
    "with op.get_context().autocommit_block(): pass",
    """with op.get_context().autocommit_block():
        pg.create_entity({function})""",
)


@pytest.mark.parametrize("commit", COMMITS)
def test_interrupted_revision_goes_on_with_what_it_has_made(
    commit: str, empty_database: str, tmp_path: Path
) -> None:
    _create_accounts(empty_database)
    run(empty_database, "create function one(int) returns int language sql as 'select $1'")
    before = _schema(empty_database)
    function = ONE.format("integer", 1)
    view = 'pg.View(name="titles", definition="select title from notes", api_roles=())'
    upgrade = f"""{NOTES}
    pg.create_entity({view})
    pg.create_entity({OURS})
    {commit.format(function=function)}
    {{end}}
    pg.create_entity({function})"""
    downgrade = f"""pg.drop_entity({function})
    pg.drop_entity({OURS})
    pg.drop_entity({view})
    safety.drop_table("notes")"""
    config = _application(
        empty_database, tmp_path, (upgrade.format(end="raise InterruptedError"), downgrade)
    )
    with pytest.raises(InterruptedError):
        command.upgrade(config, "head")
    run(empty_database, "insert into notes (id, title) values (1, 'A')")
    _write(tmp_path, (upgrade.format(end=""), downgrade))
    command.upgrade(config, "head")
    assert _scalar(empty_database, "select title from titles") == "A"
    assert _scalar(empty_database, "select to_regclass('private.townhall_origins')") is not None
    command.downgrade(config, "base")
    assert _schema(empty_database) == before


@pytest.mark.thorough
def test_revision_that_commits_leaves_no_memory(empty_database: str, tmp_path: Path) -> None:
    upgrade = f"{NOTES}\n    {COMMITS[0]}"
    config = _application(empty_database, tmp_path, (upgrade, 'safety.drop_table("notes")'))
    command.upgrade(config, "head")
    assert _scalar(empty_database, "select to_regnamespace('private')") is None
