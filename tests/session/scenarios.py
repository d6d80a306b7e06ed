"""What a session may do while it acts as a user: it acts as that user throughout.

They are written against ``Session`` and run on an ``AsyncSession`` too, by its ``run_sync``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from tests.session.database import Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    Scenario = Callable[[Session, UUID], None]

_ACTS_AS = text(
    """
    select
      current_user,
      current_setting('request.jwt.claims')::json ->> 'sub',
      current_setting('request.jwt.claim.sub')
    """
)


def assert_acts_as(session: Session, user: UUID) -> None:
    assert tuple(session.execute(_ACTS_AS).one()) == ("authenticated", str(user), str(user))


def _add(session: Session, owner: UUID) -> Note:
    note = Note(owner=owner)
    session.add(note)
    session.flush()
    return note


def _count(session: Session) -> int:
    return len(session.scalars(select(Note)).all())


def commit_and_go_on(session: Session, user: UUID) -> None:
    for expected in (1, 2, 3):
        _add(session, user)
        session.commit()
        assert_acts_as(session, user)
        assert _count(session) == expected


def roll_back_and_go_on(session: Session, user: UUID) -> None:
    _add(session, user)
    session.rollback()
    assert_acts_as(session, user)
    assert _count(session) == 0


def savepoint_released(session: Session, user: UUID) -> None:
    with session.begin_nested():
        _add(session, user)
        assert_acts_as(session, user)
    assert_acts_as(session, user)
    assert _count(session) == 1


def savepoint_rolled_back(session: Session, user: UUID) -> None:
    savepoint = session.begin_nested()
    _add(session, user)
    savepoint.rollback()
    assert_acts_as(session, user)
    assert _count(session) == 0


def savepoints_within_savepoints(session: Session, user: UUID) -> None:
    with session.begin_nested():
        _add(session, user)
        inner = session.begin_nested()
        _add(session, user)
        inner.rollback()
        assert_acts_as(session, user)
        with session.begin_nested():
            _add(session, user)
            assert_acts_as(session, user)
    session.commit()
    assert_acts_as(session, user)
    assert _count(session) == 2


def error_then_rollback(session: Session, user: UUID) -> None:
    with pytest.raises(DataError):
        session.execute(text("select 1 / 0"))
    session.rollback()
    assert_acts_as(session, user)


def error_within_a_savepoint(session: Session, user: UUID) -> None:
    note = _add(session, user)
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(Note).values(id=note.id, owner=user, body=""))
    assert_acts_as(session, user)
    assert _count(session) == 1


def failed_flush(session: Session, user: UUID) -> None:
    session.add(Note(owner=uuid4()))
    with pytest.raises(ProgrammingError, match="row-level security"):
        session.flush()
    session.rollback()
    assert_acts_as(session, user)


def flush_by_commit(session: Session, user: UUID) -> None:
    session.add(Note(owner=user))
    session.commit()
    session.add(Note(owner=uuid4()))
    with pytest.raises(ProgrammingError, match="row-level security"):
        session.commit()
    session.rollback()
    assert _count(session) == 1


def expired_object_read_again(session: Session, user: UUID) -> None:
    note = _add(session, user)
    session.commit()
    assert note.owner == user
    assert session.get(Note, note.id) is note
    session.refresh(note)
    assert_acts_as(session, user)


def explicit_begin(session: Session, user: UUID) -> None:
    for _ in range(2):
        with session.begin():
            assert_acts_as(session, user)


def connection_of_the_session(session: Session, user: UUID) -> None:
    connection = session.connection()
    assert connection.exec_driver_sql("select current_user").scalar() == "authenticated"
    with connection.begin_nested():
        connection.execute(insert(Note).values(owner=user, body=""))
    session.commit()
    assert session.connection().execute(_ACTS_AS).one()[1] == str(user)
    assert _count(session) == 1


def many_rows_in_one_statement(session: Session, user: UUID) -> None:
    rows = [{"owner": user, "body": str(number)} for number in range(2500)]
    session.execute(insert(Note), rows)
    returned = session.scalars(insert(Note).returning(Note.owner), rows).all()
    assert set(returned) == {user}
    assert _count(session) == 5000
    with pytest.raises(ProgrammingError, match="row-level security"):
        session.execute(insert(Note), [*rows, {"owner": uuid4(), "body": ""}])
    session.rollback()
    assert_acts_as(session, user)


def legacy_bulk(session: Session, user: UUID) -> None:
    session.bulk_insert_mappings(Note.__mapper__, [{"owner": user}, {"owner": user}])
    session.commit()
    assert _count(session) == 2


def rows_in_portions(session: Session, user: UUID) -> None:
    session.execute(insert(Note), [{"owner": user} for _ in range(10)])
    portions = session.scalars(select(Note).execution_options(yield_per=3)).partitions()
    assert [len(portion) for portion in portions] == [3, 3, 3, 1]


def rows_of_other_users_are_invisible(session: Session, user: UUID) -> None:
    mine = _add(session, user)
    assert session.scalars(select(Note)).all() == [mine]
    assert session.scalars(update(Note).values(body="").returning(Note.id)).all() == [mine.id]


SCENARIOS: tuple[Scenario, ...] = (
    commit_and_go_on,
    roll_back_and_go_on,
    savepoint_released,
    savepoint_rolled_back,
    savepoints_within_savepoints,
    error_then_rollback,
    error_within_a_savepoint,
    failed_flush,
    flush_by_commit,
    expired_object_read_again,
    explicit_begin,
    connection_of_the_session,
    many_rows_in_one_statement,
    legacy_bulk,
    rows_in_portions,
    rows_of_other_users_are_invisible,
)
