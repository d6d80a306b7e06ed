"""Statements that ask for one post: what they read, and what the asking can't change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Select, func, select

from tests.community.data import (
    FOUNDER,
    HIDDEN_POST,
    PEER,
    PERSONAS,
    POST_BEFORE_BLOCK,
    PRIVATE_POST,
    PUBLIC_POST,
)
from tests.support.plans import plan_of
from townhall import SocialFeedComment, SocialFeedPost, SocialFeedReaction
from townhall.base import asking_for
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Connection

POSTS = (PRIVATE_POST, HIDDEN_POST, PUBLIC_POST, POST_BEFORE_BLOCK)
BELOW = (SocialFeedComment, SocialFeedReaction)


def _below(table: type[SocialFeedComment | SocialFeedReaction], post_id: UUID) -> Select[Any]:
    return select(table.id).where(table.post_id == post_id, asking_for(SocialFeedPost.id, post_id))


def _read(connection: Connection) -> list[Sequence[object]]:
    tables = (SocialFeedPost, *BELOW)
    return [connection.execute(select(each.id).order_by(each.id)).all() for each in tables]


@pytest.mark.parametrize("persona", sorted(PERSONAS.keys() - {"anon"}))  # who reads nothing
def test_asking_for_posts_changes_nothing_that_is_read(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        expected = _read(connection)
        for asked in ([], *([post] for post in POSTS), POSTS):
            connection.execute(select(asking_for(SocialFeedPost.id, *asked)))
            assert _read(connection) == expected


def test_asking_for_a_post_that_cannot_be_read_tells_nothing_of_it(connection: Connection) -> None:
    hidden = [_below(table, HIDDEN_POST) for table in BELOW]
    with acting(connection, "authenticated", FOUNDER):
        assert all(connection.execute(query).all() for query in hidden)
    with acting(connection, PERSONAS["stranger"]):
        assert [connection.execute(query).all() for query in hidden] == [[], []]


def test_post_that_is_asked_for_is_not_looked_up_for_each_row(connection: Connection) -> None:
    with acting(connection, "authenticated", PEER):
        for table in BELOW:
            asked = _below(table, PUBLIC_POST)
            plan = plan_of(connection, asked.with_only_columns(func.count()), run=True)
            assert plan.rows_read(table.__tablename__) > 0
            (lookup,) = (
                each for each in plan.nodes if each.get("Function Name") == "jsonb_to_recordset"
            )
            assert lookup["Actual Loops"] == 0
