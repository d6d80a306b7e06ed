"""Which database a command means, and that no error shows a password."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, make_url

from townhall import embedded
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


def test_the_first_that_is_named_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_url(None, INI).host == "ini"
    monkeypatch.setenv("DATABASE_URL", VARIABLE)
    assert resolve_url(None, INI).host == "variable"
    assert resolve_url(EXPLICIT, INI).host == "explicit"


def test_what_is_empty_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert resolve_url("", INI).host == "ini"


def test_where_none_is_named_the_embedded_server_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = resolve_url()
    (server,) = (s for s in embedded.joined() if s.data_directory.is_relative_to(tmp_path))
    with server, create_engine(url, poolclass=NullPool).connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_means_psycopg(scheme: str) -> None:
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
    ],
)
@pytest.mark.parametrize("source", SOURCES)
def test_a_bad_url_is_refused_by_where_it_was_named(
    url: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = dict.fromkeys(SOURCES, "")
    named[source] = url
    monkeypatch.setenv("DATABASE_URL", named["DATABASE_URL"])
    with pytest.raises(ValueError, match=f"^{source} ") as caught:
        resolve_url(named["the given URL"], named["sqlalchemy.url of alembic.ini"])
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_url_with_percent_signs_reaches_the_configuration_as_it_is() -> None:
    url = make_url("postgresql+psycopg://me:100%25@host/db")
    assert make_url(alembic_config(url).attributes["url"]).password == "100%"  # noqa: S105


@pytest.mark.parametrize("url", ["mysql://me:s3cret@host/db", "postgresql+asyncpg://host/db"])
def test_a_bad_url_given_in_python_is_refused_in_words_of_python(url: str) -> None:
    with pytest.raises(CommandError, match=r"^the given URL names '") as caught:
        upgrade(url)
    assert "s3cret" not in str(caught.value)
