"""Cohorts of founders.

A downgrade destroys every cohort and every membership in one.

Revision: townhall_0013
Revises: townhall_0012
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0013"
down_revision = "townhall_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.cohort_members", "public.cohorts", writes_only=["auth.users"])
    op.create_table(
        "cohorts",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cohort_type", sa.Text(), server_default="stage", nullable=False),
        sa.Column(
            "max_members",
            sa.Integer(),
            server_default=sa.text("8"),
            nullable=False,
            comment="The size that the matching aims for; not enforced by the database.",
        ),
        sa.Column("status", sa.Text(), server_default="forming", nullable=False),
        sa.Column(
            "match_criteria",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="The criteria by which the group was matched.",
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
            "octet_length(match_criteria::text) <= 262144"
            " and not jsonb_path_exists(match_criteria, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(match_criteria, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_cohorts_match_criteria_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200"
            r" and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_cohorts_name_bounds"),
        ),
        sa.CheckConstraint(
            "cohort_type in ('stage', 'industry', 'custom')",
            name=op.f("ck_cohorts_cohort_type_known"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(match_criteria) = 'object'",
            name=op.f("ck_cohorts_match_criteria_is_object"),
        ),
        sa.CheckConstraint(
            "status in ('forming', 'active', 'archived')", name=op.f("ck_cohorts_status_known")
        ),
        sa.CheckConstraint("max_members > 0", name=op.f("ck_cohorts_max_members_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohorts")),
        comment="A small group of founders; only its active members can read it.",
        if_not_exists=True,
    )
    op.create_table(
        "cohort_members",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), server_default="member", nullable=False),
        sa.Column(
            "joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "left_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the founder left; a value ends the membership.",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether the membership is active; false ends it.",
        ),
        sa.CheckConstraint(
            "extract(year from joined_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_cohort_members_joined_at_bounds"),
        ),
        sa.CheckConstraint(
            "extract(year from left_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_cohort_members_left_at_bounds"),
        ),
        sa.CheckConstraint(
            "role in ('member', 'facilitator')", name=op.f("ck_cohort_members_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_cohort_members_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"],
            ["cohorts.id"],
            name=op.f("fk_cohort_members_cohort_id_cohorts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_members")),
        sa.UniqueConstraint(
            "cohort_id", "user_id", name=op.f("uq_cohort_members_cohort_id_user_id")
        ),
        comment="The members of a cohort; a founder who left can't read it.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_cohort_members_user_id"),
        "cohort_members",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_cohort_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    perform set_config(
                        'asked_at.public.cohorts.id', statement_timestamp()::text, true
                    );
                    return query
                    select mine.id::uuid
                    from (
                        select m.cohort_id
                        from public.cohort_members as m
                        where m.user_id = (select auth.uid())
                            and m.is_active
                            and m.left_at is null
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The cohorts that the caller belongs to and has not left.",
        )
    )
    pg.create_entity(
        pg.View(
            schema="private",
            name="my_cohort_ids_by_id",
            definition="""
                select mine.id::uuid
                from (
                    select m.cohort_id
                    from public.cohort_members as m
                    where m.user_id = (select auth.uid())
                        and m.is_active
                        and m.left_at is null
                ) as mine (id)
            """,
            security_invoker=False,
            security_barrier=True,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment="The ids of private.my_cohort_ids(), for a lookup of single ones.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_cohort_ids_include",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    return exists (
                        select
                        from private.my_cohort_ids_by_id as mine
                        where mine.id = $1
                        offset 0
                    );
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether an id is one of private.my_cohort_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_cohort_ids_ask_for",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    if current_setting('asked_at.public.cohorts.id', true)
                        is distinct from statement_timestamp()::text
                    then
                        perform
                            set_config(
                                'asked_for.public.cohorts.id',
                                case
                                    when private.my_cohort_ids_include($1)
                                        then array[$1]::text
                                    else ''
                                end,
                                true
                            ),
                            set_config(
                                'asked_at.public.cohorts.id',
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
            comment="Asks for the first id of a statement that is one of private.my_cohort_ids().",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="cohorts", grants={"authenticated": ("select",), "service_role": ("all",)}
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohorts",
            name="active members of the cohort can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.cohorts.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_cohort_ids_ask_for(id) is not null
                )
                and (
                    id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.cohorts.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_cohort_ids_include(asked.id)
                        )
                    )
                    or id = any (array(select private.my_cohort_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohorts",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="cohort_members",
            grants={"authenticated": ("select", "delete"), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohort_members",
            name="active members of the cohort or the owner can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.cohorts.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_cohort_ids_ask_for(cohort_id) is not null
                )
                and (
                    user_id = (select auth.uid())
                    or cohort_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.cohorts.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_cohort_ids_include(asked.id)
                        )
                    )
                    or cohort_id = any (array(select private.my_cohort_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohort_members",
            name="the owner can delete",
            command="delete",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="cohort_members",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="cohorts",
            name="update_cohorts_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    lock_tables("public.cohort_members", "public.cohorts", "auth.users")
    pg.drop_entity(pg.View.named(schema="private", name="my_cohort_ids_by_id"))
    drop_table("cohort_members")
    drop_table("cohorts")
    for suffix in ("ask_for", "include"):
        pg.drop_entity(
            pg.Function.named(
                schema="private", name=f"my_cohort_ids_{suffix}", arguments={"asked_id": "uuid"}
            )
        )
    pg.drop_entity(pg.Function.named(schema="private", name="my_cohort_ids"))
