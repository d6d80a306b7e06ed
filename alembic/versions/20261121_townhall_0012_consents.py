"""Consents, the audit of their changes, and the directory of those who consented to it.

A trigger writes the audit in the transaction that changes a consent.

A downgrade destroys every consent and the whole audit.

Revision: townhall_0012
Revises: townhall_0011
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0012"
down_revision = "townhall_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables(
        "public.consent_audit_log", "public.consent_preferences", writes_only=["auth.users"]
    )
    op.create_table(
        "consent_audit_log",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column(
            "previous_value",
            sa.Boolean(),
            nullable=False,
            comment="Whether the user had consented before the change.",
        ),
        sa.Column(
            "new_value",
            sa.Boolean(),
            nullable=False,
            comment="Whether the user consents since the change.",
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When; changes of one transaction are in order.",
        ),
        sa.Column(
            "changed_by",
            sa.Uuid(),
            nullable=True,
            comment="The account whose session changed it; null for the service.",
        ),
        sa.Column(
            "ip_address",
            sa.Text(),
            nullable=True,
            comment="The client's IP address, as the request states it.",
        ),
        sa.Column(
            "user_agent",
            sa.Text(),
            nullable=True,
            comment="The client's user agent, as the request states it.",
        ),
        sa.CheckConstraint(
            "char_length(ip_address) <= 2000", name=op.f("ck_consent_audit_log_ip_address_bounds")
        ),
        sa.CheckConstraint(
            "char_length(user_agent) <= 2000", name=op.f("ck_consent_audit_log_user_agent_bounds")
        ),
        sa.CheckConstraint(
            "category in ('benchmarks', 'social_feed', 'directory', 'messaging', "
            "'investor_intros')",
            name=op.f("ck_consent_audit_log_category_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_consent_audit_log_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_audit_log")),
        comment="Every new consent and every change of one; written only by a trigger.",
        if_not_exists=True,
    )
    op.create_table(
        "consent_preferences",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column(
            "enabled",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether the user consents.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed; maintained by a trigger.",
        ),
        sa.CheckConstraint(
            "category in ('benchmarks', 'social_feed', 'directory', 'messaging', "
            "'investor_intros')",
            name=op.f("ck_consent_preferences_category_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_consent_preferences_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_preferences")),
        sa.UniqueConstraint(
            "user_id", "category", name=op.f("uq_consent_preferences_user_id_category")
        ),
        comment="A user's consents; no row means none. Only the user can read them.",
        if_not_exists=True,
    )
    op.create_index(
        "ix_consent_audit_log_changed_by",
        "consent_audit_log",
        ["changed_by"],
        unique=False,
        postgresql_where=sa.text("changed_by <> user_id"),
        if_not_exists=True,
    )
    op.create_index(
        "ix_consent_audit_log_user_id_changed_at",
        "consent_audit_log",
        ["user_id", sa.literal_column("changed_at DESC")],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="record_consent",
            arguments={
                "user_id": "uuid",
                "category": "text",
                "previous_value": "boolean",
                "new_value": "boolean",
            },
            returns="void",
            body="""
                insert into public.consent_audit_log (
                    user_id, category, previous_value, new_value, changed_by, ip_address, user_agent
                )
                select
                    u.id,
                    record_consent.category,
                    record_consent.previous_value,
                    record_consent.new_value,
                    (select auth.uid()),
                    nullif(
                        left(
                            trim(split_part(h.headers ->> 'x-forwarded-for', ',', 1)), 2000
                        ),
                        ''
                    ),
                    nullif(left(h.headers ->> 'user-agent', 2000), '')
                from auth.users as u
                cross join (
                    select nullif(current_setting('request.headers', true), '')::jsonb
                ) as h (headers)
                where u.id = record_consent.user_id
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=("Writes an answer to consent_audit_log, unless the account is deleted."),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="audit_consent",
            language="plpgsql",
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
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Writes an insert of a consent, and what an update or delete "
                "changes of it, to consent_audit_log."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="audit_emptied_consents",
            language="plpgsql",
            body="""
                begin
                    perform private.record_consent(c.user_id, c.category, true, false)
                    from public.consent_preferences as c
                    where c.enabled;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Writes the end of every enabled consent to consent_audit_log.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="consent_preferences",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, user_id, category, enabled)",
                    "update (enabled)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the owner can read",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the owner with an account can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (user_id = (select auth.uid()))
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the owner with an account can update",
            command="update",
            roles=("authenticated",),
            using="""
                (user_id = (select auth.uid()))
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
            check="""
                (user_id = (select auth.uid()))
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the owner can delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_preferences",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="consent_audit_log",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_audit_log",
            name="the owner can read",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="consent_audit_log",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="consent_preferences",
            name="update_consent_preferences_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="hold_account",
            language="plpgsql",
            body="""
                begin
                    if has_any_column_privilege('auth.users', 'update') then
                        perform
                        from auth.users as u
                        where u.id = (select auth.uid())
                        for key share;
                    end if;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Locks the caller's account against deletion until the transaction ends.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="consent_preferences",
            name="hold_account",
            timing="before",
            events=("insert", "update", "delete"),
            level="statement",
            function="private.hold_account",
            comment="Prevents a deadlock between the audit and the deletion of an account.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="consent_preferences",
            name="audit_consent",
            timing="after",
            events=("insert", "update", "delete"),
            function="private.audit_consent",
            comment=("Inserts a row into consent_audit_log for each first answer and each change."),
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="consent_preferences",
            name="audit_emptied_consents",
            timing="before",
            events=("truncate",),
            level="statement",
            function="private.audit_emptied_consents",
            comment="Inserts a row into consent_audit_log for every enabled consent.",
        )
    )
    directory()


def directory() -> None:
    pg.create_entity(
        pg.Function(
            schema="private",
            name="directory_page",
            arguments={
                "after_created_at": "timestamp with time zone default null",
                "after_id": "uuid default null",
                "page_size": "integer default 20",
            },
            returns=(
                "table (user_id uuid, display_name text, avatar_url text, bio"
                " text, stage text, industry text, achievements text[], "
                "created_at timestamptz, id uuid)"
            ),
            body="""
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
                            and c.category = 'directory'
                    )
                order by p.created_at desc, p.id desc
                limit directory_page.page_size
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment=(
                "A page of the profiles of founders who consented to the "
                "directory, newest first, with the fields that they show."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="directory_page",
            arguments={
                "after_created_at": "timestamp with time zone default null",
                "after_id": "uuid default null",
                "page_size": "integer default 20",
            },
            returns=(
                "table (user_id uuid, display_name text, avatar_url text, bio"
                " text, stage text, industry text, achievements text[], "
                "created_at timestamptz, id uuid)"
            ),
            body="""
                select * from private.directory_page(after_created_at, after_id, page_size)
            """,
            volatility="stable",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment=(
                "A page of the profiles of founders who consented to the "
                "directory, newest first, with the fields that they show."
            ),
        )
    )


def downgrade() -> None:
    lock_tables("public.consent_audit_log", "public.consent_preferences", "auth.users")
    arguments = {
        "after_created_at": "timestamp with time zone default null",
        "after_id": "uuid default null",
        "page_size": "integer default 20",
    }
    pg.drop_entity(pg.Function.named(name="directory_page", arguments=arguments))
    pg.drop_entity(pg.Function.named(schema="private", name="directory_page", arguments=arguments))
    drop_table("consent_preferences")
    drop_table("consent_audit_log")
    pg.drop_entity(pg.Function.named(schema="private", name="hold_account"))
    pg.drop_entity(pg.Function.named(schema="private", name="audit_emptied_consents"))
    pg.drop_entity(pg.Function.named(schema="private", name="audit_consent"))
    pg.drop_entity(
        pg.Function.named(
            schema="private",
            name="record_consent",
            arguments={
                "user_id": "uuid",
                "category": "text",
                "previous_value": "boolean",
                "new_value": "boolean",
            },
        )
    )
