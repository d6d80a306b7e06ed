"""The engine migrates an application that has nothing of the product, on plain PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import ProgrammingError

from tests.support.dump import dump
from townhall import pg
from townhall.migrate import SETTINGS, Settings
from townhall.migrate.safety import create_roles
from townhall.pg.caller import caller_entities
from townhall.roles import Roles
from townhall.testing.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Iterator

ENV = """
from sqlalchemy import BigInteger, Column, Identity, MetaData, Table, Text

from townhall import migrate, pg
from townhall.roles import Roles

metadata = MetaData()
Table(
    "notes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("author_id", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
ROLES = Roles(
    anonymous=None,
    user="{user}",
    service="{service}",
    caller="app.current_user_id()",
    caller_type=int,
)
entities = [
    pg.TableAccess(
        table="notes", grants={{ROLES.user: ("select", "insert (author_id, body)")}}
    ),
    pg.Policy(
        table="notes",
        name="authors can read",
        command="select",
        roles=(ROLES.user,),
        using="author_id = :caller",
    ),
    pg.View(name="note_count", definition="select count(*) as notes from public.notes"),
]
migrate.run(
    product=False, metadata=[metadata], entities=entities, roles=ROLES, helper_schema="app"
)
"""

FIRST = """
revision = "notes_0001"
down_revision = None
branch_labels = None
depends_on = None

from townhall.migrate.safety import create_roles
from townhall.roles import Roles


def upgrade():
    create_roles(Roles(anonymous=None, user="{user}", service="{service}"))


def downgrade():
    pass
"""


@dataclass(frozen=True)
class Application:
    """A folder of an application, and the names of its roles, which no other test uses."""

    folder: Path
    user: str
    service: str

    @property
    def roles(self) -> Roles:
        """Its roles."""
        return Roles(anonymous=None, user=self.user, service=self.service)

    @property
    def revisions(self) -> Path:
        """The folder of its revisions."""
        return self.folder / "versions"

    def config(self, url: str) -> Config:
        """Return what its ``alembic.ini`` would say."""
        config = Config()
        config.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        config.attributes["url"] = url
        return config


@pytest.fixture
def database(server: Databases) -> Iterator[str]:
    with server.create() as url:
        yield url


@pytest.fixture
def application(server: Databases, tmp_path: Path) -> Iterator[Application]:
    suffix = uuid4().hex[:8]
    application = Application(tmp_path, f"member_{suffix}", f"backend_{suffix}")
    application.revisions.mkdir()
    names = {"user": application.user, "service": application.service}
    (tmp_path / "env.py").write_text(ENV.format(**names))
    (application.revisions / "notes_0001.py").write_text(FIRST.format(**names))
    template = Path(__file__).parents[2] / "alembic" / "script.py.mako"
    (tmp_path / "script.py.mako").write_text(template.read_text())
    yield application
    with create_engine(
        server.server, poolclass=NullPool, isolation_level="AUTOCOMMIT"
    ).connect() as connection:
        for name in names.values():
            connection.execute(text(f"drop role if exists {name}"))


@pytest.mark.thorough
def test_application_alone_is_compared_and_migrated(
    application: Application, database: str
) -> None:
    config = application.config(database)
    command.upgrade(config, "head")
    command.revision(config, "Notes", autogenerate=True, rev_id="notes_0002")
    command.upgrade(config, "head")
    command.check(config)
    schema = dump(database)
    assert 'CREATE POLICY "authors can read" ON public.notes' in schema
    assert "CREATE FUNCTION app.current_user_id() RETURNS bigint" in schema
    for foreign in ("auth", "private", "anon", "authenticated", "service_role", "townhall"):
        assert foreign not in schema.replace("authors", "").replace("author_id", "")
    command.downgrade(config, "notes_0001")
    assert "CREATE TABLE public.notes" not in dump(database)
    command.upgrade(config, "heads")
    command.downgrade(config, "base")


@pytest.mark.thorough
def test_user_reads_own_rows_through_the_caller_function(
    application: Application, database: str
) -> None:
    config = application.config(database)
    command.upgrade(config, "head")
    command.revision(config, "Notes", autogenerate=True, rev_id="notes_0002")
    command.upgrade(config, "head")
    engine = create_engine(database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(
            text("insert into notes (author_id, body) values (1, 'mine'), (2, 'another''s')")
        )
    with engine.begin() as connection:
        connection.execute(text(f"set local role {application.user}"))
        connection.execute(
            text("select set_config('request.jwt.claims', cast(:claims as text), true)"),
            {"claims": '{"sub": "1"}'},
        )
        assert connection.scalars(text("select body from notes")).all() == ["mine"]


def test_version_table_is_closed_to_the_roles_of_the_application(
    application: Application, database: str
) -> None:
    engine = create_engine(database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(
            text("alter default privileges in schema public grant all on tables to public")
        )
    command.upgrade(application.config(database), "head")
    with engine.begin() as connection:
        connection.execute(text(f"set local role {application.user}"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text("select * from alembic_version"))


@pytest.mark.thorough
def test_missing_role_is_a_step_that_names_it_with_what_creates_it(
    application: Application, database: str
) -> None:
    config = application.config(database)
    (application.revisions / "notes_0001.py").write_text(
        FIRST.format(user="", service="")
        .replace("    create_roles(", "    str(")
        .replace('user="", service=""', "")
    )
    command.upgrade(config, "head")
    command.revision(config, "Notes", autogenerate=True)
    (written,) = application.revisions.glob("*_notes.py")
    assert f"create role {application.user} nologin" in written.read_text()
    with pytest.raises(CommandError, match=f'role "{application.user}" does not exist'):
        command.upgrade(config, "head")


def test_roles_are_created_by_concurrent_migrations_of_two_databases(
    application: Application, server: Databases
) -> None:
    with server.create() as first, server.create() as second, ThreadPoolExecutor(2) as pool:
        barrier = Barrier(2)

        def create(url: str) -> None:
            with create_engine(url, poolclass=NullPool).begin() as connection:
                context = MigrationContext.configure(connection)
                barrier.wait(timeout=60)
                for _ in range(2):
                    with Operations.context(context):
                        create_roles(application.roles)

        list(pool.map(create, (first, second)))
        with create_engine(first, poolclass=NullPool).connect() as connection:
            roles = connection.execute(
                text(
                    """
                    select rolname, rolcanlogin, rolbypassrls, pg_has_role(rolname, 'member')
                    from pg_roles
                    where rolname = any (:names)
                    order by rolname
                    """
                ),
                {"names": list(application.roles.names)},
            ).all()
    assert [tuple(role) for role in roles] == [
        (application.service, False, True, True),
        (application.user, False, False, True),
    ]


def test_settings_of_a_run_can_be_read_back(application: Application, database: str) -> None:
    config = application.config(database)
    command.upgrade(config, "head")
    settings = config.attributes[SETTINGS]
    assert isinstance(settings, Settings)
    assert settings.product is None
    assert settings.helper_schema == "app"
    assert settings.roles.names == (application.user, application.service)
    assert settings.scope.schemas == ("app", "public")
    assert {
        entity.api_roles
        for entity in settings.entities
        if isinstance(entity, pg.TableAccess | pg.Function | pg.View)
    } == {settings.roles.names}


@pytest.mark.parametrize(
    "settings",
    [
        {"roles": Roles(user="member")},
        {"roles": Roles(caller="private.current_user_id()")},
        {"helper_schema": "app"},
    ],
)
def test_other_names_than_those_of_the_product_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="since its revisions name them"):
        Settings.of(product=True, **settings)


@pytest.mark.parametrize(
    ("caller_type", "claims", "expected"),
    [
        (int, None, None),
        (int, "", None),
        (int, "{}", None),
        (int, '{"sub": ""}', None),
        (int, '{"sub": null}', None),
        (int, '{"sub": "7"}', "7"),
        (int, '{"sub": 7}', "7"),
        (str, '{"sub": "auth0|7"}', "auth0|7"),
        (str, None, None),
    ],
)
def test_caller_is_null_without_claims(
    caller_type: type[int | str], claims: str | None, expected: str | None, server: Databases
) -> None:
    roles = Roles(None, None, None, caller="app.caller()", caller_type=caller_type)
    with (
        create_engine(server.server, poolclass=NullPool).connect() as connection,
        connection.begin() as transaction,
    ):
        connection.execute(text("create schema app"))
        for entity in caller_entities(roles, "app", ()):
            for statement in entity.create_statements():
                connection.execute(pg.sql.statement(statement))
        if claims is not None:
            connection.execute(
                text("select set_config('request.jwt.claims', :claims, true)"), {"claims": claims}
            )
        assert connection.scalar(text("select app.caller()::text")) == expected
        transaction.rollback()


def test_declared_caller_function_is_left_to_the_application() -> None:
    own = pg.Function(schema="app", name="caller", returns="uuid", body="select null::uuid")
    assert caller_entities(Roles(caller="app.caller()"), "app", [own]) == []
    assert caller_entities(Roles(), "private", ()) == []
    assert caller_entities(Roles(caller="other.caller()"), "app", ()) == []
