"""What writing costs as a user, what acting costs, and what loading objects costs.

Inserts are compared with the same as the tables' owner without triggers of ours, and objects with
those of a plain class on the same table. Each insert is rolled back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    NullPool,
    Table,
    Text,
    create_engine,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeEngine

from tests.benchmarks.frame import Bench, Comparisons, Measurement, Side, Taken, timed
from tests.benchmarks.groups.reads_data import EVENT, ORGANIZER, fill
from townhall import Base, CommunityProfile, Participant, SessionFactory
from townhall.migrate import upgrade
from townhall.session import Actor
from townhall.testing import acting
from townhall.types import Document, TextEnum

_GUESTS = """
    insert into public.participants (event_id, email, networking_opt_in)
    select '{event}', n || '@guests.example', {answer} from generate_series(1, {rows}) as n
"""
_PLACED = """
    insert into public.participant_tracks ({columns})
    select {values}
    from public.participants as p
    join public.tracks as t on t.event_id = p.event_id and t.name = 'Bench'
    where p.email like '%@guests.example'
"""
_TRACK = f"insert into public.tracks (event_id, name) values ('{EVENT}', 'Bench')"
_PROFILES = """
    insert into public.community_profiles (user_id, display_name)
    select u.id, 'Founder' from auth.users as u
    limit :rows
"""


@contextmanager
def _measurements(bench: Bench) -> Iterator[Sequence[Measurement]]:
    rows = max(bench.rows // 100, 100)
    guests = _GUESTS.format(event=EVENT, answer="null", rows=rows)
    answered = _GUESTS.format(event=EVENT, answer="false", rows=rows)
    placed = _PLACED.format(columns="participant_id, track_id", values="p.id, t.id")
    with_event = _PLACED.format(
        columns="participant_id, track_id, event_id", values="p.id, t.id, p.event_id"
    )
    with bench.databases.create() as url:
        upgrade(url)
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            fill(connection, bench.rows)
            connection.execute(text(_PROFILES), {"rows": rows})
        pooled = create_engine(url, pool_size=1)
        try:
            with engine.connect() as connection:
                yield [
                    Measurement(
                        f"{rows:,} participants whose opt-in is null",
                        _inserting(connection, guests),
                        _inserting(connection, answered, of_owner=True),
                        "without policies and triggers",
                        1.5,
                    ),
                    Measurement(
                        f"{rows:,} placements in a track",
                        _inserting(connection, placed, _TRACK, answered),
                        _inserting(connection, with_event, _TRACK, answered, of_owner=True),
                        "without policies and triggers",
                        1.5,
                    ),
                    *(
                        Measurement(
                            f"objects of {model.__tablename__}, {rows:,}",
                            _loading(engine, model, rows),
                            _loading(engine, _plain(model), rows),
                            "a class with plain JSON and text",
                            1.2,
                        )
                        for model in (CommunityProfile, Participant)
                    ),
                    Measurement(
                        "a hundred transactions of a user, each with one statement",
                        timed(lambda: _act(pooled)),
                        timed(lambda: _begin(pooled)),
                        "a plain session",
                    ),
                ]
        finally:
            pooled.dispose()


def _inserting(
    connection: Connection, statement: str, *before: str, of_owner: bool = False
) -> Side:
    """Return a side that inserts as the organizer or the owner, and undoes all of it."""

    def side() -> Taken:
        with connection.begin() as transaction:
            for each in before:
                connection.exec_driver_sql(each)
            if of_owner:
                connection.exec_driver_sql("alter table public.participants disable trigger user")
                connection.exec_driver_sql(
                    "alter table public.participant_tracks disable trigger user"
                )
                taken = _insert(connection, statement)
            else:
                with acting(connection, Actor.user(ORGANIZER)):
                    taken = _insert(connection, statement)
            transaction.rollback()
        return taken

    return side


def _insert(connection: Connection, statement: str) -> Taken:
    begin = time.perf_counter()
    result = connection.execute(text(statement))
    return Taken(time.perf_counter() - begin, result.rowcount)


def _loading(engine: Engine, model: type[DeclarativeBase], rows: int) -> Side:
    def load() -> int:
        with Session(engine) as session:
            return len(session.scalars(select(model).limit(rows)).all())

    return timed(load)


def _plain(model: type[Base]) -> type[DeclarativeBase]:
    """Return a class on the same table, with plain JSON and text."""

    class Plain(DeclarativeBase):
        pass

    columns = (
        Column(each.name, _plain_type(each.type), primary_key=each.primary_key)
        for each in inspect(model).columns
    )
    table = Table(model.__tablename__, Plain.metadata, *columns, schema="public")
    return type(f"Plain{model.__name__}", (Plain,), {"__table__": table})


def _plain_type(column_type: TypeEngine[Any]) -> TypeEngine[Any]:
    match column_type:
        case Document():
            return JSONB()
        case TextEnum():
            return Text()
    return column_type


def _act(engine: Engine) -> None:
    sessions = SessionFactory(engine)
    for _ in range(100):
        with sessions.as_user(ORGANIZER) as session:
            session.execute(text("select 1"))


def _begin(engine: Engine) -> None:
    for _ in range(100):
        with Session(engine) as session, session.begin():
            session.execute(text("select 1"))


GROUP = Comparisons("writes", _measurements)
