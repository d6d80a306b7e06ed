"""What an insert is by hand: what policies check and triggers set, in one statement of the owner.

It is the least that does the same work, so that what policies and triggers add is a figure of its
own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_ACCOUNT = """(
        select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'is_anonymous'
    ) is distinct from 'true'"""
_CALLER = "(select auth.uid())"


@dataclass(frozen=True)
class ByHand:
    """The part of a statement that a policy and triggers have otherwise.

    Attributes:
        condition: What the policy checks of the row ``v``.
        values: What triggers set, by column.
        join: A table that both refer to.
        counter: A counter of posts, each of which gets one row.
    """

    condition: str
    values: Mapping[str, str] = field(default_factory=dict)
    join: str = ""
    counter: str | None = None

    def statement(self, table: str, columns: Sequence[str], source: str) -> str:
        """Return the statement.

        Args:
            table: The table.
            columns: The columns that are written.
            source: What the rows are selected from, with the alias ``v``.
        """
        selected = ", ".join(self.values.get(name, f"v.{name}") for name in columns)
        insert = f"""
            insert into public.{table} ({", ".join(columns)})
            select {selected}
            from {source} {self.join}
            where {self.condition} and {_ACCOUNT}
        """
        return insert if self.counter is None else self._counted(insert)

    def _counted(self, insert: str) -> str:
        return f"""
            with written as ({insert} returning post_id)
            update public.social_feed_posts as p
            set {self.counter} = p.{self.counter} + 1
            from written as w
            where p.id = w.post_id
        """


def managed(event_id: str) -> str:
    """Return the condition that the caller manages an event."""
    return f"""exists (
        select
        from public.events as e
        join public.organization_members as m on m.organization_id = e.organization_id
        where e.id = {event_id} and m.user_id = {_CALLER} and m.role in ('owner', 'manager')
    )"""


def _unblocked(user: str) -> str:
    return " and ".join(
        f"""not exists (
            select
            from public.founder_connections as c
            where c.{one} = {_CALLER} and c.{other} = {user} and c.status = 'blocked'
        )"""
        for one, other in (("requester_id", "recipient_id"), ("recipient_id", "requester_id"))
    )


def _of_post(writer: str, counter: str) -> ByHand:
    return ByHand(
        f"""v.{writer} = {_CALLER} and exists (
            select
            from public.social_feed_posts as p
            where p.id = v.post_id
                and (p.is_public or p.author_id = {_CALLER})
                and {_unblocked("p.author_id")}
        )""",
        counter=counter,
    )


PARTICIPANTS = ByHand(managed("v.event_id"))
WITHOUT_ANSWER = ByHand(
    managed("v.event_id"),
    values={
        "networking_opt_in": """coalesce(
            (
                select e.settings -> 'default_networking_opt_in' = 'true'
                from public.events as e
                where e.id = v.event_id
            ),
            false
        )"""
    },
)
PLACEMENTS = ByHand(
    managed("p.event_id"),
    values={"event_id": "p.event_id"},
    join="join public.participants as p on p.id = v.participant_id",
)
POSTS = ByHand(f"v.author_id = {_CALLER}")
REACTIONS = _of_post("user_id", "reaction_count")
COMMENTS = _of_post("author_id", "comment_count")
MESSAGES = ByHand(
    f"""v.sender_id = {_CALLER}
    and v.recipient_id <> v.sender_id
    and {_unblocked("v.recipient_id")}"""
)
