"""Tickets and sponsors of events.

A downgrade destroys every ticket and sponsor.

Revision: ticketing_0001
Revises:
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg

revision = "ticketing_0001"
down_revision = None
branch_labels = ("ticketing",)
depends_on = "townhall_0031"


def upgrade() -> None:
    op.create_table(
        "event_sponsors",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed; maintained by a trigger.",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_event_sponsors_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_sponsors")),
        comment="The sponsors of an event.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_event_sponsors_event_id"),
        "event_sponsors",
        ["event_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "holder_id",
            sa.Uuid(),
            nullable=True,
            comment="The account of the buyer; NULL while it is for sale.",
        ),
        sa.Column("price", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_tickets_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_tickets_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        comment="A ticket of an event.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_tickets_event_id"), "tickets", ["event_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        op.f("ix_tickets_holder_id"), "tickets", ["holder_id"], unique=False, if_not_exists=True
    )
    pg.create_entity(
        pg.TableAccess(
            table="tickets",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, event_id, holder_id, price)",
                    "update (holder_id, price)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tickets",
            name="members of the event or the holder can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_event_ids_ask_for(event_id) is not null
                )
                and (
                    holder_id = (select auth.uid())
                    or event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_event_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tickets",
            name="managers of the event can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.tickets.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tickets",
            name="managers of the event can update",
            command="update",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_managed_event_ids_ask_for(event_id) is not null
                )
                and (
                    event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_managed_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_managed_event_ids()))
                )
            """,
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.tickets.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tickets",
            name="managers of the event can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_managed_event_ids_ask_for(event_id) is not null
                )
                and (
                    event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_managed_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_managed_event_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tickets",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="event_sponsors",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, event_id, name, logo_url)",
                    "update (name, logo_url)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="event_sponsors",
            name="members of the event can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_event_ids_ask_for(event_id) is not null
                )
                and (
                    event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_event_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="event_sponsors",
            name="managers of the event can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.event_sponsors.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="event_sponsors",
            name="managers of the event can update",
            command="update",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_managed_event_ids_ask_for(event_id) is not null
                )
                and (
                    event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_managed_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_managed_event_ids()))
                )
            """,
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.event_sponsors.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="event_sponsors",
            name="managers of the event can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.events.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_managed_event_ids_ask_for(event_id) is not null
                )
                and (
                    event_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.events.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_managed_event_ids_include(asked.id)
                        )
                    )
                    or event_id = any (array(select private.my_managed_event_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="event_sponsors",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_ticketed_event_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    return query
                    select mine.id::uuid
                    from (
                        select t.event_id
                        from public.tickets as t
                        where t.holder_id = (select auth.uid())
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The events that the caller holds a ticket of.",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="ticket holders can read",
            command="select",
            roles=("authenticated",),
            using="id = any (array(select private.my_ticketed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="keep_sold_price",
            language="plpgsql",
            body="""
                begin
                    raise check_violation
                    using
                        message = 'the price of a sold ticket is fixed',
                        schema = 'public',
                        table = 'tickets',
                        column = 'price',
                        constraint = 'price_is_kept';
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Refuses a change of the price of a sold ticket.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="tickets",
            name="keep_sold_price",
            timing="before",
            events=("update",),
            columns=("price",),
            condition="old.holder_id is not null and new.price is distinct from old.price",
            function="private.keep_sold_price",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="event_sponsors",
            name="update_event_sponsors_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    pg.create_entity(
        pg.View(
            name="ticket_sales",
            definition="""
                select
                    t.event_id,
                    count(*) as tickets,
                    count(t.holder_id) as sold,
                    coalesce(sum(t.price) filter (where t.holder_id is not null), 0) as revenue
                from public.tickets as t
                group by t.event_id
            """,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment="Tickets and revenue by event, of the tickets that the reader may read.",
        )
    )


def downgrade() -> None:
    pg.drop_entity(pg.View.named(name="ticket_sales"))
    pg.drop_entity(
        pg.Trigger.named(table="event_sponsors", name="update_event_sponsors_updated_at")
    )
    pg.drop_entity(pg.Trigger.named(table="tickets", name="keep_sold_price"))
    pg.drop_entity(pg.Function.named(schema="private", name="keep_sold_price"))
    pg.drop_entity(pg.Policy.named(table="events", name="ticket holders can read"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_ticketed_event_ids"))
    pg.drop_entity(pg.Policy.named(table="event_sponsors", name="the service can do everything"))
    pg.drop_entity(pg.Policy.named(table="event_sponsors", name="managers of the event can delete"))
    pg.drop_entity(pg.Policy.named(table="event_sponsors", name="managers of the event can update"))
    pg.drop_entity(pg.Policy.named(table="event_sponsors", name="managers of the event can insert"))
    pg.drop_entity(pg.Policy.named(table="event_sponsors", name="members of the event can read"))
    pg.drop_entity(pg.Policy.named(table="tickets", name="the service can do everything"))
    pg.drop_entity(pg.Policy.named(table="tickets", name="managers of the event can delete"))
    pg.drop_entity(pg.Policy.named(table="tickets", name="managers of the event can update"))
    pg.drop_entity(pg.Policy.named(table="tickets", name="managers of the event can insert"))
    pg.drop_entity(
        pg.Policy.named(table="tickets", name="members of the event or the holder can read")
    )
    op.drop_table("tickets", if_exists=True)
    op.drop_table("event_sponsors", if_exists=True)
