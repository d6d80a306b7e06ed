"""What the database does by itself for the community: counters, the consent audit, time stamps.

What counts and audits runs with its owner's rights: a reader's reaction moves the counter of a
post that the reader may not update, nobody but the trigger writes the audit, and an account is
deleted by a role that holds nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sqlalchemy import Table

from townhall.base import is_kept_by_database
from townhall.domains.community.models import SocialFeedPost
from townhall.domains.identity.triggers import keep_updated_at
from townhall.pg import SAFE_SEARCH_PATH, Entity, Function, Trigger


def counter(column: str, counted: str) -> Iterable[Entity]:
    """Yield what keeps a counter of ``social_feed_posts`` equal to the rows that it counts.

    A statement costs one update per post, however many rows it adds, removes or moves. Posts are
    locked in the order of their keys, so that no two statements wait for each other, and a second
    look at them finds what the other left behind. To lock and update in one go is not enough: an
    update that begins with an older version of a row queues up behind those who wait for it. A
    post that is itself being deleted is not there any more.

    Args:
        column: The counter.
        counted: The table whose rows it counts, by their column ``post_id``.
    """
    keep, reset = f"keep_{column}", f"reset_{column}"
    yield Function(
        schema="private",
        name=keep,
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
        comment=f"Keeps {column} of social_feed_posts equal to the rows of {counted}.",
    )
    yield Function(
        schema="private",
        name=reset,
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
        comment=f"Sets {column} of social_feed_posts to 0 where {counted} is emptied.",
    )
    # A trigger with transition tables is for one event, and for all columns.
    for event, transition in (
        ("insert", "new table as added"),
        ("update", "old table as removed new table as added"),
        ("delete", "old table as removed"),
    ):
        yield Trigger(
            table=counted,
            name=f"{keep}_on_{event}",
            event=f"after {event}",
            action=f"""
                referencing {transition}
                for each statement
                execute function private.{keep}()
            """,
            comment=f"Keeps {column} of social_feed_posts.",
        )
    yield Trigger(
        table=counted,
        name=f"{reset}_on_truncate",
        event="after truncate",
        action=f"for each statement execute function private.{reset}()",
        comment=f"Keeps {column} of social_feed_posts.",
    )


# Rows that a backup brings back are counted again as they come.
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
        comment="Starts the counters of a post at 0, whatever the insert says.",
    ),
    Trigger(
        table="social_feed_posts",
        name="start_post_counters",
        event="before insert",
        action="for each row execute function private.start_post_counters()",
        comment="A new post has no reactions and no comments.",
    ),
)

# With an account its consents and their audit go, and the deletion itself is not a change that
# anybody is left to read about.
CONSENT_AUDIT = (
    Function(
        schema="private",
        name="record_consent",
        arguments={"user_id": "uuid", "category": "text", "enabled": "boolean"},
        returns="void",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            insert into public.consent_audit_log (
                user_id, category, previous_value, new_value, ip_address, user_agent
            )
            select
                u.id,
                record_consent.category,
                not record_consent.enabled,
                record_consent.enabled,
                nullif(trim(split_part(h.headers ->> 'x-forwarded-for', ',', 1)), ''),
                nullif(h.headers ->> 'user-agent', '')
            from auth.users as u
            cross join (
                select nullif(current_setting('request.headers', true), '')::jsonb
            ) as h (headers)
            where u.id = record_consent.user_id
        """,
        comment="Writes one change of a consent to the audit, unless the account is gone.",
    ),
    Function(
        schema="private",
        name="audit_consent",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                if old.enabled
                    and (old.user_id, old.category, old.enabled)
                        is distinct from (new.user_id, new.category, new.enabled)
                then
                    perform private.record_consent(old.user_id, old.category, false);
                end if;
                if new.enabled
                    and (old.user_id, old.category, old.enabled)
                        is distinct from (new.user_id, new.category, new.enabled)
                then
                    perform private.record_consent(new.user_id, new.category, true);
                end if;
                return null;
            end
        """,
        comment="Audits what changes when a consent is inserted, updated or deleted.",
    ),
    Function(
        schema="private",
        name="audit_emptied_consents",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                perform private.record_consent(c.user_id, c.category, false)
                from public.consent_preferences as c
                where c.enabled;
                return null;
            end
        """,
        comment="Audits what changes when all consents are truncated.",
    ),
    # An account is locked before its consents by whoever deletes it. The audit, which refers to it,
    # would lock it after them.
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
        comment="Lets the caller's account be deleted before or after a statement, not meanwhile.",
    ),
    Trigger(
        table="consent_preferences",
        name="hold_account",
        event="before insert or update or delete",
        action="for each statement execute function private.hold_account()",
        comment="Spares the deletion of an account a deadlock with the audit.",
    ),
    Trigger(
        table="consent_preferences",
        name="audit_consent",
        event="after insert or update or delete",
        action="for each row execute function private.audit_consent()",
        comment="Leaves one row in consent_audit_log for every change of a consent.",
    ),
    Trigger(
        table="consent_preferences",
        name="audit_emptied_consents",
        event="before truncate",
        action="for each statement execute function private.audit_emptied_consents()",
        comment="Leaves one row in consent_audit_log for every consent that is on.",
    ),
)

# A counter that moves is no change of the post.
POST_CONTENT = tuple(
    column.name
    for column in cast("Table", SocialFeedPost.__table__).columns
    if not column.primary_key and not is_kept_by_database(column)
)

ENTITIES: tuple[Entity, ...] = (
    *(
        keep_updated_at(table)
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
    keep_updated_at("social_feed_posts", columns=POST_CONTENT),
    *START_POST_COUNTERS,
    *counter("reaction_count", "social_feed_reactions"),
    *counter("comment_count", "social_feed_comments"),
    *CONSENT_AUDIT,
)
