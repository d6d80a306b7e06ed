"""A migration of several databases, one after the other."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config, main
from alembic.util import CommandError
from sqlalchemy import create_engine, make_url, text

from tests.support.applications import SmallApplication
from townhall import embedded
from townhall.migrate.cells import chosen_cells
from townhall.testing.servers import server_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from townhall.testing.databases import Databases

_REVISION = '''
"""Seats."""
from alembic import op

revision = "seats_0001"
down_revision = None


def upgrade():
    op.execute("create table public.seats (id int)")


def downgrade():
    op.execute("drop table public.seats")
'''
_NOWHERE = "postgresql://nobody@/nowhere?host=/nowhere"


@pytest.fixture
def cells(townhall_databases: Databases) -> Iterator[list[str]]:
    with townhall_databases.create() as berlin, townhall_databases.create() as vienna:
        yield [berlin, vienna]


def application(folder: Path, **cells: str) -> str:
    """Write an application with cells, and return its ``alembic.ini``."""
    SmallApplication(folder, _NOWHERE, _NOWHERE).declare('Table("seats", metadata)')
    (folder / "versions" / "seats_0001.py").write_text(_REVISION)
    ini = folder / "alembic.ini"
    lines = (f"{name} = {url.replace('%', '%%')}\n" for name, url in cells.items())
    ini.write_text(f"{ini.read_text()}\n[cells]\n{''.join(lines)}")
    return str(ini)


def told_by(capsys: pytest.CaptureFixture[str]) -> str:
    return "".join(capsys.readouterr())


def has_seats(url: str) -> bool:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text("select to_regclass('public.seats') is not null"))
    engine.dispose()
    return found is True


def test_every_cell_is_upgraded_and_what_failed_is_told(
    tmp_path: Path, cells: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    berlin, vienna = cells
    ini = application(tmp_path, berlin=berlin, gone=_NOWHERE, vienna=vienna)
    with pytest.raises(SystemExit):
        main(("-c", ini, "-x", "cells=all", "upgrade", "heads"))
    told = told_by(capsys)
    assert "cell gone: " in told
    assert "Done: berlin, vienna." in told
    assert "Not begun" not in told
    assert "Traceback" not in told
    assert [has_seats(url) for url in cells] == [True, True]

    main(("-c", ini, "-x", "cells=berlin, vienna", "upgrade", "heads"))
    main(("-c", ini, "-x", "cells=vienna", "downgrade", "base"))
    assert [has_seats(url) for url in cells] == [True, False]

    main(("-c", ini, "-x", "cells=vienna", "stamp", "heads"))
    told_apart = io.StringIO()
    given = argparse.Namespace(x=["cells=berlin, vienna"])
    command.current(Config(ini, cmd_opts=given, stdout=told_apart))
    assert told_apart.getvalue().count("seats_0001 (head)") == 2


@pytest.mark.thorough
def test_cells_on_two_servers_are_upgraded_and_one_that_stopped_is_told(
    tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with server_directory() as folder, embedded.start(folder) as server:
        ini = application(tmp_path, berlin=empty_database, vienna=server.url)
        upgrade = ("-c", ini, "-x", "cells=all", "upgrade", "heads")
        main(upgrade)
        assert [has_seats(url) for url in (empty_database, server.url)] == [True, True]
        main(("-c", ini, "-x", "cells=berlin", "downgrade", "base"))
        server.stop()
        with pytest.raises(SystemExit):
            main(upgrade)
        assert "cell vienna: " in (told := told_by(capsys))
        assert "Done: berlin." in told
        assert has_seats(empty_database)


def test_failure_of_a_revision_in_a_cell_leaves_the_others_done(
    tmp_path: Path, cells: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    berlin, vienna = cells
    engine = create_engine(berlin)
    with engine.begin() as connection:
        connection.execute(text("create table public.seats (name text)"))
    engine.dispose()
    ini = application(tmp_path, berlin=berlin, vienna=vienna)
    with pytest.raises(SystemExit):
        main(("-c", ini, "-x", "cells=all", "upgrade", "heads"))
    told = told_by(capsys)
    assert "cell berlin: " in told
    assert "public.seats: it lacks id" in told
    assert "Done: vienna." in told
    assert has_seats(vienna)


def test_error_of_the_code_of_a_revision_in_a_cell_leaves_the_others_done(
    tmp_path: Path, cells: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    berlin, vienna = cells
    ini = application(tmp_path, berlin=berlin, vienna=vienna)
    name = make_url(berlin).database
    fails = f"if op.get_bind().engine.url.database == {name!r}:\n        raise KeyError('seats')\n"
    upgrade = "def upgrade():\n    "
    source = _REVISION.replace(upgrade, f"{upgrade}{fails}    ")
    (tmp_path / "versions" / "seats_0001.py").write_text(source)
    with pytest.raises(SystemExit):
        main(("-c", ini, "-x", "cells=all", "upgrade", "heads"))
    told = told_by(capsys)
    assert "cell berlin: KeyError: 'seats'" in told
    assert "Done: vienna." in told
    assert [has_seats(url) for url in cells] == [False, True]


def test_percent_sign_in_the_url_of_a_cell_is_told_to_be_doubled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = application(tmp_path)
    with (tmp_path / "alembic.ini").open("a") as file:
        file.write("berlin = postgresql://app:p%40ss@localhost/app\n")
    with pytest.raises(SystemExit):
        main(("-c", ini, "-x", "cells=all", "current"))
    told = told_by(capsys)
    assert "write %% for each % of a value" in told
    assert "p%40ss" not in told


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("-x", "cells=berlin", "check"), "with one database"),
        (("-x", "cells=berlin", "revision", "-m", "m", "--autogenerate"), "with one database"),
        (("-x", "cells=berlin", "upgrade", "head", "--sql"), "a script for one database"),
        (("-x", "cells=paris", "upgrade", "head"), "there is no cell paris"),
        (("-x", "cells=berlin, ,", "upgrade", "head", "--sql"), "a script for one database"),
        (("-x", "cells= ,", "upgrade", "head"), "names no cell"),
        (("-x", "cells=berlin", "-x", "cells=all", "upgrade", "head"), "given several times"),
        (("-x", f"url={_NOWHERE}", "-x", "cells=all", "upgrade", "head"), "are both named"),
    ],
)
def test_command_that_is_none_for_cells_is_refused(
    tmp_path: Path,
    empty_database: str,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    refusal: str,
) -> None:
    ini = application(tmp_path, berlin=empty_database)
    with pytest.raises(SystemExit):
        main(("-c", ini, *words))
    assert refusal in told_by(capsys)
    assert not has_seats(empty_database)


def test_cells_of_a_program_precede_those_of_the_ini() -> None:
    config = Config()
    assert chosen_cells(config, {}) == {}
    with pytest.raises(CommandError, match="has no cell"):
        chosen_cells(config, {"cells": "all"})
    config.attributes["cells"] = {"berlin": "postgresql://berlin/db"}
    assert chosen_cells(config, {"cells": "all"}) == {"berlin": "postgresql://berlin/db"}
