"""What an application declares for the platform's tables, as a role that does not own them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from tests.support.applications import SmallApplication
from tests.support.dump import dump
from tests.support.supabase import SupabaseDatabase
from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

_NEW_USER = """
entities += [
    pg.Function(
        name="handle_new_user",
        language="plpgsql",
        body='''{body}''',
        returns="{returns}",
        security="definer",
        settings={{"search_path": pg.SAFE_SEARCH_PATH}},
        execute=("supabase_auth_admin",),
    ),
]
"""
_TRIGGER = """
entities += [
    pg.Trigger(
        schema="auth",
        table="users",
        name="on auth \\"user\\" created",
        timing="after",
        events=("insert",),
        function="public.handle_new_user",
    ),
]
"""
_FILES = """
entities += [
    pg.Function(name="may_read", returns="boolean", body="select {value}"),
    pg.Policy(
        schema="storage",
        table="objects",
        name="members' files",
        command="select",
        roles=("authenticated",),
        using="bucket_id in ('a', 'b') and public.may_read()",
    ),
    pg.TableGrant(
        schema="auth", table="users", role="authenticated", privileges=("select (id, email)",)
    ),
]
"""
NEW_USER = _NEW_USER.format(body="begin return new; end", returns="trigger")
TRIGGER = NEW_USER + _TRIGGER
FILES = _FILES.format(value="true")
_PUBLISHED = """
Table("rooms", metadata, Column("id", Integer, primary_key=True))
entities.append(pg.PublicationTable(table="rooms", publication="supabase_realtime"))
"""
MEMBERS = """
from sqlalchemy import VARCHAR
Table("members", metadata, Column("id", Integer, primary_key=True), Column("name", Text))
"""


@pytest.fixture
def storage_owner(supabase: SupabaseDatabase) -> Iterator[str]:
    """Yield a role that owns storage.objects and of which the migrating role is a member.

    On Supabase an extension of the server lets the migrating role make policies there.
    """
    role = f"storage_owner_{uuid4().hex[:8]}"
    as_superuser(
        supabase,
        f"create role {role}",
        f"grant {role} to supabase_postgres",
        f"grant usage, create on schema storage to {role}",
        f"alter table storage.objects owner to {role}",
    )
    yield role
    as_superuser(
        supabase,
        "alter table storage.objects owner to supabase_storage_admin",
        f"drop owned by {role}",
        f"drop role {role}",
    )


@pytest.fixture
def application(supabase: SupabaseDatabase, tmp_path: Path) -> SmallApplication:
    return SmallApplication(tmp_path, supabase.postgres, supabase.superuser)


def as_superuser(database: SupabaseDatabase, *statements: str) -> None:
    with create_engine(database.superuser, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def schema_of(database: SupabaseDatabase) -> list[str]:
    """Return the dump, without the version table."""
    blocks = dump(database.superuser).split("\n\n")
    return [block for block in blocks if "alembic_version" not in block]


@pytest.mark.exhaustive
def test_trigger_on_accounts_is_made_by_a_role_that_does_not_own_them(
    application: SmallApplication, supabase: SupabaseDatabase
) -> None:
    before = schema_of(supabase)
    application.declare(TRIGGER)
    revision = application.revise("accounts")
    assert revision.count("pg.create_entity") == 2
    command.downgrade(application.config, "base")
    assert schema_of(supabase) == before


@pytest.mark.exhaustive
@pytest.mark.usefixtures("storage_owner")
def test_policies_and_grants_are_made_changed_and_dropped(
    application: SmallApplication, supabase: SupabaseDatabase
) -> None:
    before = schema_of(supabase)
    application.declare(FILES)
    application.revise("files")
    application.declare(FILES.replace("'b'", "'c'").replace('"select (id, email)"', '"select"'))
    changed = application.revise("other_files")
    assert "pg.replace_entity" in changed
    application.declare("")
    dropped = application.revise("nothing")
    assert "pg.drop_entity" in dropped
    command.downgrade(application.config, "base")
    assert schema_of(supabase) == before


@pytest.mark.exhaustive
@pytest.mark.usefixtures("storage_owner")
def test_objects_of_the_platform_and_by_hand_are_left_alone(
    application: SmallApplication, supabase: SupabaseDatabase
) -> None:
    as_superuser(
        supabase,
        "create policy extra on storage.objects using (true)",
        "create trigger extra after insert on auth.users for each row"
        " execute function storage.touch()",
    )
    application.declare(FILES)
    assert len(application.differences()) == 3
    application.revise("files")
    application.declare("")
    assert "extra" not in application.revise("nothing")


def test_dropped_trigger_is_found_and_created_again(
    application: SmallApplication, supabase: SupabaseDatabase
) -> None:
    application.declare(TRIGGER)
    application.revise("accounts")
    as_superuser(supabase, 'drop trigger "on auth ""user"" created" on auth.users')
    assert application.differences() == ['create_trigger auth users on auth "user" created']


@pytest.mark.exhaustive
def test_undeclared_trigger_is_dropped_with_its_function_and_recreated(
    application: SmallApplication, supabase: SupabaseDatabase
) -> None:
    application.declare(NEW_USER)
    application.revise("accounts")
    as_superuser(
        supabase,
        "create trigger by_hand after insert on auth.users for each row"
        " execute function public.handle_new_user()",
    )
    before = schema_of(supabase)
    application.declare("")
    assert application.differences() == [
        "drop_trigger auth users by_hand",
        "drop_function public handle_new_user()",
    ]
    revision = application.revise("nothing")
    assert "It depends on what this revision drops." in revision
    command.downgrade(application.config, "-1")
    assert schema_of(supabase) == before


@pytest.mark.usefixtures("storage_owner")
def test_undeclared_policy_is_recreated_around_a_change_of_its_function(
    application: SmallApplication, supabase: SupabaseDatabase
) -> None:
    declared = FILES.replace("public.may_read()", "public.may_read() is not null")
    application.declare(declared)
    application.revise("files")
    as_superuser(
        supabase,
        "create policy by_hand on storage.objects for select to authenticated"
        " using (public.may_read() is null)",
    )
    before = schema_of(supabase)
    application.declare(
        declared.replace(
            'returns="boolean", body="select true"', 'body="select 1", returns="integer"'
        )
    )
    revision = application.revise("result")
    assert revision.count("by_hand") == 4
    command.downgrade(application.config, "-1")
    assert schema_of(supabase) == before


@pytest.mark.exhaustive
@pytest.mark.usefixtures("storage_owner")
@pytest.mark.parametrize(
    ("declared", "is_recreated"),
    [("", False), (MEMBERS.replace("Text)", "VARCHAR(30))"), True)],
    ids=["a dropped table", "a column of another type"],
)
def test_undeclared_policy_on_files_makes_way_for_a_change_of_a_table(
    application: SmallApplication, supabase: SupabaseDatabase, declared: str, *, is_recreated: bool
) -> None:
    application.declare(MEMBERS)
    application.revise("members")
    as_superuser(
        supabase,
        "create policy by_hand on storage.objects for select to authenticated"
        " using (exists (select from public.members as m where m.name = objects.name))",
    )
    before = schema_of(supabase)
    application.declare(declared)
    upgrade, downgrade = application.revise("change").split("def downgrade")
    assert ("pg.create_entity" in upgrade) is is_recreated
    assert "pg.create_entity" in downgrade
    command.downgrade(application.config, "-1")
    assert schema_of(supabase) == before


@pytest.mark.exhaustive
@pytest.mark.usefixtures("storage_owner")
def test_check_finds_what_differs_on_tables_of_the_platform(
    application: SmallApplication, supabase: SupabaseDatabase
) -> None:
    application.declare(FILES + TRIGGER)
    application.revise("files")
    assert [finding.object for finding in application.check().findings] == []
    as_superuser(
        supabase,
        'drop trigger "on auth ""user"" created" on auth.users',
        """alter policy "members' files" on storage.objects using (true)""",
        "create policy by_hand on storage.objects for select to pg_monitor using (name = 'a')",
        "set role supabase_postgres",
        "revoke select (email) on auth.users from authenticated",
    )
    findings = application.check().findings
    assert [finding.object for finding in findings] == [
        "policy storage.objects members' files",
        "table grant auth.users authenticated",
        'trigger auth.users on auth "user" created',
    ]
    with create_engine(application.url, poolclass=NullPool).begin() as connection:
        for finding in findings:
            connection.exec_driver_sql(finding.repair, execution_options={"no_parameters": True})
    assert application.check().findings == ()


def test_absent_tables_of_the_platform_are_logged_and_skipped(
    server: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    declared = FILES.replace('"authenticated"', '"pg_monitor"')
    with server.create() as url:
        application = SmallApplication(tmp_path, url, url)
        application.declare(declared)
        with caplog.at_level(logging.WARNING):
            revision = application.revise("files")
        assert "may_read" in revision
        assert "storage" not in revision
        sentence = (
            "There is no table storage.objects in this database. Left out: policy storage.objects"
            " members' files."
        )
        assert caplog.messages.count(sentence) == 2  # of the revision, and of the check after it


def test_schema_named_like_one_of_the_platform_is_told(
    server: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with server.create() as url:
        application = SmallApplication(tmp_path, url, url, "schemas=['vault']")
        application.declare('Table("keys", metadata, Column("id", Integer), schema="auth")')
        with caplog.at_level(logging.WARNING):
            assert application.differences() == []
        (sentence,) = caplog.messages
        assert "schemas of these names: auth, vault." in sentence


def test_table_grant_on_a_table_of_the_application_is_refused(
    application: SmallApplication,
) -> None:
    application.declare(FILES.replace('schema="auth", table="users", role', 'table="users", role'))
    with pytest.raises(CommandError, match=r"table grant public\.users.*pg\.TableAccess"):
        application.revise("files")


def test_function_in_a_schema_of_the_platform_is_refused(application: SmallApplication) -> None:
    application.declare(FILES.replace('name="may_read"', 'schema="auth", name="may_read"'))
    with pytest.raises(CommandError, match=r"function auth\.may_read\(\).*another schema"):
        application.revise("files")


@pytest.mark.exhaustive
@pytest.mark.usefixtures("storage_owner")
def test_script_makes_and_drops_the_same_and_runs_without_the_platform(
    application: SmallApplication, supabase: SupabaseDatabase, empty_database: str
) -> None:
    before = schema_of(supabase)
    application.declare(FILES + TRIGGER + _PUBLISHED)
    application.revise("files")
    up, down = (script_of(application, name) for name in ("upgrade", "downgrade"))
    after = schema_of(supabase)
    run(supabase.postgres, down)
    assert schema_of(supabase) == before
    as_superuser(supabase, "drop table public.alembic_version")
    run(supabase.postgres, up)
    assert schema_of(supabase) == after
    for script in (up, down):
        run(empty_database, script.replace("supabase_auth_admin", "pg_monitor"))


def script_of(application: SmallApplication, name: str) -> str:
    """Return the script of a command of Alembic."""
    config = application.config
    config.output_buffer = io.StringIO()
    revisions = "head" if name == "upgrade" else "head:base"
    getattr(command, name)(config, revisions, sql=True)
    return config.output_buffer.getvalue()


def run(url: str, script: str) -> None:
    with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as found:
        found.exec_driver_sql(script, execution_options={"no_parameters": True})
