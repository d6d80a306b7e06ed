"""Communities within communities, their tiers and their sponsors.

The constraints and the index of the new columns follow in the next revision.

A downgrade destroys the parents and the tiers of communities, and every sponsor.

Revision: townhall_0009
Revises: townhall_0008
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_column, drop_table, lock_tables

revision = "townhall_0009"
down_revision = "townhall_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.subcommunity_sponsors", "public.communities", writes_only=["auth.users"])
    levels()
    sponsors()


def levels() -> None:
    op.add_column(
        "communities",
        sa.Column(
            "parent_community_id",
            sa.Uuid(),
            nullable=True,
            comment="The parent community; null at the top level. At most five levels.",
        ),
        if_not_exists=True,
    )
    op.add_column(
        "communities",
        sa.Column(
            "is_sponsored",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether it has a paying sponsor; written by the service.",
        ),
        if_not_exists=True,
    )
    op.add_column(
        "communities",
        sa.Column(
            "tier_required",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="The subscription tier that joining it requires: 0 free, 1 pro, 2 studio.",
        ),
        if_not_exists=True,
    )
    pg.replace_entity(
        pg.TableAccess(
            table="communities",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, name, slug, description, created_by, is_private,"
                        " is_archived, parent_community_id, tier_required)"
                    ),
                    (
                        "update (name, slug, description, is_private, is_archived, "
                        "parent_community_id, tier_required)"
                    ),
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.drop_entity(
        pg.Policy.named(table="communities", name="the creator with an account can insert")
    )
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="the creator with an account below what they moderate can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    (created_by = (select auth.uid()))
                    and (
                        parent_community_id is null
                        or parent_community_id = any (
                            array(select private.my_moderated_community_ids())
                        )
                    )
                )
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
    pg.replace_entity(
        pg.Function(
            schema="private",
            name="can_join_community",
            arguments={"community_id": "uuid"},
            returns="boolean",
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
                                where p.id = (select auth.uid())
                            ),
                            0
                        )
                )
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment=(
                "Whether a community is neither private nor archived, and the"
                " caller's tier suffices."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="check_community_levels",
            language="plpgsql",
            body="""
                declare
                    above uuid := new.parent_community_id;
                    next_above uuid;
                    above_is_private boolean;
                    parent_is_private boolean;
                    level integer := 1;
                begin
                    while above is not null and level <= 5 loop
                        if above = new.id then
                            raise check_violation
                            using
                                message = 'A community can not be below itself.',
                                schema = 'public',
                                table = 'communities',
                                column = 'parent_community_id',
                                constraint = 'community_is_not_below_itself';
                        end if;
                        select c.parent_community_id, c.is_private
                        into next_above, above_is_private
                        from public.communities as c
                        where c.id = above
                        for share;
                        parent_is_private := coalesce(parent_is_private, above_is_private);
                        level := level + 1;
                        above := next_above;
                    end loop;
                    if exists (
                        with recursive below (id, level) as (
                            select new.id, level
                            union all
                            select c.id, b.level + 1
                            from below as b
                            join public.communities as c on c.parent_community_id = b.id
                            where b.level <= 5
                                and new.parent_community_id is distinct from old.parent_community_id
                        )
                        select from below as b where b.level > 5
                    )
                    then
                        raise check_violation
                        using
                            message = 'Communities have at most 5 levels.',
                            schema = 'public',
                            table = 'communities',
                            column = 'parent_community_id',
                            constraint = 'community_levels';
                    end if;
                    if parent_is_private and not new.is_private then
                        raise check_violation
                        using
                            message = 'A community below a private one is private.',
                            schema = 'public',
                            table = 'communities',
                            column = 'is_private',
                            constraint = 'community_below_private_is_private';
                    end if;
                    if new.is_private and exists (
                        select
                        from public.communities as c
                        where c.parent_community_id = new.id
                            and not c.is_private
                    )
                    then
                        raise check_violation
                        using
                            message = 'A community with public ones below it can not be private.',
                            hint = 'Make those private first, or in the same statement.',
                            schema = 'public',
                            table = 'communities',
                            column = 'is_private',
                            constraint = 'community_above_public_is_public';
                    end if;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Refuses a community below itself, on a level too many, or "
                "public below a private one."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="check_parent_is_moderated",
            language="plpgsql",
            body="""
                begin
                    if new.parent_community_id <> all (
                        array(select private.my_moderated_community_ids())
                    )
                    then
                        raise insufficient_privilege
                        using
                            message = 'Only its owners and moderators put others below it.',
                            schema = 'public',
                            table = 'communities',
                            column = 'parent_community_id',
                            constraint = 'parent_community_is_moderated';
                    end if;
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Refuses a parent community that the caller does not moderate.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="communities",
            name="check_levels_on_insert",
            timing="after",
            events=("insert",),
            condition="new.parent_community_id is not null",
            function="private.check_community_levels",
            comment="Checks the place of a new community.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="communities",
            name="check_levels_on_update",
            timing="after",
            events=("update",),
            columns=("parent_community_id", "is_private"),
            condition="""
                (new.parent_community_id, new.is_private)
                is distinct from (old.parent_community_id, old.is_private)
            """,
            function="private.check_community_levels",
            comment=("Checks the place of a community that moves, or becomes private or public."),
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="communities",
            name="check_parent_is_moderated",
            timing="before",
            events=("update",),
            columns=("parent_community_id",),
            condition="""
                new.parent_community_id is distinct from old.parent_community_id
                and new.parent_community_id is not null
                and row_security_active('public.communities')
                and not pg_has_role('service_role', 'usage')
            """,
            function="private.check_parent_is_moderated",
            comment="A client can move a community only below one that they moderate.",
        )
    )


def sponsors() -> None:
    op.create_table(
        "subcommunity_sponsors",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "sponsor_user_id",
            sa.Uuid(),
            nullable=True,
            comment="The sponsor's account; null where there is none, or it was deleted.",
        ),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("sponsor_name", sa.Text(), nullable=False),
        sa.Column("sponsor_logo_url", sa.Text(), nullable=True),
        sa.Column("sponsor_url", sa.Text(), nullable=True),
        sa.Column(
            "is_featured",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether the sponsor is shown first.",
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the sponsorship began.",
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the sponsorship ends; null for no end.",
        ),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether the sponsor is shown.",
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
            "extract(year from expires_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_subcommunity_sponsors_expires_at_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(sponsor_logo_url) <= 2000",
            name=op.f("ck_subcommunity_sponsors_sponsor_logo_url_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(sponsor_name) <= 200"
            r" and sponsor_name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_subcommunity_sponsors_sponsor_name_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(sponsor_url) <= 2000",
            name=op.f("ck_subcommunity_sponsors_sponsor_url_bounds"),
        ),
        sa.CheckConstraint(
            "extract(year from started_at at time zone 'UTC') between 2 and 9998",
            name=op.f("ck_subcommunity_sponsors_started_at_bounds"),
        ),
        sa.ForeignKeyConstraint(
            ["sponsor_user_id"],
            ["auth.users.id"],
            name=op.f("fk_subcommunity_sponsors_sponsor_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["communities.id"],
            name=op.f("fk_subcommunity_sponsors_community_id_communities"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subcommunity_sponsors")),
        sa.UniqueConstraint(
            "community_id",
            "sponsor_user_id",
            name=op.f("uq_subcommunity_sponsors_community_id_sponsor_user_id"),
        ),
        comment="The sponsors of a community.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_subcommunity_sponsors_sponsor_user_id"),
        "subcommunity_sponsors",
        ["sponsor_user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="subcommunity_sponsors",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="subcommunity_sponsors",
            name="signed-in users can read",
            command="select",
            roles=("authenticated",),
            using="true",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="subcommunity_sponsors",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="subcommunity_sponsors",
            name="update_subcommunity_sponsors_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    lock_tables("public.subcommunity_sponsors", "public.communities", "auth.users")
    drop_table("subcommunity_sponsors")
    pg.drop_entity(pg.Trigger.named(table="communities", name="check_parent_is_moderated"))
    pg.drop_entity(pg.Trigger.named(table="communities", name="check_levels_on_update"))
    pg.drop_entity(pg.Trigger.named(table="communities", name="check_levels_on_insert"))
    pg.drop_entity(pg.Function.named(schema="private", name="check_parent_is_moderated"))
    pg.drop_entity(pg.Function.named(schema="private", name="check_community_levels"))
    pg.replace_entity(
        pg.Function(
            schema="private",
            name="can_join_community",
            arguments={"community_id": "uuid"},
            returns="boolean",
            body="""
                select exists (
                    select
                    from public.communities as c
                    where c.id = can_join_community.community_id
                        and not c.is_private
                        and not c.is_archived
                )
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether a community is neither private nor archived.",
        )
    )
    pg.drop_entity(
        pg.Policy.named(
            table="communities",
            name="the creator with an account below what they moderate can insert",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="the creator with an account can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (created_by = (select auth.uid()))
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
    pg.replace_entity(
        pg.TableAccess(
            table="communities",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, name, slug, description, created_by, is_private, is_archived)",
                    "update (name, slug, description, is_private, is_archived)",
                ),
                "service_role": ("all",),
            },
        )
    )
    for column in ("tier_required", "is_sponsored", "parent_community_id"):
        drop_column("communities", column)
