"""Every way in which a session runs SQL, for tests of what must not run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text

from tests.session.database import Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session


def _flush(session: Session) -> None:
    session.add(Note(owner=uuid4()))
    session.flush()


def _commit(session: Session) -> None:
    session.add(Note(owner=uuid4()))
    session.commit()


def _savepoint(session: Session) -> None:
    session.begin_nested()
    session.connection()


WAYS_THROUGH_THE_SESSION: dict[str, Callable[[Session], object]] = {
    "execute": lambda session: session.execute(text("select 1")),
    "select": lambda session: session.scalars(select(Note)),
    "get": lambda session: session.get(Note, uuid4()),
    "flush": _flush,
    "commit": _commit,
    "bulk": lambda session: session.bulk_insert_mappings(Note.__mapper__, [{"owner": uuid4()}]),
    "many": lambda session: session.execute(insert(Note), [{"owner": uuid4()}] * 2),
    "savepoint": _savepoint,
}
WAYS_THROUGH_ITS_CONNECTION: dict[str, Callable[[Session], object]] = {
    "connection": lambda session: session.connection().execute(text("select 1")),
    "driver SQL": lambda session: session.connection().exec_driver_sql("select 1"),
}
WAYS_TO_RUN_SQL = WAYS_THROUGH_THE_SESSION | WAYS_THROUGH_ITS_CONNECTION

every_way = pytest.mark.parametrize("run", WAYS_TO_RUN_SQL.values(), ids=list(WAYS_TO_RUN_SQL))
every_way_through_the_session = pytest.mark.parametrize(
    "run", WAYS_THROUGH_THE_SESSION.values(), ids=list(WAYS_THROUGH_THE_SESSION)
)
