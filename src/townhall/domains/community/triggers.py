"""The triggers of the community: counters of posts, the audit of consents, timestamps.

The functions that count and audit run with their owner's rights: a reaction changes the counter of
a post that its author alone may update, clients may not write the audit, and accounts are deleted
by a role without privileges on these tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sqlalchemy import Table

from townhall.base import is_read_only
from townhall.domains.community.models import SocialFeedPost
from townhall.domains.identity.triggers import updated_at_trigger
from townhall.pg import SAFE_SEARCH_PATH, Entity, Function, Trigger
from townhall.pg.trigger import Event

_ROW_EVENTS: tuple[Event, ...] = ("insert", "update", "delete")


def counter(column: str, counted: str) -> Iterable[Entity]:
    """Yield the triggers that keep a counter of ``social_feed_posts`` equal to the counted rows.

    A statement costs one update per post, regardless of the number of rows that it inserts,
    deletes or moves. Posts are locked in the order of their keys, which prevents deadlocks between
    two statements. Locking and updating are two statements: the snapshot of the second is taken
    after the locks are granted, so that it updates the latest version of each row. A post that is
    being deleted is not found, and not updated.

    Args:
        column: The counter.
        counted: The table whose rows are counted, by their column ``post_id``.
    """
    keep, reset = _keep_counter(column, counted), _reset_counter(column, counted)
    yield keep
    yield reset
    # PostgreSQL allows a trigger with transition tables one event, and no list of columns.
    for event in _ROW_EVENTS:
        yield Trigger(
            table=counted,
            name=f"{keep.name}_on_{event}",
            timing="after",
            events=(event,),
            level="statement",
            old_table=None if event == "insert" else "removed",
            new_table=None if event == "delete" else "added",
            function=f"{keep.schema}.{keep.name}",
            comment=f"Maintains {column} of social_feed_posts.",
        )
    yield Trigger(
        table=counted,
        name=f"{reset.name}_on_truncate",
        timing="after",
        events=("truncate",),
        level="statement",
        function=f"{reset.schema}.{reset.name}",
        comment=f"Maintains {column} of social_feed_posts.",
    )


def _keep_counter(column: str, counted: str) -> Function:
    return Function(
        schema="private",
        name=f"keep_{column}",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=f"""
            declare
                added_to uuid[];
                removed_from uuid[];
                posts uuid[];
                changes bigint[];
            begin
                if tg_op <> 'DELETE' then
                    added_to := array(select a.post_id from added as a);
                end if;
                if tg_op <> 'INSERT' then
                    removed_from := array(select r.post_id from removed as r);
                end if;
                select array_agg(c.post_id), array_agg(c.change)
                into posts, changes
                from (
                    select c.post_id, sum(c.change) as change
                    from (
                        select a.post_id, 1
                        from unnest(added_to) as a (post_id)
                        union all
                        select r.post_id, -1
                        from unnest(removed_from) as r (post_id)
                    ) as c (post_id, change)
                    group by c.post_id
                    having sum(c.change) <> 0
                ) as c;
                if posts is null then
                    return null;
                end if;
                perform
                from public.social_feed_posts as p
                where p.id = any (posts)
                order by p.id
                for no key update;
                update public.social_feed_posts as p
                set {column} = greatest(p.{column} + c.change, 0)
                from unnest(posts, changes) as c (post_id, change)
                where p.id = c.post_id;
                return null;
            end
        """,  # noqa: S608 - names of ours
        comment=f"Keeps {column} of social_feed_posts equal to the number of rows in {counted}.",
    )


def _reset_counter(column: str, counted: str) -> Function:
    return Function(
        schema="private",
        name=f"reset_{column}",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=f"""
            begin
                update public.social_feed_posts as p
                set {column} = 0
                where p.{column} <> 0;
                return null;
            end
        """,  # noqa: S608 - names of ours
        comment=f"Sets {column} of social_feed_posts to 0 when {counted} is truncated.",
    )


# When data are restored, the triggers count the restored reactions and comments again.
START_POST_COUNTERS = (
    Function(
        schema="private",
        name="start_post_counters",
        language="plpgsql",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                new.reaction_count := 0;
                new.comment_count := 0;
                return new;
            end
        """,
        comment="Sets the counters of a new post to 0, whatever the insert gives.",
    ),
    Trigger(
        table="social_feed_posts",
        name="start_post_counters",
        timing="before",
        events=("insert",),
        function="private.start_post_counters",
        comment="A new post has no reactions and no comments.",
    ),
)

# A first answer is recorded as well, also one that declines: it shows that the user was asked. The
# deletion of an account deletes its consents and their audit. It is not audited itself: no user
# is left who may read the audit.
CONSENT_AUDIT = (
    Function(
        schema="private",
        name="record_consent",
        arguments={
            "user_id": "uuid",
            "category": "text",
            "previous_value": "boolean",
            "new_value": "boolean",
        },
        returns="void",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            insert into public.consent_audit_log (
                user_id, category, previous_value, new_value, changed_by, ip_address, user_agent
            )
            select
                u.id,
                record_consent.category,
                record_consent.previous_value,
                record_consent.new_value,
                :caller,
                nullif(
                    left(trim(split_part(h.headers ->> 'x-forwarded-for', ',', 1)), 2000), ''
                ),
                nullif(left(h.headers ->> 'user-agent', 2000), '')
            from auth.users as u
            cross join (
                select nullif(current_setting('request.headers', true), '')::jsonb
            ) as h (headers)
            where u.id = record_consent.user_id
        """,
        comment="Writes an answer to consent_audit_log, unless the account is deleted.",
    ),
    Function(
        schema="private",
        name="audit_consent",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                if tg_op = 'UPDATE'
                    and (old.user_id, old.category) = (new.user_id, new.category)
                then
                    if old.enabled <> new.enabled then
                        perform private.record_consent(
                            new.user_id, new.category, old.enabled, new.enabled
                        );
                    end if;
                    return null;
                end if;
                if tg_op <> 'INSERT' and old.enabled then
                    perform private.record_consent(old.user_id, old.category, true, false);
                end if;
                if tg_op <> 'DELETE' then
                    perform private.record_consent(
                        new.user_id, new.category, false, new.enabled
                    );
                end if;
                return null;
            end
        """,
        comment="Writes an insert of a consent, and what an update or delete changes of it, to"
        " consent_audit_log.",
    ),
    Function(
        schema="private",
        name="audit_emptied_consents",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                perform private.record_consent(c.user_id, c.category, true, false)
                from public.consent_preferences as c
                where c.enabled;
                return null;
            end
        """,
        comment="Writes the end of every enabled consent to consent_audit_log.",
    ),
    # The deletion of an account locks the account before its consents. The audit refers to the
    # account and would lock it after the consents, which would be a deadlock.
    Function(
        schema="private",
        name="hold_account",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                if has_any_column_privilege('auth.users', 'update') then
                    perform
                    from auth.users as u
                    where u.id = :caller
                    for key share;
                end if;
                return null;
            end
        """,
        comment="Locks the caller's account against deletion until the transaction ends.",
    ),
    Trigger(
        table="consent_preferences",
        name="hold_account",
        timing="before",
        events=("insert", "update", "delete"),
        level="statement",
        function="private.hold_account",
        comment="Prevents a deadlock between the audit and the deletion of an account.",
    ),
    Trigger(
        table="consent_preferences",
        name="audit_consent",
        timing="after",
        events=("insert", "update", "delete"),
        function="private.audit_consent",
        comment="Inserts a row into consent_audit_log for every new consent and every change.",
    ),
    Trigger(
        table="consent_preferences",
        name="audit_emptied_consents",
        timing="before",
        events=("truncate",),
        level="statement",
        function="private.audit_emptied_consents",
        comment="Inserts a row into consent_audit_log for every enabled consent.",
    ),
)

# An update of a counter alone does not count as an update of the post.
POST_CONTENT = tuple(
    column.name
    for column in cast("Table", SocialFeedPost.__table__).columns
    if not column.primary_key and not is_read_only(column)
)

ENTITIES: tuple[Entity, ...] = (
    *(
        updated_at_trigger(table)
        for table in (
            "communities",
            "milestones",
            "community_profiles",
            "consent_preferences",
            "subcommunity_sponsors",
            "cohorts",
            "social_feed_comments",
            "founder_connections",
            "expert_listings",
            "engagement_streaks",
        )
    ),
    updated_at_trigger("social_feed_posts", columns=POST_CONTENT),
    *START_POST_COUNTERS,
    *counter("reaction_count", "social_feed_reactions"),
    *counter("comment_count", "social_feed_comments"),
    *CONSENT_AUDIT,
)
