"""Code of the pulled database has no rights on the server of the scratch database."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from tests.pull.pulled import Application, execute, libpq, objects, url_of
from tests.support.alembic import alembic
from tests.support.attacks import OTHERS, PLACES, TABLE, attack
from townhall.check.scratch import PREFIX
from townhall.testing.databases import Databases


@pytest.mark.parametrize("place", PLACES)
def test_function_runs_where_it_is_attacked_with(owned_database: str, place: str) -> None:
    raising = "function attack() returns int language plpgsql immutable as $$begin {} end$$"
    execute(owned_database, f"{TABLE}; create {raising.format('return 1;')}")
    body = "raise exception 'it ran';"
    execute(owned_database, f"create or replace {raising.format(body)}")
    with pytest.raises(psycopg.errors.RaiseException, match="it ran"):
        execute(owned_database, PLACES[place])


@pytest.mark.thorough
def test_functions_of_the_pulled_database_have_no_rights_in_the_trial(
    server: Databases, tmp_path: Path
) -> None:
    with TemporaryDirectory() as open_to_all, server.create() as source:
        Path(open_to_all).chmod(0o777)
        execute(source, f"{TABLE}; {attack(Path(open_to_all) / 'trace')}")
        for script in (*PLACES.values(), OTHERS):
            execute(source, script)
        Application(tmp_path, source, url_of(server)).pull()
        assert [*Path(open_to_all).iterdir()] == []
    with psycopg.connect(libpq(url_of(server))) as connection:
        found = connection.execute("select rolname from pg_catalog.pg_roles").fetchall()
    assert [name for (name,) in found if name.startswith((PREFIX, "attacker"))] == []


@pytest.mark.thorough
def test_what_only_a_superuser_may_run_is_written_untried(
    server: Databases, tmp_path: Path
) -> None:
    with server.create() as source, server.create() as rebuilt:
        execute(
            source,
            """
            create table t (id int primary key);
            create function length_of(text) returns int language internal strict as 'textlen';
            create function quiet() returns int language sql leakproof as 'select 1'
            """,
        )
        application = Application(tmp_path, source, url_of(server))
        untried = application.pull().untried
        assert sorted(untried) == ["function public.length_of(text)", "function public.quiet()"]
        application.upgrade(rebuilt)
        assert objects(rebuilt) == objects(source)
        alembic("downgrade", "base", url=rebuilt, directory=tmp_path)
        assert "length_of" not in "".join(objects(rebuilt))
