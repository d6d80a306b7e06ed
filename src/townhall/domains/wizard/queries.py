"""Statements on wizard sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, Text, Uuid, cast, column, func, insert, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningInsert

from townhall.domains.wizard.models import WizardSession, WizardStatus
from townhall.types import Document


def open_session(
    user_id: UUID, *, event_id: UUID | None = None, state: Mapping[str, Any] | None = None
) -> ReturningInsert[WizardSession]:
    """Open a session; returns the new :class:`WizardSession`.

    Args:
        user_id: The user: the caller, who needs a profile.
        event_id: The event, if it exists already.
        state: The initial state.
    """
    return (
        insert(WizardSession)
        .values(user_id=user_id, event_id=event_id, state=dict(state or {}))
        .returning(WizardSession)
    )


def save_session(
    session_id: UUID, patch: Mapping[str, Any], *, stage: int | None = None
) -> Select[WizardSession]:
    """Merge a patch into a session in progress; returns the saved :class:`WizardSession`.

    The patch replaces top-level keys of the state and keeps the others. The database merges, so
    that concurrent saves of different keys are all kept.

    Args:
        session_id: The session.
        patch: The keys to set.
        stage: The stage to move to, from 1 to 6; None keeps the stage.

    Raises:
        sqlalchemy.exc.IntegrityError: When it is run: the session is not in progress, or the
            stage is out of range.
        sqlalchemy.exc.ProgrammingError: When it is run: the session is not the caller's.
    """
    return _saved(session_id, patch, stage=stage)


def complete_session(
    session_id: UUID, patch: Mapping[str, Any] | None = None
) -> Select[WizardSession]:
    """Complete a session in progress, with a last patch; see :func:`save_session`.

    Args:
        session_id: The session.
        patch: The last keys to set.
    """
    return _saved(session_id, patch or {}, status=WizardStatus.COMPLETED)


def abandon_session(session_id: UUID) -> Select[WizardSession]:
    """Abandon a session in progress; see :func:`save_session` for the result and the errors.

    Args:
        session_id: The session.
    """
    return _saved(session_id, {}, status=WizardStatus.ABANDONED)


def _saved(
    session_id: UUID,
    patch: Mapping[str, Any],
    *,
    stage: int | None = None,
    status: WizardStatus | None = None,
) -> Select[WizardSession]:
    call = func.public.save_wizard_session(
        cast(session_id, Uuid),
        cast(dict(patch), Document(None)),
        cast(stage, Integer),
        cast(status, Text),
    )
    columns = (column(each.name, each.type) for each in WizardSession.__table__.columns)
    saved = aliased(WizardSession, call.table_valued(*columns), adapt_on_names=True)
    return select(saved).execution_options(populate_existing=True)
