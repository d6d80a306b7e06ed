"""A program that uses every public name, for the type checkers in their strict modes.

It is checked and not run: what it declares is what an editor is to tell of each name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_type
from uuid import UUID

from sqlalchemy import Engine, MetaData, Select, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Session

import townhall
from townhall.domains.coaching import tenant_by_slug, usage_summary
from townhall.domains.community import benchmarks_age, consents_of, directory_page, feed_page
from townhall.domains.events import participants_of, seating_plan, track_statistics_of
from townhall.domains.wizard import current_session
from townhall.errors import Explanation, Kind, explain
from townhall.people import Erasure
from townhall.pg.access import Declaration
from townhall.testing import Outcome, acting, outcome
from townhall.types import JsonValue

MODELS: Sequence[type[DeclarativeBase]] = (
    townhall.Base,
    townhall.BenchmarkIndustryAggregate,
    townhall.BenchmarkStageAggregate,
    townhall.Campaign,
    townhall.Cohort,
    townhall.CohortMember,
    townhall.Community,
    townhall.CommunityMember,
    townhall.CommunityProfile,
    townhall.ConsentAuditLog,
    townhall.ConsentPreference,
    townhall.EngagementStreak,
    townhall.Event,
    townhall.ExpertListing,
    townhall.FounderConnection,
    townhall.FounderMessage,
    townhall.InvestorReadinessScore,
    townhall.Milestone,
    townhall.Organization,
    townhall.OrganizationMember,
    townhall.Participant,
    townhall.ParticipantSession,
    townhall.ParticipantTrack,
    townhall.Profile,
    townhall.ReputationEvent,
    townhall.SocialFeedComment,
    townhall.SocialFeedPost,
    townhall.SocialFeedReaction,
    townhall.SubcommunitySponsor,
    townhall.TableAssignment,
    townhall.TenantProfile,
    townhall.Track,
    townhall.TrackStatistics,
    townhall.UsageEvent,
    townhall.User,
    townhall.WizardSession,
)
VOCABULARIES: Sequence[type[StrEnum]] = (
    townhall.AssignedBy,
    townhall.CampaignStatus,
    townhall.ClientStatus,
    townhall.CohortRole,
    townhall.CohortStatus,
    townhall.CohortType,
    townhall.CommunityRole,
    townhall.ConnectionSource,
    townhall.ConnectionStatus,
    townhall.ConsentCategory,
    townhall.EventStatus,
    townhall.ExpertiseType,
    townhall.MilestoneStatus,
    townhall.OrganizationRole,
    townhall.ParticipantStatus,
    townhall.PostType,
    townhall.ReactionType,
    townhall.ReputationEventType,
    townhall.SessionStatus,
    townhall.WizardStatus,
)
SHAPES: Sequence[type[JsonValue]] = (
    townhall.BrandColors,
    townhall.BrandConfig,
    townhall.BrandFonts,
    townhall.BrandLogo,
    townhall.EmailConfig,
    townhall.VisibilitySettings,
)
FAILURES: Sequence[type[Exception]] = (
    townhall.ActorError,
    townhall.NotPermitted,
    townhall.ReadOnlyError,
    townhall.RoleNotGranted,
    townhall.StaleDocument,
)
METADATA: MetaData = townhall.metadata
ENTITIES: Sequence[Declaration] = townhall.entities


def rows_have_the_types_of_their_columns(session: Session, event_id: UUID) -> None:
    event = session.get_one(townhall.Event, event_id)
    assert_type(event.name, str)
    assert_type(event.starts_at, datetime | None)
    assert_type(event.status, townhall.EventStatus)
    assert_type([each.first_name for each in event.participants], list[str | None])
    assert_type(session.scalars(select(townhall.Event)).all(), Sequence[townhall.Event])
    named = session.execute(select(townhall.Event.id, townhall.Event.name)).one()
    assert_type(named.t[0], UUID)


def statements_have_the_types_of_their_rows(user_id: UUID) -> None:
    assert_type(seating_plan(user_id), Select[townhall.TableAssignment])
    assert_type(track_statistics_of(user_id), Select[townhall.TrackStatistics])
    assert_type(participants_of(user_id), Select[townhall.Participant])
    assert_type(consents_of(user_id), Select[townhall.ConsentPreference])
    assert_type(feed_page(), Select[townhall.SocialFeedPost])
    assert_type(tenant_by_slug("leading"), Select[townhall.TenantProfile])
    assert_type(current_session(), Select[townhall.WizardSession])


def rows_of_functions_have_types(session: Session, month: datetime) -> None:
    page = session.execute(directory_page()).one()
    assert_type(page.t[1], str | None)
    age = session.execute(benchmarks_age()).one()
    assert_type(age.t[2], timedelta | None)
    usage = session.execute(usage_summary(month.date())).one()
    assert_type(usage.t[3], int)


def people_act(engine: Engine, user_id: UUID) -> Explanation | None:
    sessions = townhall.SessionFactory(engine)
    try:
        with sessions.as_user(user_id) as session:
            assert_type(session, Session)
        with sessions.acting(townhall.Actor.service()) as service:
            assert_type(townhall.erase_person(service, user_id), Erasure)
            for table in townhall.export_person(service, user_id):
                assert isinstance(table, str)
        with Session(engine) as own:
            townhall.act_as(own, townhall.Actor.anonymous())
    except townhall.NotPermitted as refused:
        return explain(refused)
    return None


async def people_act_under_asyncio(engine: AsyncEngine, user_id: UUID) -> None:
    async with townhall.AsyncSessionFactory(engine).as_user(user_id) as session:
        assert_type(session, AsyncSession)


def outcomes_are_told(engine: Engine) -> None:
    with engine.connect() as connection, acting(connection, townhall.Actor.anonymous()):
        assert_type(outcome(connection, "select 1"), Outcome)


def texts_have_types(host: str, value: townhall.Unreadable) -> None:
    assert_type(townhall.canonical_domain(host), str)
    assert_type(Kind.DENIED.http_status, int)
    print(value, townhall.PRODUCT)  # noqa: T201 - used
