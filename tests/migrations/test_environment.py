"""The ``env.py`` and the connection of an application, and the settings of its sessions."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from tests.migrations.chain import HEAD, revision_of
from tests.support.dump import dump
from townhall.migrate import alembic_config, downgrade, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

ADVISORY_LOCKS = text(
    "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
)


@pytest.fixture
def engine(empty_database: str) -> Engine:
    return create_engine(empty_database, poolclass=NullPool)


@pytest.fixture
def given(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


def _config(connection: Connection) -> Config:
    config = alembic_config()
    config.attributes["connection"] = connection
    return config


@pytest.mark.thorough
def test_passed_connection_keeps_its_settings(given: Connection, empty_database: str) -> None:
    given.execute(text("set lock_timeout = '7s'"))
    given.commit()
    command.upgrade(_config(given), "head")
    assert revision_of(empty_database) == HEAD
    assert not given.in_transaction()
    assert given.scalar(text("show lock_timeout")) == "7s"
    assert given.scalar(ADVISORY_LOCKS) == 0


def test_passed_connection_keeps_its_settings_after_an_error(given: Connection) -> None:
    given.execute(text("create schema auth"))
    given.commit()
    with pytest.raises(Exception, match="schema auth exists without"):
        command.upgrade(_config(given), "head")
    assert given.scalar(text("show lock_timeout")) == "0"
    assert given.scalar(ADVISORY_LOCKS) == 0


def test_passed_connection_in_a_transaction_is_refused(given: Connection) -> None:
    given.execute(text("select 1"))
    with pytest.raises(CommandError, match="is in a transaction"):
        command.upgrade(_config(given), "head")
    assert given.in_transaction()


def test_passed_connection_whose_search_path_is_not_public_is_refused(given: Connection) -> None:
    given.execute(text("create schema elsewhere"))
    given.execute(text("set search_path = elsewhere, public"))
    given.commit()
    with pytest.raises(CommandError, match=r"search_path .* begins with elsewhere"):
        command.upgrade(_config(given), "head")


def test_passed_connection_that_translates_schemas_is_refused(engine: Engine) -> None:
    translating = engine.execution_options(schema_translate_map={None: "tenant"})
    with (
        translating.connect() as connection,
        pytest.raises(CommandError, match="has a schema_translate_map"),
    ):
        command.upgrade(_config(connection), "head")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (None, "is of the class OptionEngine: pass one of engine.connect"),
        ({"isolation_level": "AUTOCOMMIT"}, "commits each statement"),
    ],
)
def test_connection_that_can_not_be_rolled_back_is_refused(
    engine: Engine, options: dict[str, str] | None, sentence: str
) -> None:
    config = alembic_config()
    with nullcontext(engine) if options is None else engine.connect() as passed:
        config.attributes["connection"] = passed.execution_options(**options or {})
        with pytest.raises(CommandError, match=sentence):
            command.upgrade(config, "head")


@pytest.mark.exhaustive
def test_schema_named_like_the_role_gets_no_tables(empty_database: str) -> None:
    url = make_url(empty_database)
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        connection.execute(text(f'create schema "{url.username}"'))
    upgrade(empty_database)
    command.check(alembic_config(empty_database))
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        tables = connection.scalar(
            text("select count(*) from pg_tables where schemaname = current_user")
        )
    assert tables == 0
    downgrade(empty_database, "base")


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "path",
    [
        "extensions, public",
        *(pytest.param(each, marks=pytest.mark.thorough) for each in ("''", "pg_temp", "nowhere")),
    ],
)
def test_search_path_of_the_database_has_no_influence(path: str, empty_database: str) -> None:
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        connection.execute(text("create schema extensions"))
        name = make_url(empty_database).database
        connection.execute(text(f'alter database "{name}" set search_path = {path}'))
    upgrade(empty_database)
    assert "CREATE TABLE public.events (" in dump(empty_database)
    command.check(alembic_config(empty_database))


ENV = """
from sqlalchemy import Column, ForeignKey, MetaData, Table, Uuid

from townhall import migrate

metadata = MetaData()
Table(
    "application_things",
    metadata,
    Column("event_id", Uuid, ForeignKey("public.events.id"), primary_key=True),
)
migrate.run(metadata=[metadata])
"""

REVISION = f"""
import sqlalchemy as sa
from alembic import op

revision = "application_1"
down_revision = None
branch_labels = ("application",)
depends_on = {HEAD!r}


def upgrade():
    op.create_table(
        "application_things",
        sa.Column("event_id", sa.Uuid, sa.ForeignKey("public.events.id"), primary_key=True),
    )


def downgrade():
    op.drop_table("application_things")
"""


@pytest.mark.exhaustive
def test_application_upgrades_and_downgrades_a_branch_of_its_own(
    empty_database: str, tmp_path: Path
) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENV)
    (tmp_path / "versions" / "application_1.py").write_text(REVISION)
    config = alembic_config(empty_database)
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option(
        "version_locations", f"{tmp_path / 'versions'}{os.pathsep}townhall:alembic/versions"
    )
    command.upgrade(config, "heads")
    assert "CREATE TABLE public.application_things (" in dump(empty_database)
    command.downgrade(config, "application@base")
    assert revision_of(empty_database) == HEAD
    assert "application_things" not in dump(empty_database)
