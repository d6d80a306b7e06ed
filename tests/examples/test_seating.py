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
from sqlalchemy import NullPool, create_engine, func, inspect, select, update

import townhall
from tests.support.blocks import blocks_of
from tests.support.package import ROOT
from tests.support.supabase import DefaultPrivileges, supabase_database
from townhall import Participant, TableAssignment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough  # each test starts the script and migrates a database

(COMMANDS,) = blocks_of("docs/events.md", "shell")
SCRIPT = ROOT / COMMANDS.text.split()[1]
FOLDER = SCRIPT.parent
GUESTS = FOLDER / "guests.csv"


def _script(database: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": database,
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": str(Path(townhall.__file__).parents[1]),
        "PYTHONWARNINGS": "error",
    }
    return subprocess.run(  # noqa: S603  our own script
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        env=environment,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


def _run(database: str, *arguments: Path) -> list[str]:
    """Run the script on a database, and return the lines it prints."""
    finished = _script(database, *arguments)
    assert (finished.stderr, finished.returncode) == ("", 0)
    return finished.stdout.splitlines()


def _reported(printed: list[str]) -> list[str]:
    """Return the first lines, which say how many were read and what is wrong with the others."""
    return printed[: printed.index("")]


@contextmanager
def _connected(database: str) -> Iterator[Connection]:
    with create_engine(database, poolclass=NullPool).begin() as connection:
        yield connection


def _seats(connection: Connection) -> set[tuple[object, ...]]:
    """Return the address, table, seat and kind of table of each seated guest."""
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


@pytest.mark.exhaustive
def test_five_hundred_guests_are_seated(empty_database: str) -> None:
    with GUESTS.open(encoding="utf-8") as file:
        guests = list(csv.DictReader(file))
    printed = _run(empty_database)
    assert printed[0] == "guests.csv: 500 guests, no wrong lines"
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
        # The first guest has an account, and has not answered since.
        said_yes = [guest["networking"] for guest in guests[1:]].count("yes")
        assert connection.scalar(consenting) == said_yes
        connection.execute(update(Participant).values(networking_opt_in=True))

    assert _run(empty_database) == printed
    with _connected(empty_database) as connection:
        assert _seats(connection) == seats
        assert connection.scalar(consenting) == len(guests)


@pytest.mark.exhaustive
def test_wrong_lines_are_named_and_the_rest_is_imported(
    townhall_database: str,
) -> None:
    printed = _run(townhall_database, FOLDER / "guests_with_mistakes.csv")
    assert _reported(printed) == [
        "guests_with_mistakes.csv: 3 guests, 6 wrong lines",
        "  line 3: no name",
        "  line 4: 'bruno.keller@example' is no e-mail address",
        "  line 6: there is no track 'אסטרונומיה'",
        "  line 7: Galit.Noy@Example.com is on the list already",
        "  line 8: 'tariq amin@example.org' is no e-mail address",
        "  line 9: 'maybe' is neither yes nor no",
    ]
    with _connected(townhall_database) as connection:
        seats = _seats(connection)
    assert seats == {
        ("galit.noy@example.com", 1, 2, True),
        ("ester@example.org", 1, 1, True),
        ("sofia.marin@example.org", 2, 1, False),
    }


@pytest.mark.exhaustive
def test_empty_list_of_guests_makes_no_seats(townhall_database: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("first_name,last_name,email,vip,tracks,networking\n", encoding="utf-8")
    printed = _run(townhall_database, empty)
    assert printed[0] == "empty.csv: no guests, no wrong lines"
    assert printed.count("  no seats") == 2


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "header",
    [
        "first_name;last_name;email;vip;tracks;networking",
        "First_Name, Last_Name, Email, VIP, Tracks, Networking",
        "email,first_name,last_name,vip,tracks,networking,table",
    ],
    ids=["semicolons", "spaces and capitals", "another order"],
)
def test_header_with_other_separators_case_and_order_is_accepted(
    townhall_database: str, tmp_path: Path, header: str
) -> None:
    separator = ";" if ";" in header else ","
    answers = {"first_name": "Ann", "last_name": "One", "email": "ann@example.org", "vip": "yes"}
    line = separator.join(answers.get(name.strip().lower(), "") for name in header.split(separator))
    path = tmp_path / "one.csv"
    path.write_text(f"{header}\n{line}\n", encoding="utf-8-sig", newline="\r\n")
    assert _reported(_run(townhall_database, path)) == ["one.csv: 1 guest, no wrong lines"]
    with _connected(townhall_database) as connection:
        assert _seats(connection) == {("ann@example.org", 1, 1, True)}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "its first line does not name the columns first_name, last_name, email, vip,"),
        (b"Ann,One,ann@example.org,,,\n", "its first line does not name the columns first_name"),
        (b"first_name,last_name,mail,vip,tracks,networking\n", "the columns email"),
        ("first_name,last_name,email,vip,tracks,networking\n,é,".encode("latin-1"), "not in UTF-8"),
        ("first_name,last_name,email,vip,tracks,networking\n".encode("utf-16"), "not in UTF-8"),
        (b"first_name,last_name,email,vip,tracks,networking\n" + b"a" * 200_000, "field limit"),
    ],
    ids=["nothing", "no header", "a name that differs", "Latin-1", "UTF-16", "one endless value"],
)
def test_file_that_is_no_list_of_guests_is_refused_on_one_line(
    empty_database: str, tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "guests.csv"
    path.write_bytes(content)
    _assert_refused(empty_database, path, reason)


@pytest.mark.exhaustive
def test_missing_file_is_refused_on_one_line(empty_database: str, tmp_path: Path) -> None:
    _assert_refused(empty_database, tmp_path / "missing.csv", "No such file")
    _assert_refused(empty_database, tmp_path, "Is a directory")


def _assert_refused(database: str, path: Path, reason: str) -> None:
    finished = _script(database, path)
    assert (finished.returncode, finished.stdout) == (1, "")
    (message,) = finished.stderr.splitlines()
    assert message.startswith(f"{path}: ")
    assert reason in message
    with _connected(database) as connection:
        assert not inspect(connection).has_table("participants")


@pytest.mark.exhaustive
def test_values_that_the_database_would_refuse_are_reported(
    townhall_database: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.csv"
    lines = [
        "first_name,last_name,email,vip,tracks,networking",
        "A\0nn,One,ann@example.org,,,",
        "Bob,Two,b\x1bob@example.org,,,",
        f"{'Charlie' * 40},Three,charlie@example.org,,,",
        f"Dan,Four,{'dan' * 1000}@example.org,,,",
        "Eve,Five,İ@example.org,,,",
        "Fay,Six,ΑΣ@example.org,,,",
        "Gil,Seven,ας@example.org,,,",
        "Hila,Eight,hila@example.org,,,",
        ",,,,,",
        'Ivo,"Nine,ivo@example.org,,,',
        "Jan,Ten,jan@example.org,,,",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    printed = _run(townhall_database, path)
    assert _reported(printed) == [
        "odd.csv: 1 guest, 8 wrong lines",
        "  line 2: first_name holds a control character",
        "  line 3: email holds a control character",
        "  line 4: first_name is longer than 254 characters",
        "  line 5: email is longer than 254 characters",
        "  line 6: 'İ@example.org' holds letters that no e-mail address here may have",
        "  line 7: 'ΑΣ@example.org' holds letters that no e-mail address here may have",
        "  line 8: 'ας@example.org' holds letters that no e-mail address here may have",
        "  lines 11 to 12: last_name goes on in the next line; is a quote not closed?",
    ]
    with _connected(townhall_database) as connection:
        assert _seats(connection) == {("hila@example.org", 1, 1, False)}


@pytest.mark.exhaustive
def test_guest_who_cancelled_loses_their_seat(townhall_database: str) -> None:
    path = FOLDER / "guests_with_mistakes.csv"
    _run(townhall_database, path)
    with _connected(townhall_database) as connection:
        cancelled = Participant.email == "ester@example.org"
        connection.execute(update(Participant).where(cancelled).values(status="cancelled"))
    printed = _run(townhall_database, path)
    assert "  Design: 2 guests, 1 VIP, first choice of 1, 40.0 %" in printed
    with _connected(townhall_database) as connection:
        assert _seats(connection) == {
            ("galit.noy@example.com", 1, 1, True),
            ("sofia.marin@example.org", 2, 1, False),
        }


@pytest.mark.exhaustive
def test_seating_example_runs_on_supabase(townhall_databases: Databases) -> None:
    with supabase_database(townhall_databases, DefaultPrivileges.CLOSED) as database:
        printed = _run(database.postgres, FOLDER / "guests_with_mistakes.csv")
    assert printed[-1] == "  no seats"
