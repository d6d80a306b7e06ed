"""The URL that a command uses; no error contains a password."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, make_url

from townhall import embedded
from townhall.input_error import InputError
from townhall.migrate import alembic_config, resolve_url, upgrade

if TYPE_CHECKING:
    from pathlib import Path

EXPLICIT = "postgresql://explicit/db"
VARIABLE = "postgresql://variable/db"
INI = "postgresql://ini/db"
SOURCES = ("the given URL", "DATABASE_URL", "sqlalchemy.url of alembic.ini")


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


def test_explicit_url_precedes_the_variable_and_the_ini(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_url(None, INI).host == "ini"
    monkeypatch.setenv("DATABASE_URL", VARIABLE)
    assert resolve_url(None, INI).host == "variable"
    assert resolve_url(EXPLICIT, INI).host == "explicit"


def test_empty_url_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert resolve_url("", INI).host == "ini"


def test_without_a_url_the_embedded_server_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = resolve_url()
    (server,) = (s for s in embedded.joined() if s.data_directory.is_relative_to(tmp_path))
    with server, create_engine(url, poolclass=NullPool).connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg_async"]
)
def test_every_postgresql_scheme_uses_psycopg(scheme: str) -> None:
    url = resolve_url(f"{scheme}://me:p%40ss@host:5433/db?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.host, url.port) == ("me", "p@ss", "host", 5433)
    assert url.query == {"sslmode": "require"}


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "host:s3cret",
        "://me:s3cret@host/db",
        "mysql://me:s3cret@host/db",
        "postgresql+psycopg2://me:s3cret@host/db",
        "postgresql+asyncpg://me:s3cret@host/db",
        "sqlite:///s3cret.db",
        "postgresql://me:pass@1:s3cret@host/db",
        "postgresql://me:pass@s3cret@host/db",
        "postgresql://me:pass@s3cret@host:5432/db",
        "postgresql://me:pass@host:s3cret/db",
        "postgresql://me:s3cret@db..example.org/db",
        "postgresql://me:s3cret@/db?host=/tmp&host=db..example.org",
    ],
)
@pytest.mark.parametrize("source", SOURCES)
def test_malformed_url_is_refused_with_its_source_and_without_its_password(
    url: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = dict.fromkeys(SOURCES, "")
    named[source] = url
    monkeypatch.setenv("DATABASE_URL", named["DATABASE_URL"])
    with pytest.raises(ValueError, match=f"^{source} ") as caught:
        resolve_url(named["the given URL"], named["sqlalchemy.url of alembic.ini"])
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_percent_signs_of_a_url_are_kept_in_the_configuration() -> None:
    url = make_url("postgresql+psycopg://me:100%25@host/db")
    assert make_url(alembic_config(url).attributes["url"]).password == "100%"  # noqa: S105


@pytest.mark.parametrize("url", ["mysql://me:s3cret@host/db", "postgresql+asyncpg://host/db"])
def test_upgrade_refuses_a_url_of_another_database(url: str) -> None:
    with pytest.raises(CommandError, match=r"^the given URL is for '") as caught:
        upgrade(url)
    assert "s3cret" not in str(caught.value)


def test_folder_within_a_project_starts_no_second_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop" / "models"
    folder.mkdir(parents=True)
    (tmp_path / "alembic.ini").touch()
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match=rf"within the project {tmp_path}, whose .* run the comm"):
        resolve_url()
    assert not (folder / ".townhall").exists()
    assert resolve_url("postgresql://localhost/shop").database == "shop"
