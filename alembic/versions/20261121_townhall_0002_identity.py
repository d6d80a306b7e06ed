"""Profiles of people, and organizations with their members.

A downgrade destroys every profile, organization and membership.

Revision: townhall_0002
Revises: townhall_0001
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0002"
down_revision = "townhall_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables(
        "public.organization_members",
        "public.profiles",
        "public.organizations",
        writes_only=["auth.users"],
    )
    profiles()
    organizations()


def profiles() -> None:
    op.create_table(
        "profiles",
        sa.Column("id", sa.Uuid(), nullable=False, comment="The account, auth.users.id."),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True, comment="The stage of the person's company."),
        sa.Column(
            "industry", sa.Text(), nullable=True, comment="The industry of the person's company."
        ),
        sa.Column(
            "tier",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="The subscription tier: 0 free, 1 pro, 2 studio; written by the service.",
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
            "char_length(avatar_url) <= 2000", name=op.f("ck_profiles_avatar_url_bounds")
        ),
        sa.CheckConstraint(
            "char_length(full_name) <= 200", name=op.f("ck_profiles_full_name_bounds")
        ),
        sa.CheckConstraint(
            "char_length(industry) <= 200", name=op.f("ck_profiles_industry_bounds")
        ),
        sa.CheckConstraint("char_length(stage) <= 200", name=op.f("ck_profiles_stage_bounds")),
        sa.CheckConstraint("tier between 0 and 2", name=op.f("ck_profiles_tier_known")),
        sa.ForeignKeyConstraint(
            ["id"], ["auth.users.id"], name=op.f("fk_profiles_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profiles")),
        comment="The profile of a person; one row per account.",
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="profiles",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, full_name, avatar_url, stage, industry)",
                    "update (full_name, avatar_url, stage, industry)",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="profiles",
            name="the owner can read",
            command="select",
            roles=("authenticated",),
            using="id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="profiles",
            name="the owner can insert",
            command="insert",
            roles=("authenticated",),
            check="id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="profiles",
            name="the owner can update",
            command="update",
            roles=("authenticated",),
            using="id = (select auth.uid())",
            check="id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="profiles",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="profiles",
            name="update_profiles_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def organizations() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False, comment="The name in URLs."),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="The organization's preferences.",
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
            "char_length(name) <= 200"
            r" and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_organizations_name_bounds"),
        ),
        sa.CheckConstraint(
            "octet_length(settings::text) <= 262144"
            " and not jsonb_path_exists(settings, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(settings, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_organizations_settings_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(slug) <= 200"
            r" and slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_organizations_slug_bounds"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(settings) = 'object'", name=op.f("ck_organizations_settings_is_object")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organizations_slug")),
        comment="A company or group that runs events.",
        if_not_exists=True,
    )
    op.create_table(
        "organization_members",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Text(),
            server_default="viewer",
            nullable=False,
            comment="Owners manage the organization, managers its events; viewers read.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.CheckConstraint(
            "role in ('owner', 'manager', 'viewer')",
            name=op.f("ck_organization_members_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_organization_members_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_organization_members_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization_members")),
        sa.UniqueConstraint(
            "organization_id",
            "user_id",
            name=op.f("uq_organization_members_organization_id_user_id"),
        ),
        comment="The members of an organization, with their roles.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_organization_members_user_id_organization_id"),
        "organization_members",
        ["user_id", "organization_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_organization_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    perform set_config(
                        'asked_at.public.organizations.id', statement_timestamp()::text, true
                    );
                    return query
                    select mine.id::uuid
                    from (
                        select m.organization_id
                        from public.organization_members as m
                        where m.user_id = (select auth.uid())
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The organizations that the caller belongs to.",
        )
    )
    pg.create_entity(
        pg.View(
            schema="private",
            name="my_organization_ids_by_id",
            definition="""
                select mine.id::uuid
                from (
                    select m.organization_id
                    from public.organization_members as m
                    where m.user_id = (select auth.uid())
                ) as mine (id)
            """,
            security_invoker=False,
            security_barrier=True,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment="The ids of private.my_organization_ids(), for a lookup of single ones.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_organization_ids_include",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    return exists (
                        select
                        from private.my_organization_ids_by_id as mine
                        where mine.id = $1
                        offset 0
                    );
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether an id is one of private.my_organization_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_organization_ids_ask_for",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    if current_setting('asked_at.public.organizations.id', true)
                        is distinct from statement_timestamp()::text
                    then
                        perform
                            set_config(
                                'asked_for.public.organizations.id',
                                case
                                    when private.my_organization_ids_include($1)
                                        then array[$1]::text
                                    else ''
                                end,
                                true
                            ),
                            set_config(
                                'asked_at.public.organizations.id',
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
            " private.my_organization_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_managed_organization_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    perform set_config(
                        'asked_at.public.organizations.id', statement_timestamp()::text, true
                    );
                    return query
                    select mine.id::uuid
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
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The organizations whose events the caller manages, with an account.",
        )
    )
    pg.create_entity(
        pg.View(
            schema="private",
            name="my_managed_organization_ids_by_id",
            definition="""
                select mine.id::uuid
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
                ) as mine (id)
            """,
            security_invoker=False,
            security_barrier=True,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment=(
                "The ids of private.my_managed_organization_ids(), for a lookup of single ones."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_managed_organization_ids_include",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    return exists (
                        select
                        from private.my_managed_organization_ids_by_id as mine
                        where mine.id = $1
                        offset 0
                    );
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether an id is one of private.my_managed_organization_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_managed_organization_ids_ask_for",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    if current_setting('asked_at.public.organizations.id', true)
                        is distinct from statement_timestamp()::text
                    then
                        perform
                            set_config(
                                'asked_for.public.organizations.id',
                                case
                                    when private.my_managed_organization_ids_include($1)
                                        then array[$1]::text
                                    else ''
                                end,
                                true
                            ),
                            set_config(
                                'asked_at.public.organizations.id',
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
            " private.my_managed_organization_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_owned_organization_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    return query
                    select mine.id::uuid
                    from (
                        select mine.id
                        from (
                            select m.organization_id
                            from public.organization_members as m
                            where m.user_id = (select auth.uid())
                                and m.role in ('owner')
                        ) as mine (id)
                        where (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The organizations that the caller is an owner of, with an account.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="organizations",
            grants={
                "authenticated": ("select", "update (name, slug, settings)"),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organizations",
            name="members of the organization can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.organizations.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_organization_ids_ask_for(id) is not null
                )
                and (
                    id = any (
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
                    or id = any (array(select private.my_organization_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organizations",
            name="owners of the organization can update",
            command="update",
            roles=("authenticated",),
            using="id = any (array(select private.my_owned_organization_ids()))",
            check="id = any (array(select private.my_owned_organization_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organizations",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="organizations",
            name="update_organizations_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="organization_members",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, organization_id, user_id, role)",
                    "update (role)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
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
            table="organization_members",
            name="owners of the organization can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                organization_id = any (array(select private.my_owned_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
            name="owners of the organization can update",
            command="update",
            roles=("authenticated",),
            using="""
                organization_id = any (array(select private.my_owned_organization_ids()))
            """,
            check="""
                organization_id = any (array(select private.my_owned_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
            name="owners of the organization can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                organization_id = any (array(select private.my_owned_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
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
            name="hold_owned_organizations",
            language="plpgsql",
            body="""
                begin
                    perform
                    from public.organizations as g
                    where g.id in (
                        select m.organization_id
                        from public.organization_members as m
                        where m.user_id = (select auth.uid()) and m.role = 'owner'
                    )
                    order by g.id
                    for no key update;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=("Locks the organizations that the caller owns until the transaction ends."),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="keep_owner_of_organization",
            language="plpgsql",
            body="""
                declare
                    changed uuid;
                begin
                    for changed in
                        select distinct o.organization_id
                        from old_members as o
                        where o.role = 'owner'
                    loop
                        perform
                        from public.organization_members as m
                        where m.organization_id = changed and m.role = 'owner'
                        limit 1
                        for share;
                        if not found then
                            raise exception 'organization % would have no owner', changed
                                using errcode = 'check_violation',
                                    hint = 'Make another member an owner first.',
                                    schema = 'public',
                                    table = 'organization_members',
                                    column = 'role',
                                    constraint = 'organization_has_owner';
                        end if;
                    end loop;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Refuses a statement after which the organization has no owner.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="organization_members",
            name="hold_owned_organizations",
            timing="before",
            events=("update", "delete"),
            level="statement",
            condition="""
                row_security_active('public.organization_members')
                and not pg_has_role('service_role', 'usage')
            """,
            function="private.hold_owned_organizations",
            comment=("Two owners of one organization change its members one after the other."),
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="organization_members",
            name="keep_owner_on_update",
            timing="after",
            events=("update",),
            level="statement",
            condition="""
                row_security_active('public.organization_members')
                and not pg_has_role('service_role', 'usage')
            """,
            old_table="old_members",
            function="private.keep_owner_of_organization",
            comment=(
                "A client can't remove the last owner of the organization, or change the role."
            ),
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="organization_members",
            name="keep_owner_on_delete",
            timing="after",
            events=("delete",),
            level="statement",
            condition="""
                row_security_active('public.organization_members')
                and not pg_has_role('service_role', 'usage')
            """,
            old_table="old_members",
            function="private.keep_owner_of_organization",
            comment=(
                "A client can't remove the last owner of the organization, or change the role."
            ),
        )
    )


def downgrade() -> None:
    lock_tables(
        "public.organization_members", "public.profiles", "public.organizations", "auth.users"
    )
    for suffix in ("ask_for", "include"):
        pg.drop_entity(
            pg.Function.named(
                schema="private",
                name=f"my_managed_organization_ids_{suffix}",
                arguments={"asked_id": "uuid"},
            )
        )
    pg.drop_entity(pg.View.named(schema="private", name="my_managed_organization_ids_by_id"))
    pg.drop_entity(pg.View.named(schema="private", name="my_organization_ids_by_id"))
    drop_table("organization_members")
    drop_table("organizations")
    drop_table("profiles")
    pg.drop_entity(pg.Function.named(schema="private", name="keep_owner_of_organization"))
    pg.drop_entity(pg.Function.named(schema="private", name="hold_owned_organizations"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_owned_organization_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_managed_organization_ids"))
    for suffix in ("ask_for", "include"):
        pg.drop_entity(
            pg.Function.named(
                schema="private",
                name=f"my_organization_ids_{suffix}",
                arguments={"asked_id": "uuid"},
            )
        )
    pg.drop_entity(pg.Function.named(schema="private", name="my_organization_ids"))
