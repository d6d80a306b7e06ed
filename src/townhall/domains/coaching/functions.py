"""The functions of coaching: memberships for policies, and what clients and the service call."""

from __future__ import annotations

from townhall.domains.coaching.custom_domain import LONGEST_HOST
from townhall.domains.coaching.models import ClientStatus, SessionStatus, TenantProfile
from townhall.domains.coaching.usage import ENTITIES as USAGE
from townhall.pg import ANONYMOUS, AUTHENTICATED, SAFE_SEARCH_PATH, SERVICE, Function
from townhall.pg.access import Declaration, membership, public_wrapper
from townhall.refusals import Kind, Refusal

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

MY_ACTIVE_TENANT_IDS = membership(
    "my_active_tenant_ids",
    TenantProfile.id,
    """
    select t.id
    from public.tenant_profiles as t
    where t.user_id = :caller and t.is_active
    """,
    "The active tenants that the caller owns, with an account.",
).with_account

MY_ENABLED_ASSESSMENTS = Function(
    schema="private",
    name="my_enabled_assessments",
    arguments={"tenant_id": "out uuid", "assessment_type": "out text"},
    returns="setof record",
    volatility="stable",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        select t.id, a.assessment_type
        from public.tenant_profiles as t,
            unnest(t.enabled_assessments) as a (assessment_type)
        where t.user_id = :caller
    """,
    execute=(AUTHENTICATED, SERVICE),
    comment="The assessments that the caller's tenants have enabled.",
)

CANONICAL_DOMAIN = Function(
    schema="private",
    name="canonical_domain",
    arguments={"host": "text"},
    returns="text",
    volatility="immutable",
    settings={"search_path": SAFE_SEARCH_PATH},
    # The expression takes long for megabytes, which anonymous callers may send.
    body=f"""
        select case
            when char_length(host) <= {LONGEST_HOST}
            then regexp_replace(lower(host collate "C"), '[.]?(:[0-9]*)?$', '')
        end
    """,
    execute=(SERVICE,),
    comment="The domain of a host in ASCII: in lower case, without a dot at its end and a port.",
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
            select
                t.slug,
                t.display_name,
                t.tenant_type,
                t.brand_config,
                case when t.custom_domain_verified_at is not null then t.custom_domain end
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
            where t.custom_domain = private.canonical_domain(
                    get_tenant_branding_by_domain.domain
                )
                and t.custom_domain_verified_at is not null
                and t.is_active
        """,
        execute=(ANONYMOUS, AUTHENTICATED, SERVICE),
        comment="The public branding of the active tenant whose verified domain this is.",
    ),
)

VERIFY_CUSTOM_DOMAIN = Function(
    name="verify_custom_domain",
    arguments={"tenant_id": "uuid", "domain": "text"},
    returns="void",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    # All tenants with the domain are locked, so that of two calls at once the later one sees what
    # the earlier one did, and an owner who changes the domain meanwhile waits or is noticed.
    body="""
        declare
            verified constant text := private.canonical_domain(verify_custom_domain.domain);
        begin
            perform
            from public.tenant_profiles as t
            where t.custom_domain = verified
            order by t.id
            for no key update;
            update public.tenant_profiles as t
            set custom_domain_verified_at = null
            where t.custom_domain = verified
                and t.custom_domain_verified_at is not null
                and t.id <> verify_custom_domain.tenant_id;
            update public.tenant_profiles as t
            set custom_domain_verified_at = now()
            where t.custom_domain = verified
                and t.id = verify_custom_domain.tenant_id;
            if not found then
                raise exception 'tenant % does not have the domain %', tenant_id, domain
                    using errcode = 'check_violation',
                    hint = 'Verify the domain that is its custom_domain.',
                    schema = 'public',
                    table = 'tenant_profiles',
                    column = 'custom_domain',
                    constraint = 'tenant_has_domain';
            end if;
        end
    """,
    execute=(SERVICE,),
    comment="Records that a tenant's domain was verified; another tenant's no longer is.",
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
                        using errcode = 'insufficient_privilege',
                            schema = 'public',
                            table = 'participant_sessions',
                            constraint = 'participant_session_is_own';
                end if;
                raise exception 'session % is %, not {before}', session_id, found_status
                    using errcode = 'check_violation',
                        schema = 'public',
                        table = 'participant_sessions',
                        column = 'status',
                        constraint = 'participant_session_is_{before}';
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

REFUSALS = {
    "tenant_has_domain": Refusal(Kind.WRONG_STATE, "This is not the tenant's custom domain."),
    "participant_session_is_own": Refusal(Kind.DENIED, "This session is not yours."),
    "participant_session_is_pending": Refusal(Kind.WRONG_STATE, "This session was started before."),
    "participant_session_is_in_progress": Refusal(
        Kind.WRONG_STATE, "This session is not in progress."
    ),
}

ENTITIES: tuple[Declaration, ...] = (
    MY_TENANT_IDS,
    MY_ACTIVE_TENANT_IDS,
    MY_ENABLED_ASSESSMENTS,
    CANONICAL_DOMAIN,
    *BRANDING,
    VERIFY_CUSTOM_DOMAIN,
    *MOVES,
    *map(public_wrapper, (*BRANDING, *MOVES)),
    *USAGE,
)
