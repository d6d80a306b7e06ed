"""What is read for a statement, when all that it does not ask for is four times as much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import ClauseElement, Connection, create_engine, insert, select, text, update

from tests.benchmarks.groups.reads_data import (
    BUSY_POST,
    COACH,
    EVENT,
    ORGANIZATION,
    ORGANIZER,
    READER,
    TENANT,
    fill,
    key,
)
from tests.support.many_founders import COHORT, COMMUNITY, add_founders
from tests.support.plans import Plan, plan_of
from townhall import (
    Cohort,
    CohortMember,
    Community,
    CommunityMember,
    ConsentAuditLog,
    ConsentPreference,
    FounderConnection,
    FounderMessage,
    Milestone,
    Organization,
    Participant,
    ParticipantSession,
    ParticipantTrack,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
    Track,
    TrackStatistics,
    UsageEvent,
    WizardSession,
)
from townhall.base import asking_for
from townhall.domains.coaching import newest_usage
from townhall.domains.community import (
    ConnectionStatus,
    consents_of,
    conversation,
    directory_page,
    feed_page,
)
from townhall.domains.events import participants_of, seating_plan, track_statistics_of
from townhall.domains.events.models import Event
from townhall.domains.wizard import current_session
from townhall.testing import acting
from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough

SMALL, LARGE = 8_000, 32_000
PAGE = [key(2, number) for number in range(0, 200, 10)]


class Read(NamedTuple):
    """A query of a user that asks for as many rows in either database."""

    reader: UUID
    query: ClauseElement


def _asked(table: type[Track | ParticipantTrack]) -> ClauseElement:
    return select(table).where(table.event_id == EVENT, asking_for(Event.id, EVENT))


FLAT: Mapping[str, Read] = {
    "newest comments of a post": Read(
        READER,
        select(SocialFeedComment)
        .where(SocialFeedComment.post_id == BUSY_POST)
        .order_by(SocialFeedComment.created_at.desc())
        .limit(50),
    ),
    "own reactions to a page": Read(
        READER,
        select(SocialFeedReaction).where(
            SocialFeedReaction.user_id == READER, SocialFeedReaction.post_id.in_(PAGE)
        ),
    ),
    "own reactions": Read(
        READER, select(SocialFeedReaction).where(SocialFeedReaction.user_id == READER)
    ),
    "a post with its counters": Read(
        READER, select(SocialFeedPost).where(SocialFeedPost.id == BUSY_POST)
    ),
    "a page of the feed": Read(READER, feed_page()),
    "the newest of the feed": Read(
        READER, select(SocialFeedPost).order_by(SocialFeedPost.created_at.desc()).limit(20)
    ),
    "a conversation": Read(READER, conversation(READER, key(1, 5))),
    "unread messages": Read(
        READER,
        select(FounderMessage.id)
        .where(FounderMessage.recipient_id == READER, ~FounderMessage.is_read)
        .limit(1),
    ),
    "participants of an event": Read(ORGANIZER, participants_of(EVENT)),
    "seats of an event": Read(ORGANIZER, seating_plan(EVENT)),
    "statistics of an event": Read(ORGANIZER, track_statistics_of(EVENT)),
    "participants of an event, without asking_for()": Read(
        ORGANIZER, select(Participant).where(Participant.event_id == EVENT)
    ),
    "statistics of an event, without asking_for()": Read(
        ORGANIZER, select(TrackStatistics).where(TrackStatistics.event_id == EVENT)
    ),
    "a new participant of an event": Read(
        ORGANIZER,
        insert(Participant).values(event_id=EVENT, first_name="A").returning(Participant.id),
    ),
    "changed participants of an event": Read(
        ORGANIZER,
        update(Participant)
        .where(Participant.event_id == EVENT)
        .values(first_name="A")
        .returning(Participant.id),
    ),
    "tracks of an event": Read(ORGANIZER, _asked(Track)),
    "placements of an event": Read(ORGANIZER, _asked(ParticipantTrack)),
    "newest usage": Read(COACH, newest_usage()),
    "newest usage of a tenant": Read(
        COACH,
        select(UsageEvent)
        .where(UsageEvent.tenant_id == TENANT)
        .order_by(UsageEvent.created_at.desc())
        .limit(50),
    ),
    "own sessions": Read(
        COACH, select(ParticipantSession).where(ParticipantSession.user_id == COACH)
    ),
    "a community by its key": Read(READER, select(Community).where(Community.id == COMMUNITY)),
    "members of a community": Read(
        READER, select(CommunityMember).where(CommunityMember.community_id == COMMUNITY)
    ),
    "a community of many by its key": Read(
        ORGANIZER, select(Community).where(Community.id == COMMUNITY)
    ),
    "members of a community of many": Read(
        ORGANIZER, select(CommunityMember).where(CommunityMember.community_id == COMMUNITY)
    ),
    "a cohort of many by its key": Read(ORGANIZER, select(Cohort).where(Cohort.id == COHORT)),
    "members of a cohort of many": Read(
        ORGANIZER, select(CohortMember).where(CohortMember.cohort_id == COHORT)
    ),
    "an organization of many by its key": Read(
        ORGANIZER, select(Organization).where(Organization.id == ORGANIZATION)
    ),
    "an event of many by its key": Read(ORGANIZER, select(Event).where(Event.id == EVENT)),
    "own memberships": Read(
        READER, select(CommunityMember).where(CommunityMember.user_id == READER)
    ),
    "own cohorts": Read(READER, select(Cohort)),
    "members of a cohort": Read(
        READER, select(CohortMember).where(CohortMember.cohort_id == COHORT)
    ),
    "own connections": Read(READER, select(FounderConnection)),
    "requests to the caller": Read(
        READER,
        select(FounderConnection).where(
            FounderConnection.recipient_id == READER,
            FounderConnection.status == ConnectionStatus.PENDING,
        ),
    ),
    "a page of the directory": Read(READER, directory_page()),
    "own consents": Read(READER, consents_of(READER)),
    "answers to requests for consent": Read(
        READER, select(ConsentAuditLog).order_by(ConsentAuditLog.changed_at.desc())
    ),
    "consents without a condition": Read(READER, select(ConsentPreference)),
    "own milestones": Read(READER, select(Milestone)),
    "own sessions of the wizard": Read(READER, select(WizardSession)),
    "session of the wizard in progress": Read(READER, current_session(READER)),
}
"""Each costs the same, however many rows others have, and whatever the caller belongs to."""

GROWING: Mapping[str, Read] = {
    "all comments of a post": Read(
        READER, select(SocialFeedComment).where(SocialFeedComment.post_id == BUSY_POST)
    ),
    "all comments of a post, by asking_for()": Read(
        READER,
        select(SocialFeedComment).where(
            SocialFeedComment.post_id == BUSY_POST, asking_for(SocialFeedPost.id, BUSY_POST)
        ),
    ),
}
"""Each costs as much as it returns rows."""


@contextmanager
def _filled(databases: Databases, template: str, rows: int) -> Iterator[Connection]:
    with databases.create(template) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            fill(connection, rows)
            add_founders(connection, rows // 100)
            for each in _ALL_OF_EACH if rows == LARGE else _ONE_OF_EACH:
                connection.execute(text(each), {"user": ORGANIZER})
        with engine.connect() as connection:
            vacuuming = connection.execution_options(isolation_level="AUTOCOMMIT")
            vacuuming.execute(text("vacuum analyze"))
        with engine.connect() as connection:
            # The tables are so small that a scan of all of one is sometimes cheaper.
            connection.execute(text("set enable_seqscan = off"))
            connection.commit()
            yield connection
        engine.dispose()


_OF_COMMUNITIES = """
    insert into public.community_members (community_id, user_id)
    select c.id, :user from public.communities as c where {condition}
    on conflict do nothing
"""
_OF_COHORTS = """
    insert into public.cohort_members (cohort_id, user_id)
    select c.id, :user from public.cohorts as c where {condition}
    on conflict do nothing
"""
_OF_ORGANIZATIONS = """
    insert into public.organization_members (organization_id, user_id, role)
    select o.id, :user, 'viewer' from public.organizations as o
    on conflict do nothing
"""
_ONE_OF_EACH = (
    _OF_COMMUNITIES.format(condition=f"c.id = '{COMMUNITY}'"),
    _OF_COHORTS.format(condition=f"c.id = '{COHORT}'"),
)
_ALL_OF_EACH = (
    _OF_COMMUNITIES.format(condition="true"),
    _OF_COHORTS.format(condition="true"),
    _OF_ORGANIZATIONS,
)
"""More than four times as many groups of the organizer."""


def _read(connection: Connection, read: Read) -> Plan:
    with acting(connection, "authenticated", read.reader):
        plan_of(connection, read.query, run=True)  # what is cached is read from catalogs before
        plan = plan_of(connection, read.query, run=True)
    connection.rollback()  # what was asked for holds until then
    return plan


def _grows(small: Plan, large: Plan) -> bool:
    """Tell whether it reads more than another order of joins and a higher index explain."""
    return large.buffers > 2.5 * small.buffers + 10 or large.most_rows > 2.5 * small.most_rows + 10


def test_query_reads_no_more_when_there_is_more_that_it_does_not_ask_for(
    townhall_databases: Databases, townhall_template: str
) -> None:
    with ExitStack() as stack:
        connections = [
            stack.enter_context(_filled(townhall_databases, townhall_template, rows))
            for rows in (SMALL, LARGE)
        ]
        growing = set()
        for name, read in {**FLAT, **GROWING}.items():
            small, large = (_read(each, read) for each in connections)
            assert small.root["Actual Rows"] > 0
            if _grows(small, large):
                growing.add(name)
            elif name in FLAT:
                assert large.root["Actual Rows"] == small.root["Actual Rows"]
    assert growing == GROWING.keys()
