"""What an application asks of the community."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnExpressionArgument, Select, Uuid, cast, func, select, tuple_, union
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql.dml import ReturningInsert

from townhall.domains.community.models import (
    ConsentCategory,
    ConsentPreference,
    FounderMessage,
    SocialFeedPost,
)

Position = tuple[datetime, UUID]
"""Where a row stands among those ordered by when they were created: the time and the key."""

_Row = TypeVar("_Row", SocialFeedPost, FounderMessage)


def set_consent(
    user_id: UUID,
    category: ConsentCategory,
    enabled: bool,  # noqa: FBT001  the value itself
) -> ReturningInsert[ConsentPreference]:
    """Say whether a person agrees to something; it gives the :class:`ConsentPreference`.

    Args:
        user_id: The person, who is the caller unless the service asks.
        category: What they agree to, or not.
        enabled: Whether they agree.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is somebody else.
    """
    statement = insert(ConsentPreference).values(
        user_id=user_id, category=category, enabled=enabled
    )
    return (
        statement.on_conflict_do_update(
            index_elements=["user_id", "category"], set_={"enabled": statement.excluded.enabled}
        )
        .returning(ConsentPreference)
        .execution_options(populate_existing=True)
    )


def consents_of(user_id: UUID) -> Select[ConsentPreference]:
    """Ask what a person said to whatever asks for consent; what has no row they never agreed to.

    Args:
        user_id: The person, who is the caller unless the service asks.
    """
    return (
        select(ConsentPreference)
        .where(ConsentPreference.user_id == user_id)
        .order_by(ConsentPreference.category)
    )


def refresh_benchmarks() -> Select[Any]:
    """Compute both benchmarks anew, as the service; others go on reading them meanwhile.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not the service.
    """
    return select(func.public.refresh_benchmark_aggregates())


def feed_page(after: Position | None = None, limit: int = 20) -> Select[SocialFeedPost]:
    """Ask for a page of the caller's feed, newest first: public posts and their own private ones.

    What arrives meanwhile moves nothing from one page to another. A page costs the same wherever
    it is: public posts and the caller's own are two walks along an index, of a page each.

    Args:
        after: Where the page before ended: :attr:`SocialFeedPost.position` of its last post.
            None for the first page.
        limit: How many posts make a page.

    Raises:
        ValueError: ``after`` is no such position.
    """
    me = select(func.auth.uid(type_=Uuid)).scalar_subquery()
    own = SocialFeedPost.author_id == me
    return _newest(SocialFeedPost, (SocialFeedPost.is_public, own), after, limit)


def conversation(
    user_id: UUID, other_id: UUID, after: Position | None = None, limit: int = 50
) -> Select[FounderMessage]:
    """Ask for what two people wrote to each other, newest first.

    A page costs the same however much either wrote to others.

    Args:
        user_id: One of the two; the caller is one of them unless the service asks.
        other_id: The other one.
        after: Where the page before ended: :attr:`FounderMessage.position` of its last message.
            None for the first page.
        limit: How many messages make a page.

    Raises:
        ValueError: ``after`` is no such position.
    """
    sent, received = (
        (FounderMessage.sender_id == sender) & (FounderMessage.recipient_id == recipient)
        for sender, recipient in ((user_id, other_id), (other_id, user_id))
    )
    return _newest(FounderMessage, (sent, received), after, limit)


def mark_messages_read(message_ids: Iterable[UUID]) -> Select[Any]:
    """Mark messages as read and get how many of them were not; those to others stay as they are.

    Messages that the session has loaded keep what they were loaded with until they are refreshed.

    Args:
        message_ids: Messages to the caller.
    """
    return select(func.public.mark_messages_read(cast(list(message_ids), ARRAY(Uuid))))


def _newest(
    model: type[_Row],
    parts: Iterable[ColumnExpressionArgument[bool]],
    after: Position | None,
    limit: int,
) -> Select[_Row]:
    """Return the newest rows of several parts of a table, each of which an index has in order.

    A condition with ``or`` would walk past all rows of neither part. A row of both is found once.
    """
    order = (model.created_at.desc(), model.id.desc())
    position = tuple_(model.created_at, model.id)
    beyond = () if after is None else (position < _checked(after),)
    walks = (
        select(model.id, model.created_at).where(part, *beyond).order_by(*order).limit(limit)
        for part in parts
    )
    found = union(*walks).subquery()
    page = select(found.c.id).order_by(found.c.created_at.desc(), found.c.id.desc()).limit(limit)
    return select(model).where(model.id.in_(page)).order_by(*order)


def _checked(position: Position) -> Position:
    # As it comes from a client it is text, and what PostgreSQL would say to that helps nobody.
    match position:
        case (datetime(tzinfo=tzinfo()), UUID()):
            return position
    raise ValueError(
        "a position is the time, with its zone, and the key of the last row of a page:"
        f" (datetime, UUID), not {position!r}"
    )
