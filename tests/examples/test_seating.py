"""The example that seats five hundred guests."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, func, select, update

import townhall
from tests.support.supabase import DefaultPrivileges, supabase_database
from townhall import Participant, TableAssignment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from townhall.testing.databases import Databases

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "seating"
GUESTS = FOLDER / "guests.csv"


def _run(database: str, *arguments: Path) -> list[str]:
    """Run the script on a database, and return the lines it prints."""
    environment = {
        **os.environ,
        "DATABASE_URL": database,
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(Path(townhall.__file__).parents[1]),
        "PYTHONWARNINGS": "error",
    }
    finished = subprocess.run(  # noqa: S603  our own script
        [sys.executable, str(FOLDER / "seat_guests.py"), *map(str, arguments)],
        env=environment,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (finished.stderr, finished.returncode) == ("", 0)
    return finished.stdout.splitlines()


@contextmanager
def _connected(database: str) -> Iterator[Connection]:
    with create_engine(database, poolclass=NullPool).begin() as connection:
        yield connection


def _seats(connection: Connection) -> set[tuple[object, ...]]:
    """Return who sits where at which kind of table."""
    return set(
        map(
            tuple,
            connection.execute(
                select(
                    Participant.email,
                    TableAssignment.table_number,
                    TableAssignment.seat_number,
                    TableAssignment.is_vip_table,
                ).join(TableAssignment.participant)
            ),
        )
    )


def test_five_hundred_guests_are_seated(empty_database: str) -> None:
    with GUESTS.open(encoding="utf-8") as file:
        guests = list(csv.DictReader(file))
    printed = _run(empty_database)
    assert printed[0] == "guests.csv: 500 guests, 0 wrong lines"
    organizer = printed[printed.index("The organizer sees") :]
    assert [line.partition(":")[0].strip() for line in organizer[1:51]] == [
        *(f"table {number} (VIP)" for number in range(1, 5)),
        *(f"table {number}" for number in range(5, 51)),
    ]
    assert organizer[51] == "  500 seats"
    of_tracks = organizer[organizer.index("and of the tracks") + 1 :][:5]
    placements = [track.strip() for guest in guests for track in guest["tracks"].split(";")]
    for line in of_tracks:
        name, _, figures = line.strip().partition(": ")
        assert figures.startswith(f"{placements.count(name)} guests, ")
    first = f"{guests[0]['first_name']} {guests[0]['last_name']}"
    guest, stranger = printed.index(f"{first}, a guest, sees"), printed.index("A stranger sees")
    assert first in printed[guest + 1]
    assert printed[guest + 2 : stranger] == ["  1 seat", ""]
    assert printed[stranger + 1 :] == ["  no seats"]

    vips = {guest["email"] for guest in guests if guest["vip"] == "yes"}
    consenting = select(func.count()).where(Participant.networking_opt_in)
    with _connected(empty_database) as connection:
        seats = _seats(connection)
        assert {email for email, _, _, is_vip_table in seats if is_vip_table} == vips
        assert {(table, seat) for _, table, seat, _ in seats} == {
            (table, seat) for table in range(1, 51) for seat in range(1, 11)
        }
        said_yes = [guest["networking"] for guest in guests].count("yes")
        assert connection.scalar(consenting) == said_yes
        connection.execute(update(Participant).values(networking_opt_in=True))

    assert _run(empty_database) == printed
    with _connected(empty_database) as connection:
        assert _seats(connection) == seats
        assert connection.scalar(consenting) == len(guests)


def test_wrong_lines_are_named_and_the_rest_is_imported(
    townhall_database: str,
) -> None:
    printed = _run(townhall_database, FOLDER / "guests_with_mistakes.csv")
    assert printed[:8] == [
        "guests_with_mistakes.csv: 3 guests, 6 wrong lines",
        "  line 3: no name",
        "  line 4: 'bruno.keller@example' is no e-mail address",
        "  line 6: there is no track 'אסטרונומיה'",
        "  line 7: Galit.Noy@Example.com is on the list already",
        "  line 8: 'tariq amin@example.org' is no e-mail address",
        "  line 9: 'maybe' is neither yes nor no",
        "",
    ]
    with _connected(townhall_database) as connection:
        seats = _seats(connection)
    assert seats == {
        ("galit.noy@example.com", 1, 2, True),
        ("ester@example.org", 1, 1, True),
        ("sofia.marin@example.org", 2, 1, False),
    }


def test_a_list_without_guests_seats_nobody(townhall_database: str, tmp_path: Path) -> None:
    nobody = tmp_path / "nobody.csv"
    nobody.write_text("first_name,last_name,email,vip,tracks,networking\n", encoding="utf-8")
    printed = _run(townhall_database, nobody)
    assert printed[0] == "nobody.csv: 0 guests, 0 wrong lines"
    assert printed.count("  no seats") == 2


@pytest.mark.exhaustive
def test_it_runs_where_accounts_are_supabases(townhall_databases: Databases) -> None:
    with supabase_database(townhall_databases, DefaultPrivileges.CLOSED) as database:
        printed = _run(database.postgres, FOLDER / "guests_with_mistakes.csv")
    assert printed[-1] == "  no seats"
