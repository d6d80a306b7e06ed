"""Two people with rows in every table, and what each of them wrote about the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from townhall import (
    Campaign,
    Cohort,
    CohortMember,
    Community,
    CommunityMember,
    CommunityProfile,
    CommunityRole,
    ConsentCategory,
    ConsentPreference,
    EngagementStreak,
    Event,
    ExpertiseType,
    ExpertListing,
    FounderConnection,
    FounderMessage,
    InvestorReadinessScore,
    Milestone,
    Organization,
    OrganizationMember,
    OrganizationRole,
    Participant,
    ParticipantSession,
    ParticipantTrack,
    Profile,
    ReputationEvent,
    ReputationEventType,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
    SubcommunitySponsor,
    TableAssignment,
    TenantProfile,
    Track,
    UsageEvent,
    WizardSession,
)
from townhall.testing import create_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


@dataclass(frozen=True)
class Person:
    """A person, whose texts all hold the name.

    Attributes:
        number: A number from 1, in every key of the person's rows.
        name: A word that stands nowhere else.
    """

    number: int
    name: str

    @property
    def id(self) -> UUID:
        """The account."""
        return UUID(f"a{self.number:07}-0000-4000-8000-000000000000")

    @property
    def email(self) -> str:
        """The address of the account."""
        return f"{self.name.lower()}@people.example"

    @property
    def phone(self) -> str:
        """A phone number."""
        return f"+44 20 7946 000{self.number}"

    @property
    def traces(self) -> tuple[str, ...]:
        """What tells of the person, wherever it stands."""
        return self.name.lower(), self.phone, str(self.id)

    def key(self, number: int) -> UUID:
        """Return the key of a row of the person's."""
        return UUID(f"b{self.number:07}-0000-4000-8000-{number:012}")


ADA, BEN, HOST = Person(1, "Adalbertina"), Person(2, "Benvenuto"), Person(3, "Hostess")
"""Two people alike, and one who owns what they meet in."""

ORGANIZATION, EVENT, TRACK, COMMUNITY, COHORT, TENANT, CAMPAIGN = (
    HOST.key(number) for number in range(1, 8)
)
OTHER_EVENT, THIRD_EVENT = HOST.key(93), HOST.key(94)
GUEST = HOST.key(90)
"""A guest without an account, with Ada's address in capitals, whose seat has notes."""
GUEST_SESSION = HOST.key(91)
"""A guest's session without an account, with Ada's address."""
SHARED = HOST.key(92)
"""A guest of the other event with Ben's account and Ada's address."""


def settle(connection: Connection) -> None:
    """Insert the people and their rows."""
    for person in (ADA, BEN, HOST):
        create_account(connection, person.email, person.id)
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        for rows in (_places(), _of(ADA, BEN), _of(BEN, ADA), _guests()):
            for each in rows:
                session.add(each)
                session.flush()
        session.commit()
    # Ada's session changed a consent of Ben's.
    connection.execute(
        text(
            """
            update public.consent_audit_log
            set changed_by = :by, ip_address = :name, user_agent = :name
            where user_id in (:by, :of)
            """
        ),
        {"by": ADA.id, "of": BEN.id, "name": ADA.name},
    )


def _places() -> Iterator[Any]:
    yield Organization(id=ORGANIZATION, name="Hall", slug="hall")
    yield OrganizationMember(
        organization_id=ORGANIZATION, user_id=HOST.id, role=OrganizationRole.OWNER
    )
    yield Event(id=EVENT, organization_id=ORGANIZATION, name="Meeting")
    yield Event(id=OTHER_EVENT, organization_id=ORGANIZATION, name="Second meeting")
    yield Event(id=THIRD_EVENT, organization_id=ORGANIZATION, name="Third meeting")
    yield Track(id=TRACK, event_id=EVENT, name="Talks")
    yield Community(id=COMMUNITY, name="Founders", slug="founders", created_by=HOST.id)
    yield Cohort(id=COHORT, name="First")
    yield TenantProfile(id=TENANT, slug="coaches", display_name="Coaches", user_id=HOST.id)
    yield Campaign(id=CAMPAIGN, name="Assessment", tenant_id=TENANT, created_by=HOST.id)


def _of(person: Person, other: Person) -> Iterator[Any]:
    yield from _identity(person)
    yield from _events(person)
    yield from _community(person)
    yield from _feed(person, other)
    yield from _coaching(person)


def _identity(person: Person) -> Iterator[Any]:
    yield Profile(id=person.id, full_name=person.name, industry=f"{person.name} industry")
    own = person.key(1)
    yield Organization(id=own, name="Studio", slug=f"studio-{person.number}")
    for organization in (ORGANIZATION, own):
        yield OrganizationMember(
            organization_id=organization, user_id=person.id, role=OrganizationRole.OWNER
        )
    yield WizardSession(id=person.key(2), user_id=person.id, state={"host": person.name})


def _events(person: Person) -> Iterator[Any]:
    guest = person.key(10)
    yield Participant(
        id=guest,
        event_id=EVENT,
        user_id=person.id,
        first_name=person.name,
        last_name=f"{person.name}son",
        email=person.email,
        phone=person.phone,
    )
    yield ParticipantTrack(participant_id=guest, track_id=TRACK)
    yield TableAssignment(
        event_id=EVENT,
        participant_id=guest,
        table_number=person.number,
        notes=f"{person.name} is a vegetarian",
    )


def _community(person: Person) -> Iterator[Any]:
    own = person.key(20)
    yield Community(id=own, name="Club", slug=f"club-{person.number}", created_by=person.id)
    yield CommunityMember(community_id=COMMUNITY, user_id=person.id, role=CommunityRole.MEMBER)
    yield CommunityProfile(
        user_id=person.id,
        display_name=person.name,
        bio=f"I am {person.name}",
        achievements=[f"{person.name} award"],
    )
    yield ConsentPreference(user_id=person.id, category=ConsentCategory.DIRECTORY, enabled=True)
    yield CohortMember(cohort_id=COHORT, user_id=person.id)
    yield SubcommunitySponsor(
        community_id=COMMUNITY,
        sponsor_user_id=person.id,
        sponsor_name=f"{person.name} Ltd",
        sponsor_logo_url=f"https://example.org/{person.name}.png",
        sponsor_url=f"https://{person.name}.example",
    )
    yield ExpertListing(
        user_id=person.id,
        expertise_type=ExpertiseType.LEGAL,
        title=f"Ask {person.name}",
        description=f"{person.name} knows",
    )
    yield ReputationEvent(
        user_id=person.id,
        event_type=ReputationEventType.HELP_GIVEN,
        metadata_={"by": person.name},
    )
    yield EngagementStreak(user_id=person.id)
    yield InvestorReadinessScore(user_id=person.id, overall_score=50, breakdown={"of": person.name})


def _feed(person: Person, other: Person) -> Iterator[Any]:
    goal, post = f"goal-{person.number}", person.key(30)
    yield Milestone(id=goal, user_id=person.id, title=f"{person.name}'s goal")
    yield SocialFeedPost(
        id=post,
        author_id=person.id,
        content=f"{person.name} writes",
        milestone_id=goal,
        metadata_={"author": person.name},
    )
    for author in (person, other):
        comment = person.key(31 + author.number)
        yield SocialFeedComment(
            id=comment, post_id=post, author_id=author.id, content=f"{author.name} comments"
        )
        yield SocialFeedReaction(post_id=post, user_id=author.id)
    yield SocialFeedComment(
        post_id=post,
        author_id=other.id,
        parent_comment_id=person.key(31 + person.number),
        content=f"{other.name} answers",
    )
    yield FounderMessage(sender_id=person.id, recipient_id=other.id, content=f"From {person.name}")
    if person is ADA:
        yield FounderConnection(requester_id=person.id, recipient_id=other.id)
    yield FounderConnection(requester_id=person.id, recipient_id=HOST.id)


def _coaching(person: Person) -> Iterator[Any]:
    own = person.key(40)
    yield TenantProfile(
        id=own,
        slug=f"coach-{person.number}",
        display_name=f"Coach {person.name}",
        user_id=person.id,
        email_config={"replyTo": person.email, "fromName": person.name},
    )
    yield Campaign(id=person.key(41), name="Own", created_by=person.id)
    yield ParticipantSession(
        id=person.key(42),
        campaign_id=CAMPAIGN,
        user_id=person.id,
        stakeholder_name=person.name,
        stakeholder_email=person.email,
    )
    yield UsageEvent(
        tenant_id=TENANT,
        user_id=person.id,
        event_type="assessment",
        event_data={"name": person.name, "phones": [person.phone]},
    )
    yield ParticipantSession(
        campaign_id=CAMPAIGN, stakeholder_name="Client", stakeholder_email="client@example.org"
    )


def _guests() -> Iterator[Any]:
    yield Participant(
        id=GUEST,
        event_id=THIRD_EVENT,
        first_name=ADA.name,
        last_name="Guest",
        email=ADA.email.upper(),
        phone=ADA.phone,
    )
    yield TableAssignment(
        event_id=THIRD_EVENT, participant_id=GUEST, table_number=1, notes=f"beside {ADA.name}"
    )
    yield Participant(
        id=SHARED, event_id=OTHER_EVENT, user_id=BEN.id, first_name=BEN.name, email=ADA.email
    )
    yield ParticipantSession(
        id=GUEST_SESSION,
        campaign_id=CAMPAIGN,
        stakeholder_name=ADA.name,
        stakeholder_email=ADA.email,
    )
