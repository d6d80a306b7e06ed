"""Statements on consents, benchmarks, the directory, the feed and messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnExpressionArgument,
    CompoundSelect,
    DateTime,
    Integer,
    Label,
    Row,
    Select,
    Text,
    Update,
    Uuid,
    any_,
    cast,
    column,
    func,
    literal,
    select,
    tuple_,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql.dml import ReturningInsert

from townhall.domains.community.models import (
    BenchmarkIndustryAggregate,
    BenchmarkStageAggregate,
    CommunityProfile,
    ConsentCategory,
    ConsentPreference,
    FounderMessage,
    SocialFeedPost,
)
from townhall.domains.community.positions import Position, checked
from townhall.session import RAISE_AFTER_COMMIT

_Row = TypeVar("_Row", SocialFeedPost, FounderMessage)


def set_consent(
    user_id: UUID,
    category: ConsentCategory,
    enabled: bool,  # noqa: FBT001  the value itself
) -> ReturningInsert[ConsentPreference]:
    """Give or withdraw a consent; returns the :class:`ConsentPreference`.

    Args:
        user_id: The user; the caller, except for the service.
        category: The purpose of the consent.
        enabled: Whether the user consents.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is another user.
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
    """Select the consents of a user; a category without a row has no consent.

    Args:
        user_id: The user; the caller, except for the service.
    """
    return (
        select(ConsentPreference)
        .where(ConsentPreference.user_id == user_id)
        .order_by(ConsentPreference.category)
    )


def consenting(category: ConsentCategory, user_ids: Iterable[UUID]) -> Select[UUID]:
    """Select those of some users who have given a consent, as the service.

    A user reads only their own consents, and so finds no other user.

    Args:
        category: The purpose of the consent.
        user_ids: The users.
    """
    return select(ConsentPreference.user_id).where(
        ConsentPreference.category == category,
        ConsentPreference.enabled,
        ConsentPreference.user_id == any_(cast(list(user_ids), ARRAY(Uuid))),
    )


def directory_page(
    after: Position | str | None = None, limit: int = 20
) -> Select[
    UUID,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    list[str] | None,
    datetime,
    UUID,
]:
    """Select a page of the directory, newest profiles first: founders who consented to it.

    The rows have the fields of :class:`CommunityProfile` that the profile shows; a hidden field is
    None. ``show_name`` is for the avatar as well. ``created_at`` and ``id`` of the last row are the
    position after which the next page begins, also as the text that :func:`position_text` makes.

    Args:
        after: The position of the last row of the previous page, or its :func:`position_text`;
            None for the first page.
        limit: The number of profiles of a page.

    Raises:
        InputError: ``after`` is not a position.
    """
    created_at, key = (None, None) if after is None else checked(after)
    fields = CommunityProfile.__table__.c
    page = func.public.directory_page(
        cast(created_at, DateTime(timezone=True)), cast(key, Uuid), limit
    ).table_valued(
        *(
            column(name, fields[name].type)
            for name in (
                "user_id",
                "display_name",
                "avatar_url",
                "bio",
                "stage",
                "industry",
                "achievements",
                "created_at",
                "id",
            )
        ),
        name="page",
    )
    return select(*page.c).order_by(page.c.created_at.desc(), page.c.id.desc())


def block_founder(user_id: UUID) -> Select[Any]:
    """Block a founder for the caller, whatever connection the two have.

    While either blocks, neither asks the other for a connection, nor sends them messages, reactions
    or comments. Connections that the session has loaded are not updated until they are refreshed.

    Args:
        user_id: The founder.

    Raises:
        sqlalchemy.exc.IntegrityError: When it is run: it is the caller, or there is no such user.
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not signed in.
    """
    return select(func.public.block_founder(cast(user_id, Uuid)))


def unblock_founder(user_id: UUID) -> Select[Any]:
    """End the caller's block of a founder; a block by the founder stays.

    Nothing happens where the caller does not block the founder.

    Args:
        user_id: The founder.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not signed in.
    """
    return select(func.public.unblock_founder(cast(user_id, Uuid)))


class BenchmarksNotRefreshedError(RuntimeError):
    """A benchmark could not be refreshed; the others were."""


def refresh_benchmarks() -> Select[str, datetime | None, str | None]:
    """Refresh each benchmark on its own, as the service; readers are not blocked.

    A row for each has ``view_name``, ``refreshed_at`` and ``error``, one of the latter two null. A
    session of our factories raises what failed after the commit, since the refresh that worked
    would be lost with a rollback.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not the service.
        sqlalchemy.exc.DBAPIError: When it is run: no benchmark could be refreshed.
        BenchmarksNotRefreshedError: With the commit: some could not be refreshed.
    """
    refreshed = func.public.refresh_benchmark_aggregates().table_valued(
        column("view_name", Text),
        column("refreshed_at", DateTime(timezone=True)),
        column("error", Text),
        name="refreshed",
    )
    return select(*refreshed.c).execution_options(**{RAISE_AFTER_COMMIT: _failure_of_refresh})


def benchmarks_age() -> CompoundSelect[str, datetime | None, timedelta | None]:
    """Select how old each benchmark is: ``view_name``, ``refreshed_at`` and ``age``.

    The latter two are None where a benchmark has no group to show, which has no age either.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not signed in.
        sqlalchemy.exc.OperationalError: When it is run: a benchmark was never refreshed since the
            database was restored without its data.
    """
    return union_all(
        *(select(*_age_of(view)) for view in (BenchmarkIndustryAggregate, BenchmarkStageAggregate))
    )


def _age_of(
    view: type[BenchmarkIndustryAggregate | BenchmarkStageAggregate],
) -> tuple[Label[Any], ...]:
    return (
        literal(view.__tablename__).label("view_name"),
        func.max(view.refreshed_at).label("refreshed_at"),
        (func.now() - func.max(view.refreshed_at)).label("age"),
    )


def _failure_of_refresh(rows: Iterable[Row[Any]]) -> BenchmarksNotRefreshedError | None:
    failed = [f"{row.view_name} was not refreshed: {row.error}" for row in rows if row.error]
    return BenchmarksNotRefreshedError("; ".join(failed)) if failed else None


def feed_page(after: Position | str | None = None, limit: int = 20) -> Select[SocialFeedPost]:
    """Select a page of the caller's feed, newest first: public posts and their own private ones.

    Posts that arrive in between do not shift the pages, and every page costs the same: public posts
    and the caller's own are two index scans, of one page each.

    Args:
        after: The ``SocialFeedPost.position`` of the last post of the previous page, or its
            :func:`position_text`; None for the first page.
        limit: The number of posts of a page.

    Raises:
        InputError: ``after`` is not a position.
    """
    me = select(func.auth.uid(type_=Uuid)).scalar_subquery()
    own = SocialFeedPost.author_id == me
    return _newest(SocialFeedPost, (SocialFeedPost.is_public, own), after, limit)


def count_views(post_ids: Iterable[UUID]) -> Update:
    """Add to the views of posts, as the service; a post that is named twice is seen twice.

    The posts are locked in the order of their keys, as reactions and comments lock them, which
    prevents deadlocks. Objects that the session has loaded are not updated until they are
    refreshed.

    Args:
        post_ids: The posts that were seen; those that do not exist are left out.

    Raises:
        sqlalchemy.exc.ProgrammingError: When it is run: the caller is not the service.
    """
    counts = Counter(post_ids)
    seen = (
        func.unnest(cast(list(counts), ARRAY(Uuid)), cast(list(counts.values()), ARRAY(Integer)))
        .table_valued(column("post_id", Uuid), column("views", Integer), name="seen")
        .render_derived()
    )
    locked = (
        select(SocialFeedPost.id, seen.c.views)
        .join(seen, seen.c.post_id == SocialFeedPost.id)
        .order_by(SocialFeedPost.id)
        .with_for_update(key_share=True, of=SocialFeedPost)
        .subquery("locked")
    )
    return (
        update(SocialFeedPost)
        .where(SocialFeedPost.id == locked.c.id)
        .values(view_count=SocialFeedPost.view_count + locked.c.views)
        .execution_options(synchronize_session=False)
    )


def conversation(
    user_id: UUID, other_id: UUID, after: Position | str | None = None, limit: int = 50
) -> Select[FounderMessage]:
    """Select a page of the messages between two users, newest first.

    The cost of a page does not depend on their messages with other users.

    Args:
        user_id: One of the two; the caller is one of them, except for the service.
        other_id: The other one.
        after: The ``FounderMessage.position`` of the last message of the previous page, or its
            :func:`position_text`; None for the first page.
        limit: The number of messages of a page.

    Raises:
        InputError: ``after`` is not a position.
    """
    sent, received = (
        (FounderMessage.sender_id == sender) & (FounderMessage.recipient_id == recipient)
        for sender, recipient in ((user_id, other_id), (other_id, user_id))
    )
    return _newest(FounderMessage, (sent, received), after, limit)


def mark_messages_read(message_ids: Iterable[UUID]) -> Select[Any]:
    """Mark messages to the caller as read; returns how many of them were unread.

    Messages to other users are not changed. Objects that the session has loaded are not updated
    until they are refreshed.

    Args:
        message_ids: Messages to the caller.
    """
    return select(func.public.mark_messages_read(cast(list(message_ids), ARRAY(Uuid))))


def _newest(
    model: type[_Row],
    parts: Iterable[ColumnExpressionArgument[bool]],
    after: Position | str | None,
    limit: int,
) -> Select[_Row]:
    """Return the newest rows that fulfil one of several conditions, each covered by an index.

    A single condition with ``or`` would scan the rows that fulfil none of them. The union has a row
    that fulfils several conditions once.
    """
    order = (model.created_at.desc(), model.id.desc())
    position = tuple_(model.created_at, model.id)
    beyond = () if after is None else (position < checked(after),)
    pages = (
        select(model.id, model.created_at).where(part, *beyond).order_by(*order).limit(limit)
        for part in parts
    )
    found = union(*pages).subquery()
    page = select(found.c.id).order_by(found.c.created_at.desc(), found.c.id.desc()).limit(limit)
    return select(model).where(model.id.in_(page)).order_by(*order)
