"""Which server the fixtures use, and which they refuse."""

from __future__ import annotations

import pytest

from townhall.input_error import InputError
from townhall.testing.named_server import named_server

LOCAL = (
    "postgresql:///tests",
    "postgres://me@localhost:5433/tests",
    "postgresql://127.0.0.1/tests",
    "postgresql://127.8.0.1/tests",
    "postgresql://[::1]/tests",
    "postgresql:///tests?host=/run/postgresql",
    "postgresql:///tests?host=/run/postgresql&host=localhost",
    "postgresql://db.example.org/tests?hostaddr=127.0.0.1",
)
REMOTE = (
    "postgresql://db.example.org/tests",
    "postgresql://192.0.2.1/tests",
    "postgresql://localhost.example.org/tests",
    "postgresql:///tests?host=localhost&host=db.example.org",
    "postgresql://localhost/tests?hostaddr=192.0.2.1",
    "postgresql:///tests?service=production",
)


@pytest.fixture(autouse=True)
def _no_variable_of_libpq(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("url", LOCAL)
def test_server_of_the_application_is_used_on_this_machine(url: str) -> None:
    named = named_server({"DATABASE_URL": url})
    assert named is not None
    assert named.database == "tests"


@pytest.mark.parametrize("url", REMOTE)
def test_server_of_the_application_is_refused_on_another_machine(url: str) -> None:
    with pytest.raises(InputError, match=r"another machine.* TOWNHALL_TEST_URL") as caught:
        named_server({"DATABASE_URL": url})
    assert "\n" not in str(caught.value)


def test_host_that_libpq_takes_from_its_own_variable_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")
    with pytest.raises(InputError, match=r"db\.example\.org"):
        named_server({"DATABASE_URL": "postgresql:///tests"})


@pytest.mark.parametrize("url", [*LOCAL, *REMOTE])
def test_server_for_tests_may_be_anywhere_and_comes_first(url: str) -> None:
    named = named_server({"TOWNHALL_TEST_URL": url, "DATABASE_URL": REMOTE[0]})
    assert named is not None
    assert named.drivername == "postgresql+psycopg"


def test_no_server_is_named() -> None:
    assert named_server({"DATABASE_URL": ""}) is None
