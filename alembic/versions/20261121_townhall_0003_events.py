"""Events and their participants.

A downgrade destroys every event and every participant.

Revision: townhall_0003
Revises: townhall_0002
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0003"
down_revision = "townhall_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables(
        "public.participants", "public.events", writes_only=["public.organizations", "auth.users"]
    )
    events()
    participants()


def events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment=("Preferences; default_networking_opt_in is the default of new participants."),
        ),
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
        sa.CheckConstraint(
            "char_length(description) <= 20000", name=op.f("ck_events_description_bounds")
        ),
        sa.CheckConstraint(
            "extract(year from ends_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_events_ends_at_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200"
            r" and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_events_name_bounds"),
        ),
        sa.CheckConstraint(
            "octet_length(settings::text) <= 262144"
            " and not jsonb_path_exists(settings, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(settings, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_events_settings_bounds"),
        ),
        sa.CheckConstraint(
            "extract(year from starts_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_events_starts_at_bounds"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(settings) = 'object'", name=op.f("ck_events_settings_is_object")
        ),
        sa.CheckConstraint(
            "status in ('draft', 'published', 'cancelled', 'completed')",
            name=op.f("ck_events_status_known"),
        ),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("ck_events_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_events_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        comment="An event of an organization.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_events_organization_id_created_at",
        "events",
        ["organization_id", sa.literal_column("created_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_event_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    perform set_config(
                        'asked_at.public.events.id', statement_timestamp()::text, true
                    );
                    return query
                    select mine.id::uuid
                    from (
                        select e.id
                        from public.events as e
                        where e.organization_id = any (array(select private.my_organization_ids()))
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The events of the organizations that the caller belongs to.",
        )
    )
    pg.create_entity(
        pg.View(
            schema="private",
            name="my_event_ids_by_id",
            definition="""
                select mine.id::uuid
                from (
                    select e.id
                    from public.events as e
                    where exists (
                        select
                        from public.organization_members as m
                        where m.organization_id = e.organization_id
                            and m.user_id = (select auth.uid())
                        offset 0
                    )
                ) as mine (id)
            """,
            security_invoker=False,
            security_barrier=True,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment="The ids of private.my_event_ids(), for a lookup of single ones.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_event_ids_include",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    return exists (
                        select
                        from private.my_event_ids_by_id as mine
                        where mine.id = $1
                        offset 0
                    );
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether an id is one of private.my_event_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_event_ids_ask_for",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    if current_setting('asked_at.public.events.id', true)
                        is distinct from statement_timestamp()::text
                    then
                        perform
                            set_config(
                                'asked_for.public.events.id',
                                case
                                    when private.my_event_ids_include($1)
                                        then array[$1]::text
                                    else ''
                                end,
                                true
                            ),
                            set_config(
                                'asked_at.public.events.id',
                                statement_timestamp()::text,
                                true
                            );
                    end if;
                    return true;
                end
            """,
            volatility="stable",
            settings={"search_path": "pg_catalog, pg_temp"},
            cost=1,
            execute=("authenticated", "service_role"),
            comment="Asks for the first id of a statement that is one of private.my_event_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_managed_event_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    perform set_config(
                        'asked_at.public.events.id', statement_timestamp()::text, true
                    );
                    return query
                    select mine.id::uuid
                    from (
                        select e.id
                        from public.events as e
                        where e.organization_id = any (
                            array(select private.my_managed_organization_ids())
                        )
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The events that the caller manages, with an account.",
        )
    )
    pg.create_entity(
        pg.View(
            schema="private",
            name="my_managed_event_ids_by_id",
            definition="""
                select mine.id::uuid
                from (
                    select e.id
                    from public.events as e
                    where exists (
                        select
                        from (
                            select mine.id
                            from (
                                select m.organization_id
                                from public.organization_members as m
                                where m.user_id = (select auth.uid())
                                    and m.role in ('owner', 'manager')
                            ) as mine (id)
                            where (
                                select
                                    nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                    ->> 'is_anonymous'
                            ) is distinct from 'true'
                        ) as managed (id)
                        where managed.id = e.organization_id
                        offset 0
                    )
                ) as mine (id)
            """,
            security_invoker=False,
            security_barrier=True,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment="The ids of private.my_managed_event_ids(), for a lookup of single ones.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_managed_event_ids_include",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    return exists (
                        select
                        from private.my_managed_event_ids_by_id as mine
                        where mine.id = $1
                        offset 0
                    );
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether an id is one of private.my_managed_event_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_managed_event_ids_ask_for",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    if current_setting('asked_at.public.events.id', true)
                        is distinct from statement_timestamp()::text
                    then
                        perform
                            set_config(
                                'asked_for.public.events.id',
                                case
                                    when private.my_managed_event_ids_include($1)
                                        then array[$1]::text
                                    else ''
                                end,
                                true
                            ),
                            set_config(
                                'asked_at.public.events.id',
                                statement_timestamp()::text,
                                true
                            );
                    end if;
                    return true;
                end
            """,
            volatility="stable",
            settings={"search_path": "pg_catalog, pg_temp"},
            cost=1,
            execute=("authenticated", "service_role"),
            comment="Asks for the first id of a statement that is one of"
            " private.my_managed_event_ids().",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="events",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, organization_id, name, description, starts_at, "
                        "ends_at, status, settings)"
                    ),
                    "update (name, description, starts_at, ends_at, status, settings)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="members of the organization can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.organizations.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_organization_ids_ask_for(organization_id) is not null
                )
                and (
                    organization_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.organizations.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_organization_ids_include(asked.id)
                        )
                    )
                    or organization_id = any (array(select private.my_organization_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="managers of the organization can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                exists (
                    select
                    from private.my_managed_organization_ids_by_id as mine
                    where mine.id = public.events.organization_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="managers of the organization can update",
            command="update",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.organizations.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_managed_organization_ids_ask_for(organization_id) is not null
                )
                and (
                    organization_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.organizations.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_managed_organization_ids_include(asked.id)
                        )
                    )
                    or organization_id = any (array(select private.my_managed_organization_ids()))
                )
            """,
            check="""
                exists (
                    select
                    from private.my_managed_organization_ids_by_id as mine
                    where mine.id = public.events.organization_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="managers of the organization can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.organizations.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_managed_organization_ids_ask_for(organization_id) is not null
                )
                and (
                    organization_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.organizations.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_managed_organization_ids_include(asked.id)
                        )
                    )
                    or organization_id = any (array(select private.my_managed_organization_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="events",
            name="update_events_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def participants() -> None:
    op.create_table(
        "participants",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "user_id",
            sa.Uuid(),
            nullable=True,
            comment="The person's account; null for a guest without one.",
        ),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column(
            "email",
            sa.Text(),
            nullable=True,
            comment="Unique within the event, without regard to case.",
        ),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="registered", nullable=False),
        sa.Column("is_vip", sa.Boolean(), server_default=sa.text("false"), nullable=False),
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
        sa.CheckConstraint("char_length(email) <= 2000", name=op.f("ck_participants_email_bounds")),
        sa.CheckConstraint(
            "char_length(first_name) <= 200", name=op.f("ck_participants_first_name_bounds")
        ),
        sa.CheckConstraint(
            "char_length(last_name) <= 200", name=op.f("ck_participants_last_name_bounds")
        ),
        sa.CheckConstraint("char_length(phone) <= 2000", name=op.f("ck_participants_phone_bounds")),
        sa.CheckConstraint(
            "status in ('registered', 'confirmed', 'checked_in', 'cancelled')",
            name=op.f("ck_participants_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_participants_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_participants_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participants")),
        sa.UniqueConstraint("event_id", "id", name=op.f("uq_participants_event_id_id")),
        comment="A participant of an event, with or without an account.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_participants_lower_email",
        "participants",
        [sa.literal_column("lower(email)")],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_participants_user_id"),
        "participants",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "uq_participants_event_id_email",
        "participants",
        ["event_id", sa.literal_column("lower(email)")],
        unique=True,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_participant_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    return query
                    select mine.id::uuid
                    from (
                        select p.id
                        from public.participants as p
                        where p.user_id = (select auth.uid())
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The participants who have the caller's account.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="participants",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, event_id, user_id, first_name, last_name, email,"
                        " phone, status, is_vip)"
                    ),
                    "update (user_id, first_name, last_name, email, phone, status, is_vip)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participants",
            name="members of the event or the participant can read",
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
                    user_id = (select auth.uid())
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
            table="participants",
            name="managers of the event can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.participants.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participants",
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
                    where mine.id = public.participants.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participants",
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
            table="participants",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="participants",
            name="update_participants_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    lock_tables("public.participants", "public.events", "public.organizations", "auth.users")
    drop_table("participants")
    for name in ("my_managed_event_ids", "my_event_ids"):
        for suffix in ("ask_for", "include"):
            pg.drop_entity(
                pg.Function.named(
                    schema="private", name=f"{name}_{suffix}", arguments={"asked_id": "uuid"}
                )
            )
        pg.drop_entity(pg.View.named(schema="private", name=f"{name}_by_id"))
    drop_table("events")
    pg.drop_entity(pg.Function.named(schema="private", name="my_participant_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_managed_event_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_event_ids"))
