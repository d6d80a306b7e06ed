"""Two hundred founders sign up, consent or not, and talk; print what one of them can read.

    python docs/examples/community/grow_community.py

It works on the database that ``DATABASE_URL`` names, or on the embedded one, which it upgrades to
the newest revision first. Run again, it deletes the accounts of the previous run first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from sqlalchemy import Engine, create_engine, delete, select, update
from sqlalchemy.orm import Session

from townhall import (
    BenchmarkStageAggregate,
    CommunityProfile,
    ConnectionStatus,
    ConsentAuditLog,
    ConsentCategory,
    ExpertiseType,
    ExpertListing,
    FounderConnection,
    FounderMessage,
    InvestorReadinessScore,
    PostType,
    Profile,
    ReactionType,
    SessionFactory,
    SocialFeedComment,
    SocialFeedPost,
    SocialFeedReaction,
    User,
)
from townhall.domains.community import (
    block_founder,
    consents_of,
    conversation,
    feed_page,
    mark_messages_read,
    refresh_benchmarks,
    set_consent,
)
from townhall.migrate import resolve_url, upgrade

STAGES = ("idea",) * 80 + ("seed",) * 70 + ("series a",) * 41 + ("growth",) * 9
INDUSTRIES = ("health", "food", "climate")
BROWSER = {"x-forwarded-for": "203.0.113.7, 198.51.100.2", "user-agent": "Firefox"}


@dataclass(frozen=True)
class Founder:
    """One of the founders.

    Attributes:
        number: The number of the founder, from 1.
        account: The key of the account.
        stage: The stage of the company.
    """

    number: int
    account: UUID
    stage: str

    @property
    def name(self) -> str:
        """The founder's name in the community."""
        return f"Founder {self.number}"


def main() -> None:
    """Fill the community, and print what a founder can read of it."""
    url = resolve_url()
    upgrade(url)
    engine = create_engine(url)
    try:
        show(engine)
    finally:
        engine.dispose()


def show(engine: Engine) -> None:
    """Sign the founders up, let them talk, and print the result."""
    sessions = SessionFactory(engine)
    founders = sign_up(engine)
    introduce(sessions, founders)
    talk(sessions, founders)
    print(f"{len(founders)} founders signed up")
    print_what_is_seen(sessions, founders[0], founders)
    benchmarks_grow(sessions, founders)
    one_withdraws(sessions, founders[9])


def sign_up(engine: Engine) -> list[Founder]:
    """Return the founders with new accounts. In production the sign-up service creates them."""
    addresses = [f"founder-{number:03}@example.org" for number in range(1, len(STAGES) + 1)]
    with Session(engine) as session:
        session.execute(delete(User).where(User.email.in_(addresses)))
        users = [User(email=address) for address in addresses]
        session.add_all(users)
        session.commit()
        return [
            Founder(number, user.id, stage)
            for number, (user, stage) in enumerate(zip(users, STAGES, strict=True), start=1)
        ]


def introduce(sessions: SessionFactory, founders: Sequence[Founder]) -> None:
    """Insert the profile and the consents of each founder, and a score for three of four."""
    for founder in founders:
        industry = INDUSTRIES[founder.number % len(INDUSTRIES)]
        with sessions.as_user(founder.account, request_headers=BROWSER) as session:
            session.add(Profile(id=founder.account, stage=founder.stage, industry=industry))
            session.add(CommunityProfile(user_id=founder.account, display_name=founder.name))
            for category in ConsentCategory:
                session.execute(set_consent(founder.account, category, agrees(founder, category)))
            if founder.number % 20 == 0:
                session.add(
                    ExpertListing(
                        user_id=founder.account,
                        expertise_type=ExpertiseType.FUNDRAISING,
                        title="Your first round",
                        description="An hour on what investors ask.",
                    )
                )
    with sessions.as_service() as session:
        session.add_all(
            InvestorReadinessScore(
                user_id=founder.account, overall_score=40 + founder.number * 7 % 60
            )
            for founder in founders
            if founder.number % 4
        )


def agrees(founder: Founder, category: ConsentCategory) -> bool:
    """Tell whether a founder consents; at the stage "growth" only four do at first."""
    if category is ConsentCategory.BENCHMARKS and founder.stage == "growth":
        return founder.number > len(STAGES) - 4
    return (founder.number + len(category)) % 3 != 0


def talk(sessions: SessionFactory, founders: Sequence[Founder]) -> None:
    """Let them post, react, comment, connect and write to each other."""
    posts = [post(sessions, founder) for founder in founders[::20]]
    for founder in founders:
        with sessions.as_user(founder.account) as session:
            seen = posts[founder.number % len(posts)]
            session.add(
                SocialFeedReaction(
                    post_id=seen,
                    user_id=founder.account,
                    reaction_type=list(ReactionType)[founder.number % len(ReactionType)],
                )
            )
            if founder.number % 10 == 0:
                session.add(
                    SocialFeedComment(post_id=seen, author_id=founder.account, content="Well done!")
                )
    for founder, other in pairwise(founders[:21]):
        connect(sessions, founder, other)


def post(sessions: SessionFactory, founder: Founder) -> UUID:
    """Insert a private and a public post of a founder; return the public one."""
    with sessions.as_user(founder.account) as session:
        session.add(
            SocialFeedPost(
                author_id=founder.account,
                post_type=PostType.UPDATE,
                title=f"{founder.name}'s own note",
                content="Call the bank.",
                is_public=False,
            )
        )
    with sessions.as_user(founder.account) as session:
        public = SocialFeedPost(
            author_id=founder.account, title=f"{founder.name} has a customer", content="The first!"
        )
        session.add(public)
        session.flush()
        return public.id


def connect(sessions: SessionFactory, founder: Founder, other: Founder) -> None:
    """Request a connection and send a message; every third founder is blocked for it."""
    with sessions.as_user(founder.account) as session:
        session.add(FounderConnection(requester_id=founder.account, recipient_id=other.account))
        session.add(
            FounderMessage(sender_id=founder.account, recipient_id=other.account, content="Coffee?")
        )
    with sessions.as_user(other.account) as session:
        if founder.number % 3 == 0:
            session.execute(block_founder(founder.account))
            return
        asked = session.scalars(select(FounderConnection.id)).all()
        session.execute(
            update(FounderConnection)
            .where(
                FounderConnection.id.in_(asked), FounderConnection.requester_id == founder.account
            )
            .values(status=ConnectionStatus.ACCEPTED)
        )
        unread = session.scalars(conversation(other.account, founder.account)).all()
        session.execute(mark_messages_read(message.id for message in unread))
        session.add(
            FounderMessage(
                sender_id=other.account, recipient_id=founder.account, content="With pleasure."
            )
        )


def print_what_is_seen(
    sessions: SessionFactory, founder: Founder, founders: Sequence[Founder]
) -> None:
    """Print what a founder can read of the feed, connections, messages and consents."""
    names = {each.account: each.name for each in founders}
    with sessions.as_user(founder.account) as session:
        print(f"\n{founder.name} reads the feed")
        after, page = None, 0
        while posts := session.scalars(feed_page(after, limit=6)).all():
            after, page = posts[-1].position, page + 1
            for each in posts:
                print(
                    f"  page {page}: {each.title}{'' if each.is_public else ' (private)'},"
                    f" {each.reaction_count} reactions, {each.comment_count} comments"
                )
        print("of connections")
        for connection in session.scalars(select(FounderConnection)):
            print(f"  {names[connection.recipient_id]}: {connection.status}")
        print("of messages")
        for message in session.scalars(conversation(founder.account, founders[1].account)):
            read = "read" if message.is_read else "not read"
            print(f"  {names[message.sender_id]}: {message.content} ({read})")
        print("and of consents, which are theirs alone")
        for consent in session.scalars(consents_of(founder.account)):
            print(f"  {consent.category}: {'yes' if consent.enabled else 'no'}")
        others = sum(len(session.scalars(consents_of(each.account)).all()) for each in founders[1:])
        print(f"  {others} of the others'")


def benchmarks_grow(sessions: SessionFactory, founders: Sequence[Founder]) -> None:
    """Print the benchmark before and after five more founders consent."""
    waiting = [
        founder
        for founder in founders
        if founder.stage == "growth" and not agrees(founder, ConsentCategory.BENCHMARKS)
    ]
    print_benchmarks(sessions, founders[0], "The benchmark")
    for founder in waiting:
        with sessions.as_user(founder.account, request_headers=BROWSER) as session:
            session.execute(set_consent(founder.account, ConsentCategory.BENCHMARKS, enabled=True))
    title = f"The benchmark after {len(waiting)} more agree"
    print_benchmarks(sessions, founders[0], title)


def print_benchmarks(sessions: SessionFactory, founder: Founder, title: str) -> None:
    """Refresh the benchmark as the service, and print it as a founder."""
    with sessions.as_service() as session:
        session.execute(refresh_benchmarks())
    print(f"\n{title}")
    with sessions.as_user(founder.account) as session:
        stages = select(BenchmarkStageAggregate).order_by(BenchmarkStageAggregate.stage)
        for group in session.scalars(stages):
            print(
                f"  {group.stage}: {group.founder_count} founders,"
                f" {group.avg_irs_score} on average, {group.median_irs_score} in the middle"
            )


def one_withdraws(sessions: SessionFactory, founder: Founder) -> None:
    """Withdraw a founder's consent, and print its audit trail."""
    with sessions.as_user(founder.account, request_headers={"user-agent": "Phone"}) as session:
        session.execute(set_consent(founder.account, ConsentCategory.BENCHMARKS, enabled=False))
    print(f"\n{founder.name} takes a consent back, which leaves")
    with sessions.as_user(founder.account) as session:
        trail = select(ConsentAuditLog).order_by(ConsentAuditLog.changed_at)
        for change in session.scalars(trail):
            print(
                f"  {change.category}: {word(change.previous_value)} to {word(change.new_value)},"
                f" by {change.user_agent} from {change.ip_address or 'nowhere known'}"
            )


def word(agreed: bool) -> str:  # noqa: FBT001  the value itself
    """Return a consent as a word."""
    return "yes" if agreed else "no"


if __name__ == "__main__":
    main()
