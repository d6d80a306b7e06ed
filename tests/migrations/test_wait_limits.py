"""How long a command waits for another migration, and what it says when it gives up."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text

from townhall import migrate
from townhall.adopt import adopting
from townhall.migrate.guard.locks import comparison_transaction, migration_lock
from townhall.migrate.guard.wait_limits import WaitLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alembic.config import Config
    from sqlalchemy import Connection

APPLICATION = "another deployment"

COMMANDS: dict[str, Callable[[Config], object]] = {
    "upgrade": lambda config: command.upgrade(config, "heads"),
    "downgrade": lambda config: command.downgrade(config, "base"),
    "stamp": lambda config: command.stamp(config, "heads"),
    "check": command.check,
}


def connected(url: str) -> Connection:
    arguments = {"application_name": APPLICATION}
    return create_engine(url, poolclass=NullPool, connect_args=arguments).connect()


@pytest.fixture
def holder(townhall_database: str) -> Iterator[str]:
    """Hold the lock of migrations, and return how a message is to name who does."""
    with connected(townhall_database) as connection, migration_lock(connection):
        process = connection.scalar(text("select pg_backend_pid()"))
        connection.rollback()
        who = rf"\(role postgres, application {APPLICATION}\)"
        yield f"server process {process} {who}, connected since 2"


@pytest.mark.parametrize("name", COMMANDS)
def test_command_gives_up_and_says_who_holds_the_lock(
    townhall_database: str, holder: str, name: str
) -> None:
    config = migrate.alembic_config(townhall_database)
    config.cmd_opts = Namespace(x=["wait=0"])
    expected = f"did not end within 0 s; nothing was changed.*{holder}.*-x wait=30min"
    with pytest.raises(CommandError, match=expected):
        COMMANDS[name](config)


def test_functions_take_the_limit(townhall_database: str, holder: str) -> None:
    with pytest.raises(CommandError, match=f"within 10ms; .*{holder}.*with wait='30min'"):
        migrate.upgrade(townhall_database, wait="10ms")
    with pytest.raises(CommandError, match=f"within 0 s; .*{holder}"):
        migrate.downgrade(townhall_database, "base", wait="0")


@pytest.mark.thorough
def test_adoption_takes_the_limit(
    townhall_database: str, holder: str, townhall_server: str
) -> None:
    with pytest.raises(CommandError, match=f"within 0 s; .*{holder}.*with --wait 30min"):
        adopting.adopt(townhall_database, scratch=townhall_server, wait="0")


def test_holder_in_a_transaction_is_told_since_when(townhall_database: str) -> None:
    with (
        connected(townhall_database) as first,
        connected(townhall_database) as second,
        comparison_transaction(first, "5s"),
        pytest.raises(CommandError, match=r"in a transaction since 2.* \(\d+ s\), idle after"),
        migration_lock(second, WaitLimit("0.01")),
    ):
        pass


@pytest.mark.parametrize("duration", ["", "soon", "-1", "5 parsecs", "1e3", "99999d", "5min; drop"])
def test_what_is_no_duration_is_refused(duration: str) -> None:
    with pytest.raises(CommandError, match=r"the wait for another migration .* is no duration"):
        WaitLimit(duration)


def test_command_refuses_what_is_no_duration(townhall_database: str) -> None:
    config = migrate.alembic_config(townhall_database)
    config.cmd_opts = Namespace(x=["wait=soon"])
    with pytest.raises(CommandError, match="soon is no duration"):
        command.upgrade(config, "heads")


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("90", 90), ("1.5", 1.5), ("5min", 300), ("200ms", 0.2), (" 1h ", 3600)],
)
def test_number_without_a_unit_is_one_of_seconds(duration: str, seconds: float) -> None:
    assert WaitLimit(duration).seconds == pytest.approx(seconds)
