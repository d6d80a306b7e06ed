"""The triggers of the community: owners and levels, counters, connections, audit, timestamps.

The functions that read or write other rows run with their owner's rights: a reaction changes the
counter of a post that its author alone may update, clients may not write the audit or read every
community, and accounts are deleted by a role without privileges on these tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sqlalchemy import Table

from townhall.base import is_read_only
from townhall.domains.community.models import CommunityRole, ConnectionStatus, SocialFeedPost
from townhall.domains.community.models.communities import MOST_LEVELS
from townhall.domains.identity.triggers import last_owner, of_clients, updated_at_trigger
from townhall.pg import SAFE_SEARCH_PATH, Entity, Function, Trigger
from townhall.pg.trigger import Event
from townhall.refusals import Kind, Refusal
from townhall.types import LINE_LENGTH

_ROW_EVENTS: tuple[Event, ...] = ("insert", "update", "delete")


CREATOR_AS_OWNER = (
    Function(
        schema="private",
        name="add_creator_as_owner",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=f"""
            begin
                insert into public.community_members (community_id, user_id, role)
                values (new.id, new.created_by, '{CommunityRole.OWNER.value}');
                return null;
            end
        """,  # noqa: S608 - names of ours
        comment="Makes the creator of a new community a member of it, as its owner.",
    ),
    Trigger(
        table="communities",
        name="add_creator_as_owner",
        timing="after",
        events=("insert",),
        condition="new.created_by is not null",
        function="private.add_creator_as_owner",
        comment="The creator of a community is its first owner.",
    ),
)

# The communities above are locked, so that none of them moves or changes in the meantime. The loop
# ends in a cycle as well.
LEVELS = (
    Function(
        schema="private",
        name="check_community_levels",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=f"""
            declare
                above uuid := new.parent_community_id;
                next_above uuid;
                above_is_private boolean;
                parent_is_private boolean;
                level integer := 1;
            begin
                while above is not null and level <= {MOST_LEVELS} loop
                    if above = new.id then
                        raise check_violation
                        using
                            message = 'A community can not be below itself.',
                            schema = 'public',
                            table = 'communities',
                            column = 'parent_community_id',
                            constraint = 'community_is_not_below_itself';
                    end if;
                    select c.parent_community_id, c.is_private
                    into next_above, above_is_private
                    from public.communities as c
                    where c.id = above
                    for share;
                    parent_is_private := coalesce(parent_is_private, above_is_private);
                    level := level + 1;
                    above := next_above;
                end loop;
                if exists (
                    with recursive below (id, level) as (
                        select new.id, level
                        union all
                        select c.id, b.level + 1
                        from below as b
                        join public.communities as c on c.parent_community_id = b.id
                        where b.level <= {MOST_LEVELS}
                            and new.parent_community_id is distinct from old.parent_community_id
                    )
                    select from below as b where b.level > {MOST_LEVELS}
                )
                then
                    raise check_violation
                    using
                        message = 'Communities have at most {MOST_LEVELS} levels.',
                        schema = 'public',
                        table = 'communities',
                        column = 'parent_community_id',
                        constraint = 'community_levels';
                end if;
                if parent_is_private and not new.is_private then
                    raise check_violation
                    using
                        message = 'A community below a private one is private.',
                        schema = 'public',
                        table = 'communities',
                        column = 'is_private',
                        constraint = 'community_below_private_is_private';
                end if;
                if new.is_private and exists (
                    select
                    from public.communities as c
                    where c.parent_community_id = new.id
                        and not c.is_private
                )
                then
                    raise check_violation
                    using
                        message = 'A community with public ones below it can not be private.',
                        hint = 'Make those private first, or in the same statement.',
                        schema = 'public',
                        table = 'communities',
                        column = 'is_private',
                        constraint = 'community_above_public_is_public';
                end if;
                return null;
            end
        """,  # noqa: S608 - names of ours
        comment="Refuses a community below itself, on a level too many, or public below a private"
        " one.",
    ),
    Function(
        schema="private",
        name="check_parent_is_moderated",
        language="plpgsql",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                if new.parent_community_id <> all (
                    array(select private.my_moderated_community_ids())
                )
                then
                    raise insufficient_privilege
                    using
                        message = 'Only its owners and moderators put others below it.',
                        schema = 'public',
                        table = 'communities',
                        column = 'parent_community_id',
                        constraint = 'parent_community_is_moderated';
                end if;
                return new;
            end
        """,
        comment="Refuses a parent community that the caller does not moderate.",
    ),
    Trigger(
        table="communities",
        name="check_levels_on_insert",
        timing="after",
        events=("insert",),
        condition="new.parent_community_id is not null",
        function="private.check_community_levels",
        comment="Checks the place of a new community.",
    ),
    Trigger(
        table="communities",
        name="check_levels_on_update",
        timing="after",
        events=("update",),
        columns=("parent_community_id", "is_private"),
        condition="""
            (new.parent_community_id, new.is_private)
            is distinct from (old.parent_community_id, old.is_private)
        """,
        function="private.check_community_levels",
        comment="Checks the place of a community that moves, or becomes private or public.",
    ),
    Trigger(
        table="communities",
        name="check_parent_is_moderated",
        timing="before",
        events=("update",),
        columns=("parent_community_id",),
        condition=f"""
            new.parent_community_id is distinct from old.parent_community_id
            and new.parent_community_id is not null
            and {of_clients("communities")}
        """,
        function="private.check_parent_is_moderated",
        comment="A client can move a community only below one that they moderate.",
    ),
)


def counter(column: str, counted: str) -> Iterable[Entity]:
    """Yield the triggers that keep a counter of ``social_feed_posts`` equal to the counted rows.

    A statement costs one update per post, regardless of the number of rows that it inserts,
    deletes or moves. Posts are locked in the order of their keys, which prevents deadlocks between
    two statements. Locking and updating are two statements: the snapshot of the second is taken
    after the locks are granted, so that it updates the latest version of each row. One row needs
    neither: its update waits for the post, and adds to its latest version. A post that is being
    deleted is not found, and not updated.

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
                changed uuid[];
                posts uuid[];
                changes bigint[];
            begin
                if tg_op <> 'DELETE' then
                    added_to := array(select a.post_id from added as a);
                end if;
                if tg_op <> 'INSERT' then
                    removed_from := array(select r.post_id from removed as r);
                end if;
                changed := added_to || removed_from;
                if cardinality(changed) = 1 then
                    update public.social_feed_posts as p
                    set {column} = greatest(
                        p.{column} + case tg_op when 'INSERT' then 1 else -1 end, 0
                    )
                    where p.id = changed[1];
                    return null;
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


# An answer is inserted after the comment that it answers: in the other order its depth is unknown.
# That comment is not locked, which would be a deadlock with the deletion of its author's account.
DEPTH_OF_ANSWERS = (
    Function(
        schema="private",
        name="set_comment_depth",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                new.depth := 0;
                if new.parent_comment_id is not null then
                    select c.depth + 1
                    into new.depth
                    from public.social_feed_comments as c
                    where c.id = new.parent_comment_id;
                    if not found then
                        raise foreign_key_violation
                        using
                            message = 'The comment that is answered does not exist.',
                            hint = 'Insert a comment before its answers.',
                            schema = 'public',
                            table = 'social_feed_comments',
                            column = 'parent_comment_id',
                            constraint = 'fk_social_feed_comments_parent_comment';
                    end if;
                end if;
                return new;
            end
        """,
        comment="Sets the depth of a comment from that of the comment it answers.",
    ),
    Function(
        schema="private",
        name="move_answers",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            begin
                update public.social_feed_comments as c
                set depth = new.depth + 1
                where c.parent_comment_id = new.id;
                return null;
            end
        """,
        comment="Sets the depth of the answers to a comment whose depth changed.",
    ),
    Trigger(
        table="social_feed_comments",
        name="set_comment_depth",
        timing="before",
        events=("insert", "update"),
        columns=("parent_comment_id", "depth"),
        condition="new.parent_comment_id is not null or new.depth is distinct from 0",
        function="private.set_comment_depth",
        comment="Maintains depth.",
    ),
    Trigger(
        table="social_feed_comments",
        name="move_answers",
        timing="after",
        events=("update",),
        condition="new.depth is distinct from old.depth",
        function="private.move_answers",
        comment="Maintains depth of the answers.",
    ),
)

# A block or a refusal that the service writes without its party is the recipient's. A refusal is
# remembered while one side blocks: a block that is lifted would otherwise remove it.
CONNECTIONS = (
    Function(
        schema="private",
        name="keep_connection",
        language="plpgsql",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=f"""
            declare
                caller uuid := :caller;
            begin
                if new.status <> '{ConnectionStatus.BLOCKED.value}'
                    and old.status = '{ConnectionStatus.BLOCKED.value}'
                then
                    new.blocked_by_requester := false;
                    new.blocked_by_recipient := false;
                elsif new.blocked_by_requester or new.blocked_by_recipient then
                    new.status := '{ConnectionStatus.BLOCKED.value}';
                elsif new.status = '{ConnectionStatus.BLOCKED.value}' then
                    new.blocked_by_recipient := true;
                end if;
                if new.status = '{ConnectionStatus.DECLINED.value}' then
                    new.declined_by := coalesce(
                        new.declined_by,
                        case
                            when caller = new.requester_id then caller
                            else new.recipient_id
                        end
                    );
                elsif new.status <> '{ConnectionStatus.BLOCKED.value}' then
                    new.declined_by := null;
                end if;
                return new;
            end
        """,
        comment="Keeps who declined and who blocks in agreement with the status of a connection.",
    ),
    Trigger(
        table="founder_connections",
        name="keep_connection",
        timing="before",
        events=("insert", "update"),
        function="private.keep_connection",
        comment="Maintains declined_by, and the sides of a block.",
    ),
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
        condition="(new.reaction_count, new.comment_count) is distinct from (0, 0)",
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
        body=f"""
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
                    left(
                        trim(split_part(h.headers ->> 'x-forwarded-for', ',', 1)), {LINE_LENGTH}
                    ),
                    ''
                ),
                nullif(left(h.headers ->> 'user-agent', {LINE_LENGTH}), '')
            from auth.users as u
            cross join (
                select nullif(current_setting('request.headers', true), '')::jsonb
            ) as h (headers)
            where u.id = record_consent.user_id
        """,  # noqa: S608 - a number of ours
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
        comment="Inserts a row into consent_audit_log for each first answer and each change.",
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

REFUSALS = {
    "community_has_owner": Refusal(
        Kind.WRONG_STATE, "Make another member of the community an owner first."
    ),
    "community_is_not_below_itself": Refusal(
        Kind.WRONG_STATE, "A community can't be below itself."
    ),
    "community_levels": Refusal(
        Kind.WRONG_STATE, f"Communities have at most {MOST_LEVELS} levels."
    ),
    "community_below_private_is_private": Refusal(
        Kind.WRONG_STATE, "A community below a private one is private."
    ),
    "community_above_public_is_public": Refusal(
        Kind.WRONG_STATE, "Make the communities below this one private first."
    ),
    "parent_community_is_moderated": Refusal(
        Kind.DENIED, "Only its owners and moderators put other communities below a community."
    ),
}

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
    *CREATOR_AS_OWNER,
    *last_owner("community", "communities", "community_members"),
    *LEVELS,
    *START_POST_COUNTERS,
    *counter("reaction_count", "social_feed_reactions"),
    *counter("comment_count", "social_feed_comments"),
    *DEPTH_OF_ANSWERS,
    *CONNECTIONS,
    *CONSENT_AUDIT,
)
