"""What an adoption says when a lock is not granted in time."""

from __future__ import annotations

import pytest
from alembic.util import CommandError
from sqlalchemy import text

from tests.adopt.contents import connected
from tests.adopt.decided import decisions_for
from tests.adopt.products import Product, load
from townhall.adopt import adopt
from townhall.cli import main
from townhall.migrate.guard.lock_timeouts import LockTimeout


@pytest.mark.exhaustive
def test_adoption_that_gives_up_names_its_own_option(
    owned_database: str, townhall_server: str
) -> None:
    load(owned_database, Product.STARTER)
    decisions = decisions_for(Product.STARTER, owned_database, townhall_server)
    with connected(owned_database) as application:
        application.execute(text("select from profiles"))
        with pytest.raises(CommandError, match=r"after 200ms.*wait longer with --lock-timeout 30s"):
            adopt(owned_database, decisions, scratch=townhall_server, lock_timeout="200ms")


def test_comparison_of_an_adoption_waits_as_long_as_its_steps() -> None:
    comparison = LockTimeout("5s", "--lock-timeout 30s").of_comparison
    assert (comparison.duration, comparison.attempts) == ("200ms", 13)
    assert comparison.option == "--lock-timeout 30s"
    assert LockTimeout("50ms").of_comparison == LockTimeout("50ms")
    assert LockTimeout("0").of_comparison == LockTimeout("0")


def test_lock_timeout_that_is_no_duration_is_refused(
    owned_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("adopt", "--url", owned_database, "--apply", "--lock-timeout", "soon")
    assert main(words) == 2
    assert "the lock timeout soon is no duration" in capsys.readouterr().err
