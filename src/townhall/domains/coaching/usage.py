"""The functions by which usage is written and read, on one machine and where it is distributed.

An engine that distributes a table refuses a policy with a subquery, and does not send the claims of
a transaction to the machines with the rows. So the caller's tenants are found where the claims are,
and the rows of these are read with the rights of the owner. They are in PL/pgSQL, since Citus does
not plan an SQL function with arguments over a distributed table.
"""

from __future__ import annotations

from townhall.domains.identity.triggers import of_clients
from townhall.pg import AUTHENTICATED, SAFE_SEARCH_PATH, SERVICE, Function
from townhall.pg.layout import indented

# True of a caller to whom policies apply: neither the owner of the table nor the service.
_BY_POLICIES = indented(of_clients("usage_events"), "        ")

# The arguments are known to the planner, whose choice of an index depends on them.
_SETTINGS = {"search_path": SAFE_SEARCH_PATH, "plan_cache_mode": "force_custom_plan"}

# The same id for another tenant is a mistake: what that tenant used would not be billed.
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
        "p_id": "uuid default null::uuid",
        "p_created_at": "timestamp with time zone default null::timestamp with time zone",
    },
    returns="uuid",
    language="plpgsql",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        declare
            event_id constant uuid := coalesce(p_id, gen_random_uuid());
        begin
            insert into public.usage_events (
                id, tenant_id, event_type, event_data, user_id, tokens_used, model_used,
                cost_cents, created_at
            )
            values (
                event_id,
                p_tenant_id,
                p_event_type,
                coalesce(p_event_data, '{}'),
                p_user_id,
                coalesce(p_tokens_used, 0),
                p_model_used,
                coalesce(p_cost_cents, 0),
                coalesce(p_created_at, now())
            )
            on conflict do nothing;
            if not found and not exists (
                select u.id
                from public.usage_events as u
                where u.id = event_id and u.tenant_id is not distinct from p_tenant_id
            ) then
                raise exception 'usage event % is not of tenant %', event_id, p_tenant_id
                    using errcode = 'unique_violation',
                        hint = 'Choose a new id for each event, also across tenants.',
                        schema = 'public',
                        table = 'usage_events',
                        constraint = 'pk_usage_events',
                        column = 'id';
            end if;
            return event_id;
        end
    """,
    execute=(SERVICE,),
    comment="Logs usage of a tenant for billing, once for each id; returns the id of the event.",
)


_MONTH = {
    "p_month": "date",
    "p_tenant_id": "uuid default null::uuid",
    "tenant_id": "out uuid",
    "event_type": "out text",
    "model_used": "out text",
    "events": "out bigint",
    "tokens_used": "out numeric",
    "cost_cents": "out numeric",
}

# The columns are in the order of the out arguments, to which PL/pgSQL assigns them by position.
_SUM = """
select
    u.tenant_id,
    u.event_type,
    u.model_used,
    count(*),
    sum(u.tokens_used),
    sum(u.cost_cents)
from public.usage_events as u
where u.created_at >= first at time zone 'UTC'
    and u.created_at < (first + interval '1 month') at time zone 'UTC'
    and {condition}
group by u.tenant_id, u.event_type, u.model_used
order by u.tenant_id, u.event_type, u.model_used;
"""


def _sum(condition: str) -> str:
    return indented(_SUM.format(condition=condition).strip())


MY_USAGE_SUMMARY = Function(
    schema="private",
    name="my_usage_summary",
    arguments=_MONTH,
    returns="setof record",
    language="plpgsql",
    volatility="stable",
    security="definer",
    settings=_SETTINGS,
    body=f"""
declare
    first constant timestamp := date_trunc('month', p_month::timestamp);
    tenants constant uuid[] := array(
        select mine.id
        from private.my_tenant_ids() as mine (id)
        where p_tenant_id is null or mine.id = p_tenant_id
    );
begin
    return query
{_sum("u.tenant_id = any (tenants)")}
end
""",  # noqa: S608 - of conditions above
    execute=(AUTHENTICATED,),
    comment="Sums up a month of the caller's tenants, or of one of them.",
)

USAGE_SUMMARY = Function(
    name="usage_summary",
    arguments=_MONTH,
    returns="setof record",
    language="plpgsql",
    volatility="stable",
    settings=_SETTINGS,
    body=f"""
declare
    first constant timestamp := date_trunc('month', p_month::timestamp);
begin
    if
{_BY_POLICIES}
    then
        return query
        select s.*
        from private.my_usage_summary(p_month, p_tenant_id) as s;
        return;
    end if;
    return query
{_sum("(p_tenant_id is null or u.tenant_id = p_tenant_id)")}
end
""",  # noqa: S608 - of conditions above
    execute=(AUTHENTICATED, SERVICE),
    comment="Sums up a month of what the caller may read, by tenant, event type and model.",
)

_NEWEST = {
    "p_limit": "bigint default 50",
    "id": "out uuid",
    "tenant_id": "out uuid",
    "user_id": "out uuid",
    "event_type": "out text",
    "event_data": "out jsonb",
    "tokens_used": "out bigint",
    "model_used": "out text",
    "cost_cents": "out numeric",
    "created_at": "out timestamp with time zone",
}

_EVENTS = """
select
    u.id,
    u.tenant_id,
    u.user_id,
    u.event_type,
    u.event_data,
    u.tokens_used,
    u.model_used,
    u.cost_cents,
    u.created_at
from public.usage_events as u
where {condition}
order by u.created_at desc
limit p_limit;
"""


def _newest(condition: str, indentation: str = "    ") -> str:
    return indented(_EVENTS.format(condition=condition).strip(), indentation)


# One query for each tenant: a query for all of them would read the events of every tenant from the
# newest backwards, until enough of them are the caller's.
MY_NEWEST_USAGE = Function(
    schema="private",
    name="my_newest_usage",
    arguments=_NEWEST,
    returns="setof record",
    language="plpgsql",
    volatility="stable",
    security="definer",
    settings=_SETTINGS,
    body=f"""
declare
    tenant uuid;
begin
    for tenant in select private.my_tenant_ids() loop
        return query
{_newest("u.tenant_id = tenant", "        ")}
    end loop;
end
""",
    execute=(AUTHENTICATED,),
    comment="Returns the newest usage events of each of the caller's tenants.",
)

NEWEST_USAGE = Function(
    name="newest_usage",
    arguments=_NEWEST,
    returns="setof record",
    language="plpgsql",
    volatility="stable",
    settings=_SETTINGS,
    body=f"""
begin
    if
{_BY_POLICIES}
    then
        return query
        select n.*
        from private.my_newest_usage(p_limit) as n
        order by n.created_at desc
        limit p_limit;
        return;
    end if;
    return query
{_newest("u.tenant_id is not null")}
end
""",  # noqa: S608 - of conditions above
    execute=(AUTHENTICATED, SERVICE),
    comment="Returns the newest usage events that the caller may read, the newest first.",
)

ENTITIES = (LOG_USAGE_EVENT, MY_USAGE_SUMMARY, USAGE_SUMMARY, MY_NEWEST_USAGE, NEWEST_USAGE)
