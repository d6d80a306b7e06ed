"""Each kind of object is pulled without a difference, and a rebuilt database is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pull.kinds import NEWEST, PLAIN, SUPABASE
from tests.pull.pulled import Application, execute, objects, restore, url_of
from tests.support.supabase import SupabaseDatabase
from townhall.testing.databases import Databases

SILENT = "No new upgrade operations detected"


def pulled_and_rebuilt(application: Application, restored: str, rebuilt: str) -> None:
    """Pull a database, and compare another one with it that its first revision made."""
    restore(application.source, restored)
    application.pull()
    application.upgrade(rebuilt)
    assert objects(rebuilt) == objects(restored)
    application.stamp()
    assert SILENT in application.check()
    assert application.lint() == ""


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", PLAIN)
def test_kind_of_object_is_pulled_and_rebuilt(server: Databases, kind: str, tmp_path: Path) -> None:
    with server.create() as source, server.create() as restored, server.create() as rebuilt:
        execute(source, PLAIN[kind])
        application = Application(tmp_path, source, url_of(server))
        pulled_and_rebuilt(application, restored, rebuilt)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", NEWEST)
def test_kind_of_object_of_the_newest_version_is_pulled_and_rebuilt(
    townhall_databases: Databases, kind: str, tmp_path: Path
) -> None:
    databases = townhall_databases
    with databases.create() as source, databases.create() as restored, databases.create() as made:
        execute(source, NEWEST[kind])
        application = Application(tmp_path, source, url_of(databases))
        pulled_and_rebuilt(application, restored, made)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", SUPABASE)
def test_kind_of_object_of_supabase_is_pulled_and_rebuilt(
    supabase: SupabaseDatabase, server: Databases, kind: str, tmp_path: Path
) -> None:
    with server.create() as empty, server.create() as restored:
        restore(supabase.superuser, empty)
        execute(supabase.superuser, SUPABASE[kind])
        application = Application(tmp_path, supabase.superuser, url_of(server))
        pulled_and_rebuilt(application, restored, empty)


@pytest.mark.thorough
def test_all_kinds_together_are_pulled_and_rebuilt(server: Databases, tmp_path: Path) -> None:
    with server.create() as source, server.create() as restored, server.create() as rebuilt:
        for script in PLAIN.values():
            execute(source, script)
        application = Application(tmp_path, source, url_of(server))
        pulled_and_rebuilt(application, restored, rebuilt)
        before = application.files()
        application.pull(force=True)
        assert application.files() == before
