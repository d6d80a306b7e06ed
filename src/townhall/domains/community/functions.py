"""The functions of the community: memberships for policies, what clients and the service call."""

from __future__ import annotations

from townhall.domains.community.models import (
    Cohort,
    Community,
    CommunityRole,
    ConnectionStatus,
    ConsentCategory,
)
from townhall.domains.identity.models import User
from townhall.pg import AUTHENTICATED, SAFE_SEARCH_PATH, SERVICE, Function
from townhall.pg.access import Declaration, membership, public_wrapper, signed_in
from townhall.pg.layout import indented
from townhall.refusals import Kind, Refusal

_COMMUNITIES = """
    select m.community_id
    from public.community_members as m
    where m.user_id = :caller
"""


def _communities_as(*roles: CommunityRole) -> str:
    one_of = ", ".join(f"'{role.value}'" for role in roles)
    return f"{_COMMUNITIES.rstrip()}\n        and m.role in ({one_of})"


MY_COMMUNITY_IDS = membership(
    "my_community_ids",
    Community.id,
    _COMMUNITIES,
    "The communities that the caller belongs to.",
    by_id=_COMMUNITIES,
)

MY_MODERATED_COMMUNITY_IDS = membership(
    "my_moderated_community_ids",
    Community.id,
    _communities_as(CommunityRole.MODERATOR, CommunityRole.OWNER),
    "The communities that the caller is a moderator or an owner of, with an account.",
).with_account

MY_OWNED_COMMUNITY_IDS = membership(
    "my_owned_community_ids",
    Community.id,
    _communities_as(CommunityRole.OWNER),
    "The communities that the caller is an owner of, with an account.",
).with_account

_COHORTS = """
    select m.cohort_id
    from public.cohort_members as m
    where m.user_id = :caller
        and m.is_active
        and m.left_at is null
"""

MY_COHORT_IDS = membership(
    "my_cohort_ids",
    Cohort.id,
    _COHORTS,
    "The cohorts that the caller belongs to and has not left.",
    by_id=_COHORTS,
)

# Who has no profile has the tier 0.
CAN_JOIN_COMMUNITY = Function(
    schema="private",
    name="can_join_community",
    arguments={"community_id": "uuid"},
    returns="boolean",
    volatility="stable",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        select exists (
            select
            from public.communities as c
            where c.id = can_join_community.community_id
                and not c.is_private
                and not c.is_archived
                and c.tier_required <= coalesce(
                    (
                        select p.tier
                        from public.profiles as p
                        where p.id = :caller
                    ),
                    0
                )
        )
    """,
    execute=(AUTHENTICATED, SERVICE),
    comment="Whether a community is neither private nor archived, and the caller's tier suffices.",
)

MY_BLOCKED_USER_IDS = membership(
    "my_blocked_user_ids",
    User.id,
    f"""
    select c.recipient_id
    from public.founder_connections as c
    where c.requester_id = :caller
        and c.status = '{ConnectionStatus.BLOCKED.value}'
    union all
    select c.requester_id
    from public.founder_connections as c
    where c.recipient_id = :caller
        and c.status = '{ConnectionStatus.BLOCKED.value}'
    """,  # noqa: S608 - names of ours
    "The users who block the caller, and those whom the caller blocks.",
)

# A policy on comments that reads comments would recurse infinitely.
IS_COMMENT_OF_BLOCKED = Function(
    schema="private",
    name="is_comment_of_blocked",
    arguments={"comment_id": "uuid"},
    returns="boolean",
    volatility="stable",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        select exists (
            select
            from public.social_feed_comments as c
            where c.id = is_comment_of_blocked.comment_id
                and c.author_id = any (array(select private.my_blocked_user_ids()))
        )
    """,
    execute=(AUTHENTICATED, SERVICE),
    comment="Whether the author of a comment blocks the caller, or the caller that author.",
)

# A policy on comments can't tell by the post itself: its author may have made it private.
IS_POST_OF_BLOCKED = Function(
    schema="private",
    name="is_post_of_blocked",
    arguments={"post_id": "uuid"},
    returns="boolean",
    volatility="stable",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        select exists (
            select
            from public.social_feed_posts as p
            where p.id = is_post_of_blocked.post_id
                and p.author_id = any (array(select private.my_blocked_user_ids()))
        )
    """,
    execute=(AUTHENTICATED, SERVICE),
    comment="Whether the author of a post blocks the caller, or the caller that author.",
)

# The loop ends once the row of the pair was updated or inserted: another transaction can insert or
# delete it in between.
BLOCK_FOUNDER = Function(
    schema="private",
    name="block_founder",
    arguments={"user_id": "uuid"},
    returns="void",
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body=f"""
        declare
            caller uuid := :caller;
        begin
            if caller is null then
                raise insufficient_privilege
                using message = 'Only a signed-in user can block a founder.',
                    schema = 'public',
                    table = 'founder_connections',
                    constraint = 'blocker_is_signed_in';
            end if;
            if not (
{indented(signed_in.with_account.condition, " " * 16)}
            ) then
                raise insufficient_privilege
                using message = 'Only a user with an account can block a founder.',
                    schema = 'public',
                    table = 'founder_connections',
                    constraint = 'blocker_has_account';
            end if;
            loop
                update public.founder_connections as c
                set
                    status = '{ConnectionStatus.BLOCKED.value}',
                    blocked_by_requester =
                        c.blocked_by_requester or c.requester_id = caller,
                    blocked_by_recipient =
                        c.blocked_by_recipient or c.recipient_id = caller
                where least(c.requester_id, c.recipient_id)
                        = least(caller, block_founder.user_id)
                    and greatest(c.requester_id, c.recipient_id)
                        = greatest(caller, block_founder.user_id);
                exit when found;
                insert into public.founder_connections (
                    requester_id, recipient_id, status, blocked_by_requester
                )
                values (
                    caller, block_founder.user_id, '{ConnectionStatus.BLOCKED.value}', true
                )
                on conflict do nothing;
                exit when found;
            end loop;
        end
    """,  # noqa: S608 - names of ours
    execute=(AUTHENTICATED,),
    comment="Blocks a founder for the caller: neither asks the other for a connection, nor sends"
    " them messages, reactions or comments.",
)

# The row is locked first, so that the next statement sees what the other party has written. A
# request that the other party declined is declined again: who may not delete it can't remove it by
# a block either.
UNBLOCK_FOUNDER = Function(
    schema="private",
    name="unblock_founder",
    arguments={"user_id": "uuid"},
    returns="void",
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body=f"""
        declare
            caller uuid := :caller;
            blocked uuid;
        begin
            if caller is null then
                raise insufficient_privilege
                using message = 'Only a signed-in user can unblock a founder.',
                    schema = 'public',
                    table = 'founder_connections',
                    constraint = 'blocker_is_signed_in';
            end if;
            select c.id
            into blocked
            from public.founder_connections as c
            where least(c.requester_id, c.recipient_id)
                    = least(caller, unblock_founder.user_id)
                and greatest(c.requester_id, c.recipient_id)
                    = greatest(caller, unblock_founder.user_id)
                and c.status = '{ConnectionStatus.BLOCKED.value}'
            for update;
            delete from public.founder_connections as c
            where c.id = blocked
                and not (c.blocked_by_requester and c.requester_id <> caller)
                and not (c.blocked_by_recipient and c.recipient_id <> caller)
                and coalesce(c.declined_by, caller) = caller;
            update public.founder_connections as c
            set
                status = case
                    when c.blocked_by_requester and c.requester_id <> caller
                        or c.blocked_by_recipient and c.recipient_id <> caller
                        then '{ConnectionStatus.BLOCKED.value}'
                    else '{ConnectionStatus.DECLINED.value}'
                end,
                blocked_by_requester = c.blocked_by_requester and c.requester_id <> caller,
                blocked_by_recipient = c.blocked_by_recipient and c.recipient_id <> caller
            where c.id = blocked;
        end
    """,  # noqa: S608 - names of ours
    execute=(AUTHENTICATED,),
    comment="Ends the caller's block of a founder. A block by the founder stays, and so does their"
    " refusal of a request; without either the two can ask each other again.",
)

# The consent is a scalar subquery: joined, PostgreSQL would read all consents, since it does not
# know how small a page is. A setting that is missing shows the field; one that is no boolean hides
# it.
DIRECTORY_PAGE = Function(
    schema="private",
    name="directory_page",
    arguments={
        "after_created_at": "timestamp with time zone default null",
        "after_id": "uuid default null",
        "page_size": "integer default 20",
    },
    returns="table (user_id uuid, display_name text, avatar_url text, bio text, stage text,"
    " industry text, achievements text[], created_at timestamptz, id uuid)",
    volatility="stable",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body=f"""
        select
            p.user_id,
            case when shows.name then p.display_name end,
            case when shows.name then p.avatar_url end,
            case when shows.bio then p.bio end,
            case when shows.stage then p.stage end,
            case when shows.industry then p.industry end,
            case when shows.achievements then p.achievements end,
            p.created_at,
            p.id
        from public.community_profiles as p
        cross join lateral (
            select
                coalesce(p.visibility_settings -> 'show_name', 'true') = 'true'
                    as name,
                coalesce(p.visibility_settings -> 'show_bio', 'true') = 'true'
                    as bio,
                coalesce(p.visibility_settings -> 'show_stage', 'true') = 'true'
                    as stage,
                coalesce(p.visibility_settings -> 'show_industry', 'true') = 'true'
                    as industry,
                coalesce(p.visibility_settings -> 'show_achievements', 'true') = 'true'
                    as achievements
        ) as shows
        where (p.created_at, p.id) < (
                coalesce(directory_page.after_created_at, 'infinity'),
                coalesce(directory_page.after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            )
            and (
                select c.enabled
                from public.consent_preferences as c
                where c.user_id = p.user_id
                    and c.category = '{ConsentCategory.DIRECTORY.value}'
            )
        order by p.created_at desc, p.id desc
        limit directory_page.page_size
    """,  # noqa: S608 - names of ours
    execute=(AUTHENTICATED, SERVICE),
    comment="A page of the profiles of founders who consented to the directory, newest first, with"
    " the fields that they show.",
)

# A message is updated by its recipient alone, and in this column alone. The rows are locked in one
# order, which prevents deadlocks between two calls for the same messages.
MARK_MESSAGES_READ = Function(
    schema="private",
    name="mark_messages_read",
    arguments={"message_ids": "uuid[]"},
    returns="bigint",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        select m.id
        from public.founder_messages as m
        where m.id = any (message_ids)
            and m.recipient_id = :caller
            and not m.is_read
        order by m.id
        for no key update;
        with marked as (
            update public.founder_messages as m
            set is_read = true
            where m.id = any (message_ids)
                and m.recipient_id = :caller
                and not m.is_read
            returning m.id
        )
        select count(*) from marked
    """,
    execute=(AUTHENTICATED,),
    comment="Marks messages to the caller as read; returns how many were unread.",
)

# A view that is not populated, as after a restore without data, can't be refreshed concurrently. An
# error would undo the refresh of the other view, so that it is one only where both failed.
# Each view sorts all scores: with the default of 4 MB, a million founders' are sorted on disk.
REFRESH_BENCHMARK_AGGREGATES = Function(
    schema="private",
    name="refresh_benchmark_aggregates",
    arguments={
        "view_name": "out text",
        "refreshed_at": "out timestamptz",
        "error": "out text",
    },
    returns="setof record",
    rows=2,
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH, "work_mem": "64MB"},
    body="""
        declare
            aggregate record;
            is_any_refreshed boolean := false;
        begin
            for aggregate in
                select
                    c.oid::regclass as name,
                    c.relname as relation,
                    c.relispopulated as is_populated
                from pg_catalog.pg_class as c
                where c.oid in (
                    'public.benchmark_stage_aggregates'::regclass,
                    'public.benchmark_industry_aggregates'::regclass
                )
                order by c.relname
            loop
                view_name := aggregate.relation;
                refreshed_at := null;
                error := null;
                begin
                    execute format(
                        'refresh materialized view %s %s',
                        case when aggregate.is_populated then 'concurrently' end,
                        aggregate.name
                    );
                    refreshed_at := clock_timestamp();
                    is_any_refreshed := true;
                exception
                    when others then
                        error := sqlerrm;
                        raise warning '% was not refreshed: %', view_name, error;
                end;
                return next;
            end loop;
            if not is_any_refreshed then
                raise exception 'no benchmark was refreshed: %', error
                    using constraint = 'a_benchmark_is_refreshed';
            end if;
        end
    """,
    execute=(SERVICE,),
    comment="Refreshes each benchmark view on its own and returns a row for each; readers are not"
    " blocked.",
)

REFUSALS = {
    "blocker_is_signed_in": Refusal(Kind.DENIED, "Sign in to block a founder, or to end a block."),
    "blocker_has_account": Refusal(Kind.DENIED, "Create an account to block a founder."),
    "a_benchmark_is_refreshed": Refusal(Kind.WRONG_STATE, "No benchmark could be refreshed."),
}

ENTITIES: tuple[Declaration, ...] = (
    MY_COMMUNITY_IDS,
    MY_MODERATED_COMMUNITY_IDS,
    MY_OWNED_COMMUNITY_IDS,
    MY_COHORT_IDS,
    CAN_JOIN_COMMUNITY,
    MY_BLOCKED_USER_IDS,
    IS_COMMENT_OF_BLOCKED,
    IS_POST_OF_BLOCKED,
    BLOCK_FOUNDER,
    public_wrapper(BLOCK_FOUNDER),
    UNBLOCK_FOUNDER,
    public_wrapper(UNBLOCK_FOUNDER),
    DIRECTORY_PAGE,
    public_wrapper(DIRECTORY_PAGE),
    MARK_MESSAGES_READ,
    public_wrapper(MARK_MESSAGES_READ),
    REFRESH_BENCHMARK_AGGREGATES,
    public_wrapper(REFRESH_BENCHMARK_AGGREGATES),
)
