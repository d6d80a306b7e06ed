"""An adoption while the product works: nothing waits long, is refused, or is lost."""

from __future__ import annotations

import itertools
import logging
import random
from uuid import UUID, uuid4

import psycopg
import pytest
from alembic.util import CommandError
from sqlalchemy import text

from tests.adopt.contents import connected
from tests.adopt.decided import decisions_for
from tests.adopt.places import Place, Platform, make_place
from tests.adopt.products import ACCOUNTS, Product, load
from tests.support.load import load as under_load
from townhall.adopt import Decisions, adopt
from townhall.testing.databases import Databases

_log = logging.getLogger(__name__)

CLIENTS = 17
LONGEST_WAIT = 1.5  # seconds; the clients share the processors with the adoption
RUNS = 10

EVENT = "00000000-0000-4000-8000-000000000011"
TRACK = "00000000-0000-4000-8000-000000000031"

ROWS = """
    grant select on all tables in schema public to authenticated;
    insert into participants (event_id, first_name, email)
    select '{event}', 'name ' || n, n || '@example.com'
    from generate_series(1, {rows}) as n;
    insert into participant_tracks (participant_id, track_id)
    select p.id, '{track}' from participants as p
    on conflict do nothing;
    insert into table_assignments (event_id, participant_id, table_number)
    select p.event_id, p.id, 1 from participants as p
    on conflict do nothing;
"""

CLAIMS = f'{{"sub": "{ACCOUNTS[0]}", "role": "authenticated"}}'


class Clients:
    """What clients of an event do, each time in one transaction, and whom they register."""

    def __init__(self, participants: list[UUID]) -> None:
        """Take the participants whose rows are written and not deleted."""
        self.registered: set[UUID] = set()
        self.gone: set[UUID] = set()
        self._participants = participants
        self._turns = itertools.count()

    def work(self, connection: psycopg.Connection) -> None:
        """Do what is next."""
        turns = (self._read, self._register, self._move, self._read, self._register, self._leave)
        turns[next(self._turns) % len(turns)](connection)

    def _register(self, connection: psycopg.Connection) -> None:
        participant = uuid4()
        connection.execute(
            "insert into participants (id, event_id, email) values (%s, %s, %s)",
            [participant, EVENT, f"{participant}@example.com"],
        )
        connection.execute(
            "insert into participant_tracks (participant_id, track_id) values (%s, %s)",
            [participant, TRACK],
        )
        self.registered.add(participant)

    def _move(self, connection: psycopg.Connection) -> None:
        """Write the table that refers to others before these."""
        participant = random.choice(self._participants)  # noqa: S311 - which one does not matter
        for statement in (
            "update participant_tracks set is_primary = true where participant_id = %s",
            "update participants set phone = '1' where id = %s",
        ):
            connection.execute(statement, [participant])

    def _leave(self, connection: psycopg.Connection) -> None:
        for participant in self.registered - self.gone:
            found = connection.execute(
                "delete from participants where id = %s returning id", [participant]
            )
            self.gone.update(row[0] for row in found)
            return

    @staticmethod
    def _read(connection: psycopg.Connection) -> None:
        """Read as a member of the event's organization, who sees it all the time."""
        connection.execute("set local role authenticated")
        connection.execute("select set_config('request.jwt.claims', %s, true)", [CLAIMS])
        for query, expected in (
            ("select from events where id = %s", 1),
            ("select from participants where event_id = %s limit 20", 20),
        ):
            assert connection.execute(query, [EVENT]).rowcount == expected


@pytest.mark.exhaustive
@pytest.mark.parametrize("rows", [100_000, 1_000_000], ids=["small", "large"])
def test_no_client_waits_long_or_is_refused_while_its_tables_are_adopted(
    rows: int, townhall_databases: Databases
) -> None:
    with make_place(townhall_databases, Platform.PLAIN) as place:
        load(place.url, Product.NETWORKING)
        with connected(place.url) as connection:
            connection.exec_driver_sql(ROWS.format(rows=rows, event=EVENT, track=TRACK))
            connection.commit()
            before = set(connection.scalars(text("select id from participants")))
        decisions = decisions_for(Product.NETWORKING, place.url, place.scratch)
        clients = Clients(random.sample(sorted(before), 1000))
        with under_load(place.url, CLIENTS, clients.work, allowed=()) as seen:
            runs = adopt_in_runs(place, decisions)
        _log.info("%s, in %d runs", seen, runs)  # for docs/reliability.md
        assert seen.errors == []
        assert seen.transactions > 0
        assert seen.longest < LONGEST_WAIT
        with connected(place.url) as connection:
            after = set(connection.scalars(text("select id from participants")))
            assert after == (before | clients.registered) - clients.gone
            unplaced = text(
                """
                select count(*)
                from participants as p
                where not exists (
                    select from participant_tracks as t where t.participant_id = p.id
                )
                """
            )
            assert connection.scalar(unplaced) == 0


def adopt_in_runs(place: Place, decisions: Decisions) -> int:
    """Adopt, again where a lock was not granted in time, and return how often."""
    for run in range(1, RUNS + 1):
        try:
            done = adopt(place.url, decisions, scratch=place.scratch)
        except CommandError as error:
            if "gave up" not in str(error):
                raise
            _log.info("run %d: %s", run, error)
        else:
            assert done.differences == []
            return run
    raise AssertionError(f"gave up {RUNS} times")
