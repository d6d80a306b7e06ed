"""Communities below others: who puts them there, how deep, and what is below a private one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Executable, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.community.data import (
    FOUNDER,
    MODERATOR,
    PEER,
    PERSONAS,
    PRIVATE_COMMUNITY,
    PUBLIC_COMMUNITY,
    STRANGER,
    insert_community,
)
from tests.support.blocked import wait_for_a_lock
from townhall import Community, CommunityMember, CommunityRole
from townhall.testing import Outcome, acting, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

MOST = 5


def _create(
    connection: Connection,
    parent: UUID | None = None,
    creator: UUID = FOUNDER,
    *,
    is_private: bool = False,
) -> UUID:
    key = uuid4()
    connection.execute(
        insert(Community).values(
            id=key,
            name="Some",
            slug=str(key),
            created_by=creator,
            parent_community_id=parent,
            is_private=is_private,
        )
    )
    return key


def _chain(connection: Connection, length: int, top: UUID | None = None) -> list[UUID]:
    """Create communities each below the one before, and return their keys from the top."""
    keys: list[UUID] = []
    for _ in range(length):
        keys.append(_create(connection, keys[-1] if keys else top))
    return keys


def _move(community: UUID, parent: UUID | None) -> Executable:
    return update(Community).where(Community.id == community).values(parent_community_id=parent)


def _set_private(*communities: UUID, is_private: bool = True) -> Executable:
    return update(Community).where(Community.id.in_(communities)).values(is_private=is_private)


def _refused(connection: Connection, statement: Executable, match: str) -> None:
    with pytest.raises(IntegrityError, match=match), connection.begin_nested():
        connection.execute(statement)


def _parent(connection: Connection, community: UUID) -> UUID | None:
    return connection.scalar(select(Community.parent_community_id).where(Community.id == community))


def test_owner_puts_communities_below_their_own_on_five_levels(connection: Connection) -> None:
    with acting(connection, PERSONAS["founder"]):
        chain = _chain(connection, MOST)
        with pytest.raises(IntegrityError, match="at most 5 levels"), connection.begin_nested():
            _create(connection, chain[-1])


@pytest.mark.parametrize("persona", ["founder", "service"])
@pytest.mark.parametrize(("above", "below"), [(1, 5), (2, 4), (3, 3), (5, 1)])
def test_move_of_a_community_with_others_below_it_is_refused_on_a_level_too_many(
    connection: Connection, persona: str, above: int, below: int
) -> None:
    upper, lower = _chain(connection, above), _chain(connection, below)
    with acting(connection, PERSONAS[persona]):
        _refused(connection, _move(lower[0], upper[-1]), "at most 5 levels")
        if above > 1:
            connection.execute(_move(lower[0], upper[-2]))
            assert _parent(connection, lower[0]) == upper[-2]


@pytest.mark.parametrize("persona", ["founder", "service"])
@pytest.mark.parametrize("length", [2, 3, 5])
def test_cycle_is_refused(connection: Connection, persona: str, length: int) -> None:
    chain = _chain(connection, length)
    with acting(connection, PERSONAS[persona]):
        _refused(connection, _move(chain[0], chain[-1]), "can not be below itself")
        _refused(connection, _move(chain[0], chain[0]), "ck_communities_parent_is_another")
    both = text(
        """
        update public.communities
        set parent_community_id = case id when :one then cast(:other as uuid) else :one end
        where id in (:one, :other)
        """
    ).bindparams(one=_create(connection), other=_create(connection))
    with acting(connection, PERSONAS["service"]):
        _refused(connection, both, "can not be below itself")


def test_levels_turned_over_in_one_statement_are_allowed(connection: Connection) -> None:
    upper, lower = _chain(connection, 2)
    turn = text(
        """
        update public.communities
        set parent_community_id = case id when :upper then cast(:lower as uuid) end
        where id in (:upper, :lower)
        """
    ).bindparams(upper=upper, lower=lower)
    with acting(connection, PERSONAS["founder"]):
        connection.execute(turn)
    assert _parent(connection, upper) == lower
    assert _parent(connection, lower) is None


@pytest.mark.parametrize(
    ("role", "is_allowed"),
    [
        (CommunityRole.OWNER, True),
        (CommunityRole.MODERATOR, True),
        (CommunityRole.MEMBER, False),
        (None, False),
    ],
)
def test_only_owners_and_moderators_of_a_community_put_others_below_it(
    connection: Connection, role: CommunityRole | None, *, is_allowed: bool
) -> None:
    if role is not None:
        connection.execute(
            insert(CommunityMember).values(
                community_id=PUBLIC_COMMUNITY, user_id=STRANGER, role=role
            )
        )
    with acting(connection, PERSONAS["stranger"]):
        own = _create(connection, creator=STRANGER)
        create = insert(Community).values(
            name="New", slug="new", created_by=STRANGER, parent_community_id=PUBLIC_COMMUNITY
        )
        refused: tuple[Outcome, Outcome] = (Outcome.VIOLATES_POLICY, Outcome.REFUSED)
        allowed = (Outcome.ALLOWED, Outcome.ALLOWED)
        found = (outcome(connection, create), outcome(connection, _move(own, PUBLIC_COMMUNITY)))
        assert found == (allowed if is_allowed else refused)
        # Where it is, everything else of it can be changed, and it can leave.
        connection.execute(update(Community).where(Community.id == own).values(name="Renamed"))
        connection.execute(_move(own, None))


def test_moderator_of_a_parent_moves_no_community_of_others(connection: Connection) -> None:
    with acting(connection, PERSONAS["moderator"]):
        for parent in (PRIVATE_COMMUNITY, None):
            assert outcome(connection, _move(PUBLIC_COMMUNITY, parent)) is Outcome.NO_ROWS
        below = insert(Community).values(
            name="New",
            slug="new",
            created_by=MODERATOR,
            parent_community_id=PRIVATE_COMMUNITY,
            is_private=True,
        )
        assert outcome(connection, below) is Outcome.ALLOWED


def test_owner_keeps_a_community_where_another_put_it(connection: Connection) -> None:
    below = _create(connection, PRIVATE_COMMUNITY, PEER, is_private=True)
    with acting(connection, PERSONAS["peer"]):  # no moderator of the community above
        same = update(Community).where(Community.id == below)
        unchanged = same.values(name="Renamed", parent_community_id=PRIVATE_COMMUNITY)
        assert outcome(connection, unchanged) is Outcome.ALLOWED


@pytest.mark.parametrize("persona", ["founder", "service"])
def test_below_a_private_community_are_only_private_ones(
    connection: Connection, persona: str
) -> None:
    with acting(connection, PERSONAS[persona]):
        with pytest.raises(IntegrityError, match="below a private one"), connection.begin_nested():
            _create(connection, PRIVATE_COMMUNITY)
        below = _create(connection, PRIVATE_COMMUNITY, is_private=True)
        _refused(connection, _set_private(below, is_private=False), "below a private one")
        public = _create(connection)
        _refused(connection, _move(public, PRIVATE_COMMUNITY), "below a private one")
        _refused(connection, _move(public, below), "below a private one")


@pytest.mark.parametrize("persona", ["founder", "service"])
def test_community_with_public_ones_below_it_becomes_private_only_with_them(
    connection: Connection, persona: str
) -> None:
    chain = _chain(connection, 3)
    with acting(connection, PERSONAS[persona]):
        for too_few in (chain[:1], chain[:2]):
            _refused(connection, _set_private(*too_few), "public ones below it")
        connection.execute(_set_private(*chain))
        for too_few in (chain[-1:], chain[-2:]):
            _refused(connection, _set_private(*too_few, is_private=False), "below a private one")
        connection.execute(_set_private(*chain, is_private=False))
        connection.execute(_set_private(chain[-1]))


def _race(
    engine: Engine, first: Callable[[Connection], object], second: Callable[[Connection], object]
) -> None:
    """Run a change while another is not committed yet, and refuse the later one."""

    def later() -> None:
        with engine.begin() as connection, acting(connection, PERSONAS["founder"]):
            second(connection)

    with ThreadPoolExecutor(1) as pool, engine.connect() as blocking:
        with acting(blocking, PERSONAS["founder"]):
            first(blocking)
        waiting = pool.submit(later)
        wait_for_a_lock(engine)
        blocking.commit()
        with pytest.raises(DBAPIError, match=r"levels|below itself|private|deadlock"):
            waiting.result()


def test_changes_at_the_same_time_do_not_get_around_the_rules(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_community(connection)
        one, other, parent = (_create(connection) for _ in range(3))
        chain = _chain(connection, 4)
    _race(engine, lambda c: c.execute(_move(one, other)), lambda c: c.execute(_move(other, one)))
    _race(engine, lambda c: c.execute(_set_private(parent)), lambda c: _create(c, parent))
    _race(engine, lambda c: c.execute(_move(chain[0], other)), lambda c: _create(c, chain[-1]))
    public = _create_committed(engine)
    _race(engine, lambda c: _create(c, public), lambda c: c.execute(_set_private(public)))
    with engine.connect() as connection:
        cycles = text(
            """
            with recursive above (id, parent, level) as (
                select id, parent_community_id, 1 from public.communities
                union all
                select a.id, c.parent_community_id, a.level + 1
                from above as a join public.communities as c on c.id = a.parent
                where a.level < 10
            )
            select max(level) from above
            """
        )
        assert connection.scalar(cycles) == MOST


def _create_committed(engine: Engine) -> UUID:
    with engine.begin() as connection:
        return _create(connection)
