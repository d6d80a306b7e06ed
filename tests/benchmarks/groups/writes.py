"""What writing costs as a user, what acting costs, and what loading objects costs.

Objects are compared with those of a plain class on the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Column,
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

from tests.benchmarks.frame import Bench, Comparisons, Measurement, Side, timed
from tests.benchmarks.groups import inserts
from tests.benchmarks.groups.reads_data import ORGANIZER, fill
from townhall import Base, CommunityProfile, Participant, SessionFactory
from townhall.migrate import upgrade
from townhall.types import Document, TextEnum

_PROFILES = """
    insert into public.community_profiles (user_id, display_name)
    select u.id, 'Founder' from auth.users as u
    limit :rows
"""


@contextmanager
def _measurements(bench: Bench) -> Iterator[Sequence[Measurement]]:
    rows = max(bench.rows // 100, 100)
    with bench.databases.create() as url:
        upgrade(url)
        engine = create_engine(url, poolclass=NullPool)
        engine.dialect.use_insertmanyvalues_wo_returning = True
        with engine.begin() as connection:
            fill(connection, bench.rows)
            connection.execute(text(_PROFILES), {"rows": rows})
            inserts.prepare(connection, min(max(bench.rows // 10, 100), 10_000))
        pooled = create_engine(url, pool_size=1)
        try:
            with engine.connect() as connection:
                yield [
                    *inserts.measurements(connection),
                    *(
                        Measurement(
                            f"objects of {model.__tablename__}, {rows:,}",
                            _loading(engine, model, rows),
                            _loading(engine, _plain(model), rows),
                            "a class with plain JSON and text",
                            1.2,
                            "each document becomes an object of its type, in Python",
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
