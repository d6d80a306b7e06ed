"""The directory, the consents that the service asks for, and the views that it counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from tests.community.accounts_and_posts import create_accounts, create_posts
from tests.community.data import FOUNDER, PEER, PERSONAS, PROFILE, PUBLIC_POST, STRANGER
from tests.support.blocked import wait_for_a_lock
from townhall import (
    CommunityProfile,
    ConsentCategory,
    ConsentPreference,
    SessionFactory,
    SocialFeedPost,
)
from townhall.domains.community import consenting, count_views, directory_page, set_consent
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import Connection, Engine

    from townhall.domains.community.positions import Position

DIRECTORY = ConsentCategory.DIRECTORY
SHOWN = {
    "display_name": "Dana",
    "avatar_url": "https://example.org/dana.png",
    "bio": "Builds.",
    "stage": "seed",
    "industry": "energy",
    "achievements": ["First customer"],
}
SETTINGS = {
    "show_name": {"display_name", "avatar_url"},
    "show_bio": {"bio"},
    "show_stage": {"stage"},
    "show_industry": {"industry"},
    "show_achievements": {"achievements"},
}


def _consent(connection: Connection, *users: UUID, enabled: bool = True) -> None:
    for user in users:
        connection.execute(set_consent(user, DIRECTORY, enabled))


def _profile(connection: Connection, settings: str = "{}") -> None:
    """Fill the founder's profile, with their settings as the client stores them."""
    own = CommunityProfile.id == PROFILE
    connection.execute(update(CommunityProfile).where(own).values(SHOWN))
    connection.execute(
        text("update public.community_profiles set visibility_settings = cast(:settings as jsonb)"),
        {"settings": settings},
    )


def _page(
    connection: Connection, persona: str, after: Position | None = None, limit: int = 20
) -> list[Row[Any]]:
    with acting(connection, PERSONAS[persona]):
        return list(connection.execute(directory_page(after, limit)))


@pytest.mark.parametrize("persona", ["stranger", "founder", "blocked", "service"])
def test_directory_has_only_founders_who_consented(connection: Connection, persona: str) -> None:
    _profile(connection)
    connection.execute(insert(CommunityProfile).values(user_id=PEER, display_name="Noa"))
    assert _page(connection, persona) == []
    _consent(connection, FOUNDER)
    for category in set(ConsentCategory) - {DIRECTORY}:
        connection.execute(set_consent(PEER, category, True))  # noqa: FBT003
    assert [row.user_id for row in _page(connection, persona)] == [FOUNDER]
    _consent(connection, PEER)
    assert {row.user_id for row in _page(connection, persona)} == {FOUNDER, PEER}
    _consent(connection, FOUNDER, enabled=False)
    assert [row.user_id for row in _page(connection, persona)] == [PEER]
    _consent(connection, STRANGER)  # without a profile
    assert [row.user_id for row in _page(connection, persona)] == [PEER]


def test_directory_is_closed_to_anonymous_callers(connection: Connection) -> None:
    with (
        acting(connection, PERSONAS["anon"]),
        pytest.raises(ProgrammingError, match="permission denied"),
        connection.begin_nested(),
    ):
        connection.execute(directory_page())


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SHOWN if getattr(row, name) is not None}


@pytest.mark.parametrize("hidden", SETTINGS)
@pytest.mark.parametrize("value", ["false", "null", '"true"', "1", "[true]"])
def test_directory_shows_only_the_fields_of_the_settings(
    connection: Connection, hidden: str, value: str
) -> None:
    _consent(connection, FOUNDER)
    _profile(connection, f'{{"{hidden}": {value}}}')
    (row,) = _page(connection, "stranger")
    fields = set(SHOWN) - SETTINGS[hidden]
    assert _shown(row) == {name: SHOWN[name] for name in fields}
    (profile,) = connection.execute(select(CommunityProfile.visibility_settings))
    assert getattr(profile.visibility_settings, hidden) is False


@pytest.mark.parametrize("settings", ["{}", '{"show_name": true}', '{"show_other": false}'])
def test_field_whose_setting_is_missing_is_shown(connection: Connection, settings: str) -> None:
    _consent(connection, FOUNDER)
    _profile(connection, settings)
    (row,) = _page(connection, "stranger")
    assert _shown(row) == SHOWN


def test_pages_of_the_directory_follow_each_other(connection: Connection) -> None:
    users = create_accounts(connection, 30)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    connection.execute(
        insert(CommunityProfile),
        [
            {"user_id": user, "created_at": start + timedelta(minutes=number // 3)}
            for number, user in enumerate(users)
        ],
    )
    _consent(connection, *users[::2])
    found: list[Row[Any]] = []
    after = None
    while rows := _page(connection, "stranger", after=after, limit=4):
        found += rows
        after = (rows[-1].created_at, rows[-1].id)
    positions = [(row.created_at, row.id) for row in found]
    assert positions == sorted(positions, reverse=True)
    assert sorted(row.user_id for row in found) == sorted(users[::2])
    with pytest.raises(ValueError, match="a position is"):
        directory_page(after=("yesterday", users[0]))  # type: ignore[arg-type]


def test_consenting_finds_those_of_some_users_who_agreed(
    sessions: SessionFactory, connection: Connection
) -> None:
    _consent(connection, FOUNDER, STRANGER)
    connection.execute(set_consent(PEER, ConsentCategory.MESSAGING, True))  # noqa: FBT003

    def found(session_of: str, users: Iterable[UUID]) -> set[UUID]:
        with acting(connection, PERSONAS[session_of]):
            return set(connection.scalars(consenting(DIRECTORY, users)))

    assert found("service", [FOUNDER, PEER]) == {FOUNDER}
    assert found("service", (each for each in (FOUNDER, STRANGER, PEER))) == {FOUNDER, STRANGER}
    assert found("service", []) == set()
    assert found("peer", [FOUNDER, PEER, STRANGER]) == set()
    with sessions.as_service() as session:
        assert set(session.scalars(consenting(DIRECTORY, [FOUNDER]))) == {FOUNDER}


def _views(connection: Connection, post: UUID = PUBLIC_POST) -> int | None:
    return connection.scalar(select(SocialFeedPost.view_count).where(SocialFeedPost.id == post))


def test_views_are_added_by_the_service_without_an_update_of_the_post(
    connection: Connection, sessions: SessionFactory
) -> None:
    (other,) = create_posts(connection, PEER, 1)
    stamp = select(SocialFeedPost.updated_at).where(SocialFeedPost.id == PUBLIC_POST)
    connection.execute(
        update(SocialFeedPost).values(content="Changed").where(SocialFeedPost.id == PUBLIC_POST)
    )
    before = connection.scalar(stamp)
    with sessions.as_service() as session:
        session.execute(count_views([PUBLIC_POST, other, PUBLIC_POST, STRANGER]))
        session.execute(count_views([PUBLIC_POST]))
        session.execute(count_views([]))
    assert (_views(connection), _views(connection, other)) == (3, 1)
    assert connection.scalar(stamp) == before


@pytest.mark.parametrize("persona", ["anon", "founder", "stranger"])
def test_client_counts_no_views(connection: Connection, persona: str) -> None:
    with (
        acting(connection, PERSONAS[persona]),
        pytest.raises(ProgrammingError, match="permission denied"),
        connection.begin_nested(),
    ):
        connection.execute(count_views([PUBLIC_POST]))


def test_views_counted_at_the_same_time_are_added(engine: Engine) -> None:
    with engine.begin() as connection:
        (author,) = create_accounts(connection, 1)
        posts = create_posts(connection, author, 3)

    def count_concurrently() -> None:
        with SessionFactory(engine).as_service() as session:
            session.execute(count_views(reversed(posts)))

    with ThreadPoolExecutor(1) as pool, engine.connect() as blocking:
        with acting(blocking, PERSONAS["service"]):
            blocking.execute(count_views(posts))
        waiting = pool.submit(count_concurrently)
        wait_for_a_lock(engine)
        blocking.commit()
        waiting.result()
        counts = blocking.scalars(select(SocialFeedPost.view_count)).all()
    assert counts == [2, 2, 2]


def test_consents_of_the_directory_are_hidden_from_others(connection: Connection) -> None:
    _consent(connection, FOUNDER)
    with acting(connection, PERSONAS["stranger"]):
        assert connection.execute(select(ConsentPreference.id)).all() == []
