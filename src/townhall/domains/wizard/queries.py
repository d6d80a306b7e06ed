"""Statements on wizard sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    ScalarSelect,
    Select,
    Text,
    Uuid,
    and_,
    column,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import TypedReturnsRows

from townhall.domains.wizard.models import WizardSession, WizardStatus
from townhall.input_error import InputError
from townhall.types import Document

# Types and columns are made once: those of each call were a quarter of what a statement takes.
_ARGUMENTS = (Uuid(), Document(None), Integer(), Text(), ARRAY(Text))
_COLUMNS = tuple(column(each.name, each.type) for each in WizardSession.__table__.columns)


def current_session(user_id: UUID | None = None) -> Select[WizardSession]:
    """Select the session in progress that was saved last; none where there is no such session.

    Args:
        user_id: The user: the caller, unless the service names another.
    """
    owner = _me() if user_id is None else user_id
    return (
        select(WizardSession)
        .where(WizardSession.user_id == owner, WizardSession.status == WizardStatus.IN_PROGRESS)
        .order_by(WizardSession.last_saved_at.desc(), WizardSession.id)
        .limit(1)
    )


def open_session(
    user_id: UUID,
    *,
    id: UUID | None = None,  # noqa: A002 - the name of the column
    event_id: UUID | None = None,
    state: Mapping[str, Any] | None = None,
) -> TypedReturnsRows[WizardSession]:
    """Open a session; returns the new :class:`WizardSession`.

    With an id of the caller's choice it can be repeated, as after a lost answer: a session that is
    there already is returned as it is, whatever its status.

    Args:
        user_id: The user: the caller, who needs a profile.
        id: The key of the session; None lets the database choose one.
        event_id: The event, if it exists already.
        state: The initial state.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the user is not the caller, or the session
            with this id is another user's. The service gets no row for the latter.
    """
    values = {"user_id": user_id, "event_id": event_id, "state": dict(state or {})}
    if id is None:
        return insert(WizardSession).values(values).returning(WizardSession)
    statement = insert(WizardSession).values(values | {"id": id})
    known = aliased(WizardSession)
    is_known = select(known).where(known.id == id)
    # The update returns a session that another transaction has opened meanwhile. Policies refuse
    # to update another user's session; they let the service through, which has no id of its own.
    # A session that is known is only read, since an update would set its last_saved_at.
    opened = (
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={"state": WizardSession.state},
            where=and_(
                ~is_known.exists(),
                or_(WizardSession.user_id == statement.excluded.user_id, _me().is_not(None)),
            ),
        )
        .returning(*WizardSession.__table__.columns)
        .cte("opened")
    )
    rows = union_all(select(opened), is_known.where(known.user_id == user_id))
    session = aliased(WizardSession, rows.subquery("session"))
    return select(session).execution_options(populate_existing=True)


def save_session(
    session_id: UUID,
    patch: Mapping[str, Any],
    *,
    stage: int | None = None,
    remove: Iterable[str] = (),
) -> Select[WizardSession]:
    """Merge a patch into a session in progress; returns the saved :class:`WizardSession`.

    The patch replaces top-level keys of the state and keeps the others. The database merges, so
    that concurrent saves of different keys are all kept.

    Args:
        session_id: The session.
        patch: The keys to set.
        stage: The stage to move to, from 1 to 6; None keeps the stage.
        remove: The top-level keys to remove.

    Raises:
        InputError: A key is both set and removed, or the keys to remove are a single text.
        sqlalchemy.exc.IntegrityError: When it is run: the session is not in progress, or the
            stage is out of range.
        sqlalchemy.exc.ProgrammingError: When it is run: the session is not the caller's.
    """
    return _saved(session_id, patch, stage=stage, remove=remove)


def complete_session(
    session_id: UUID, patch: Mapping[str, Any] | None = None, *, remove: Iterable[str] = ()
) -> Select[WizardSession]:
    """Complete a session in progress, with a last patch; see :func:`save_session`.

    It can be repeated with the same patch, as after a lost answer: a completed session that has all
    of the patch is returned as it is.

    Args:
        session_id: The session.
        patch: The last keys to set.
        remove: The top-level keys to remove.
    """
    return _saved(session_id, patch or {}, status=WizardStatus.COMPLETED, remove=remove)


def abandon_session(session_id: UUID) -> Select[WizardSession]:
    """Abandon a session in progress; see :func:`save_session` for the result and the errors.

    It can be repeated.

    Args:
        session_id: The session.
    """
    return _saved(session_id, {}, status=WizardStatus.ABANDONED)


def _me() -> ScalarSelect[UUID]:
    return select(func.auth.uid(type_=Uuid)).scalar_subquery()


def _saved(
    session_id: UUID,
    patch: Mapping[str, Any],
    *,
    stage: int | None = None,
    status: WizardStatus | None = None,
    remove: Iterable[str] = (),
) -> Select[WizardSession]:
    values = (session_id, dict(patch), stage, status, _removed(remove, patch))
    call = func.public.save_wizard_session(*map(literal, values, _ARGUMENTS))
    saved = aliased(WizardSession, call.table_valued(*_COLUMNS), adapt_on_names=True)
    return select(saved).execution_options(populate_existing=True)


def _removed(keys: Iterable[str], patch: Mapping[str, Any]) -> list[str]:
    if isinstance(keys, str):
        raise InputError(f"the keys to remove are a list of keys, not the text {keys!r}")
    removed = list(keys)
    if both := sorted(set(removed) & set(patch)):
        raise InputError(f"{', '.join(map(repr, both))} can't be set and removed in one save")
    return removed
