"""Usage of tenants, for billing.

A downgrade destroys every usage event: bill first.

Revision: townhall_0027
Revises: townhall_0026
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0027"
down_revision = "townhall_0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.usage_events", writes_only=["public.tenant_profiles", "auth.users"])
    op.create_table(
        "usage_events",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "tenant_id",
            sa.Uuid(),
            nullable=True,
            comment="The tenant that pays; null once it is deleted.",
        ),
        sa.Column(
            "user_id",
            sa.Uuid(),
            nullable=True,
            comment="The account that caused it; null where none did, or it was deleted.",
        ),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column(
            "event_data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Details of the event.",
        ),
        sa.Column(
            "tokens_used",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Input and output tokens of the language model.",
        ),
        sa.Column(
            "model_used", sa.Text(), nullable=True, comment="The language model, if one was used."
        ),
        sa.Column(
            "cost_cents",
            sa.Numeric(precision=12, scale=4),
            server_default=sa.text("0"),
            nullable=False,
            comment="The cost in cents, with fractions.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.CheckConstraint(
            "octet_length(event_data::text) <= 262144"
            " and not jsonb_path_exists(event_data, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(event_data, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_usage_events_event_data_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(event_type) <= 200"
            r" and event_type ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_usage_events_event_type_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(model_used) <= 200", name=op.f("ck_usage_events_model_used_bounds")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(event_data) = 'object'", name=op.f("ck_usage_events_event_data_is_object")
        ),
        sa.CheckConstraint(
            "cost_cents >= 0 and cost_cents < 'NaN'",
            name=op.f("ck_usage_events_cost_cents_not_negative"),
        ),
        sa.CheckConstraint(
            "extract(year from created_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_usage_events_created_at_bounds"),
        ),
        sa.CheckConstraint(
            "tokens_used >= 0", name=op.f("ck_usage_events_tokens_used_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant_profiles.id"],
            name=op.f("fk_usage_events_tenant_id_tenant_profiles"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_usage_events_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_events")),
        comment="What tenants used, for billing; rows are only added.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_usage_events_created_at"),
        "usage_events",
        ["created_at"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_usage_events_event_type"),
        "usage_events",
        ["event_type"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_usage_events_tenant_id"),
        "usage_events",
        ["tenant_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "ix_usage_events_tenant_id_created_at",
        "usage_events",
        ["tenant_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_usage_events_user_id"),
        "usage_events",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="usage_events", grants={"authenticated": ("select",), "service_role": ("all",)}
        )
    )
    pg.create_entity(
        pg.Policy(
            table="usage_events",
            name="the tenant's owner can read",
            command="select",
            roles=("authenticated",),
            using="tenant_id = any (array(select private.my_tenant_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="usage_events",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Function(
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
                "p_created_at": ("timestamp with time zone default null::timestamp with time zone"),
            },
            returns="uuid",
            language="plpgsql",
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
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("service_role",),
            comment=(
                "Logs usage of a tenant for billing, once for each id; returns the id of the event."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_usage_summary",
            arguments={
                "p_month": "date",
                "p_tenant_id": "uuid default null::uuid",
                "tenant_id": "out uuid",
                "event_type": "out text",
                "model_used": "out text",
                "events": "out bigint",
                "tokens_used": "out numeric",
                "cost_cents": "out numeric",
            },
            returns="setof record",
            language="plpgsql",
            body="""
                declare
                    first constant timestamp := date_trunc('month', p_month::timestamp);
                    tenants constant uuid[] := array(
                        select mine.id
                        from private.my_tenant_ids() as mine (id)
                        where p_tenant_id is null or mine.id = p_tenant_id
                    );
                begin
                    return query
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
                        and u.tenant_id = any (tenants)
                    group by u.tenant_id, u.event_type, u.model_used
                    order by u.tenant_id, u.event_type, u.model_used;
                end
            """,
            volatility="stable",
            security="definer",
            settings={
                "search_path": "pg_catalog, pg_temp",
                "plan_cache_mode": "force_custom_plan",
            },
            execute=("authenticated",),
            comment="Sums up a month of the caller's tenants, or of one of them.",
        )
    )
    pg.create_entity(
        pg.Function(
            name="usage_summary",
            arguments={
                "p_month": "date",
                "p_tenant_id": "uuid default null::uuid",
                "tenant_id": "out uuid",
                "event_type": "out text",
                "model_used": "out text",
                "events": "out bigint",
                "tokens_used": "out numeric",
                "cost_cents": "out numeric",
            },
            returns="setof record",
            language="plpgsql",
            body="""
                declare
                    first constant timestamp := date_trunc('month', p_month::timestamp);
                begin
                    if
                        row_security_active('public.usage_events')
                        and not pg_has_role('service_role', 'usage')
                    then
                        return query
                        select s.*
                        from private.my_usage_summary(p_month, p_tenant_id) as s;
                        return;
                    end if;
                    return query
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
                        and (p_tenant_id is null or u.tenant_id = p_tenant_id)
                    group by u.tenant_id, u.event_type, u.model_used
                    order by u.tenant_id, u.event_type, u.model_used;
                end
            """,
            volatility="stable",
            settings={
                "search_path": "pg_catalog, pg_temp",
                "plan_cache_mode": "force_custom_plan",
            },
            execute=("authenticated", "service_role"),
            comment=(
                "Sums up a month of what the caller may read, by tenant, event type and model."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_newest_usage",
            arguments={
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
            },
            returns="setof record",
            language="plpgsql",
            body="""
                declare
                    tenant uuid;
                begin
                    for tenant in select private.my_tenant_ids() loop
                        return query
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
                        where u.tenant_id = tenant
                        order by u.created_at desc
                        limit p_limit;
                    end loop;
                end
            """,
            volatility="stable",
            security="definer",
            settings={
                "search_path": "pg_catalog, pg_temp",
                "plan_cache_mode": "force_custom_plan",
            },
            execute=("authenticated",),
            comment="Returns the newest usage events of each of the caller's tenants.",
        )
    )
    pg.create_entity(
        pg.Function(
            name="newest_usage",
            arguments={
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
            },
            returns="setof record",
            language="plpgsql",
            body="""
                begin
                    if
                        row_security_active('public.usage_events')
                        and not pg_has_role('service_role', 'usage')
                    then
                        return query
                        select n.*
                        from private.my_newest_usage(p_limit) as n
                        order by n.created_at desc
                        limit p_limit;
                        return;
                    end if;
                    return query
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
                    where u.tenant_id is not null
                    order by u.created_at desc
                    limit p_limit;
                end
            """,
            volatility="stable",
            settings={
                "search_path": "pg_catalog, pg_temp",
                "plan_cache_mode": "force_custom_plan",
            },
            execute=("authenticated", "service_role"),
            comment=("Returns the newest usage events that the caller may read, the newest first."),
        )
    )


def downgrade() -> None:
    lock_tables("public.usage_events", "public.tenant_profiles", "auth.users")
    drop_table("usage_events")
    pg.drop_entity(
        pg.Function.named(
            name="newest_usage",
            arguments={
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
            },
        )
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private",
            name="my_newest_usage",
            arguments={
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
            },
        )
    )
    pg.drop_entity(
        pg.Function.named(
            name="usage_summary",
            arguments={
                "p_month": "date",
                "p_tenant_id": "uuid default null::uuid",
                "tenant_id": "out uuid",
                "event_type": "out text",
                "model_used": "out text",
                "events": "out bigint",
                "tokens_used": "out numeric",
                "cost_cents": "out numeric",
            },
        )
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private",
            name="my_usage_summary",
            arguments={
                "p_month": "date",
                "p_tenant_id": "uuid default null::uuid",
                "tenant_id": "out uuid",
                "event_type": "out text",
                "model_used": "out text",
                "events": "out bigint",
                "tokens_used": "out numeric",
                "cost_cents": "out numeric",
            },
        )
    )
    pg.drop_entity(
        pg.Function.named(
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
                "p_created_at": ("timestamp with time zone default null::timestamp with time zone"),
            },
        )
    )
