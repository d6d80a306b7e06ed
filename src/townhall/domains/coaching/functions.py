"""The functions of coaching: memberships for policies, and what clients and the service call."""

from __future__ import annotations

from townhall.domains.coaching.models import ClientStatus, SessionStatus, TenantProfile
from townhall.pg import ANONYMOUS, AUTHENTICATED, SAFE_SEARCH_PATH, SERVICE, Function
from townhall.pg.access import Declaration, membership, public_wrapper

MY_TENANT_IDS = membership(
    "my_tenant_ids",
    TenantProfile.id,
    """
    select t.id
    from public.tenant_profiles as t
    where t.user_id = :caller
    """,
    "The tenants that the caller owns.",
)

# The branding of an active tenant is public. The table is not: anonymous callers have no privilege
# on it.
BRANDING = (
    Function(
        schema="private",
        name="get_tenant_branding",
        arguments={
            "slug": "inout text",
            "display_name": "out text",
            "tenant_type": "out text",
            "brand_config": "out jsonb",
            "custom_domain": "out text",
        },
        returns="setof record",
        rows=1,
        volatility="stable",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            select t.slug, t.display_name, t.tenant_type, t.brand_config, t.custom_domain
            from public.tenant_profiles as t
            where t.slug = get_tenant_branding.slug and t.is_active
        """,
        execute=(ANONYMOUS, AUTHENTICATED, SERVICE),
        comment="The public branding of the active tenant with this slug.",
    ),
    Function(
        schema="private",
        name="get_tenant_branding_by_domain",
        arguments={
            "domain": "text",
            "slug": "out text",
            "display_name": "out text",
            "tenant_type": "out text",
            "brand_config": "out jsonb",
            "custom_domain": "out text",
        },
        returns="setof record",
        rows=1,
        volatility="stable",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body="""
            select t.slug, t.display_name, t.tenant_type, t.brand_config, t.custom_domain
            from public.tenant_profiles as t
            where lower(t.custom_domain) = lower(get_tenant_branding_by_domain.domain)
                and t.is_active
        """,
        execute=(ANONYMOUS, AUTHENTICATED, SERVICE),
        comment="The public branding of the active tenant with this domain.",
    ),
)


def _move(
    name: str,
    comment: str,
    *,
    status: tuple[SessionStatus, SessionStatus],
    stamp: str,
    client_status: tuple[ClientStatus, ...],
) -> Function:
    """Return the function with which participants change the status of their own session.

    Args:
        name: The name of the function.
        comment: The comment on the function.
        status: The status before and after.
        stamp: The column that is set to the time of the change.
        client_status: The positions in the pipeline from which the participant is moved, and last
            the position that they are moved to. From another position, which the coach has chosen,
            they are not moved.
    """
    *earlier, forward = client_status
    before, after = status
    return Function(
        schema="private",
        name=name,
        arguments={"session_id": "uuid"},
        returns="void",
        language="plpgsql",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=f"""
            declare
                found_status text;
            begin
                update public.participant_sessions as s
                set status = '{after}',
                    {stamp} = now(),
                    client_status = case
                        when s.client_status in ({", ".join(f"'{each}'" for each in earlier)})
                            then '{forward}'
                        else s.client_status
                    end
                where s.id = {name}.session_id
                    and s.user_id = :caller
                    and s.status = '{before}';
                if found then
                    return;
                end if;
                select s.status into found_status
                from public.participant_sessions as s
                where s.id = {name}.session_id
                    and s.user_id = :caller;
                if found_status is null then
                    raise exception 'session % is not yours', session_id
                        using errcode = 'insufficient_privilege';
                end if;
                raise exception 'session % is %, not {before}', session_id, found_status
                    using errcode = 'check_violation';
            end
        """,  # noqa: S608 - of enums and names above
        execute=(AUTHENTICATED,),
        comment=comment,
    )


MOVES = (
    _move(
        "start_participant_session",
        "Starts the caller's own session; an error for another user's, or if it has been started.",
        status=(SessionStatus.PENDING, SessionStatus.IN_PROGRESS),
        stamp="started_at",
        client_status=(ClientStatus.REGISTERED, ClientStatus.STARTED),
    ),
    _move(
        "complete_participant_session",
        "Completes the caller's own session; an error for another user's, or if it is"
        " not in progress.",
        status=(SessionStatus.IN_PROGRESS, SessionStatus.COMPLETED),
        stamp="completed_at",
        client_status=(ClientStatus.REGISTERED, ClientStatus.STARTED, ClientStatus.COMPLETED),
    ),
)

LOG_USAGE_EVENT = Function(
    name="log_usage_event",
    arguments={
        "p_tenant_id": "uuid",
        "p_event_type": "text",
        "p_event_data": "jsonb default '{}'::jsonb",
        "p_user_id": "uuid default null::uuid",
        "p_tokens_used": "bigint default 0",
        "p_model_used": "text default null::text",
        "p_cost_cents": "numeric default 0",
    },
    returns="uuid",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        insert into public.usage_events (
            tenant_id, event_type, event_data, user_id, tokens_used, model_used, cost_cents
        )
        values (
            p_tenant_id,
            p_event_type,
            coalesce(p_event_data, '{}'),
            p_user_id,
            coalesce(p_tokens_used, 0),
            p_model_used,
            coalesce(p_cost_cents, 0)
        )
        returning id
    """,
    execute=(SERVICE,),
    comment="Records usage of a tenant for billing; returns the id of the event.",
)

ENTITIES: tuple[Declaration, ...] = (
    MY_TENANT_IDS,
    *BRANDING,
    *MOVES,
    *map(public_wrapper, (*BRANDING, *MOVES)),
    LOG_USAGE_EVENT,
)
