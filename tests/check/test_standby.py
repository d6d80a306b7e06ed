"""A check of a hot standby, which is read-only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.util import CommandError

from tests.support.standby import Pair, query, standby_pair
from townhall import migrate
from townhall.check import check

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = 30  # seconds until the standby has replayed what its primary wrote


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with standby_pair() as pair:
        migrate.upgrade(pair.primary)
        _wait(pair)
        yield pair


def _wait(pair: Pair) -> None:
    done = query(pair.primary, "select pg_current_wal_lsn()::text")
    until = time.monotonic() + _TIMEOUT
    while not query(pair.standby, f"select pg_last_wal_replay_lsn() >= '{done}'"):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.exhaustive
def test_standby_is_checked_while_it_follows_its_primary(pair: Pair) -> None:
    assert query(pair.standby, "select pg_is_in_recovery()") is True
    assert check(pair.standby, scratch=pair.primary, role="authenticated").is_good

    query(pair.primary, "alter table public.events disable row level security")
    _wait(pair)

    report = check(pair.standby, scratch=pair.primary, role="authenticated")
    assert [finding.object for finding in report.findings] == ["table access public.events"]


@pytest.mark.exhaustive
def test_migration_of_a_standby_is_told_to_use_the_primary(pair: Pair) -> None:
    config = migrate.alembic_config(pair.standby)
    command.current(config)
    with pytest.raises(CommandError) as caught:
        command.downgrade(config, "base")
    message = str(caught.value)
    assert message.startswith("the database is read-only: cannot execute ")
    assert "Connect to the primary if this server is a standby" in message
