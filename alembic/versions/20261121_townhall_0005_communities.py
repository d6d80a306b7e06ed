"""Communities of founders and their members.

A community that exists already and has no owner gets its creator as one.

A downgrade destroys every community and every membership.

Revision: townhall_0005
Revises: townhall_0004
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0005"
down_revision = "townhall_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.community_members", "public.communities", writes_only=["auth.users"])
    communities()
    members()
    owners()


def communities() -> None:
    op.create_table(
        "communities",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False, comment="The name in URLs."),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column(
            "created_by",
            sa.Uuid(),
            nullable=True,
            comment="The account that created it; null once that account is deleted.",
        ),
        sa.Column(
            "is_private",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment=(
                "Whether only its members and its creator can read it; all below it are private."
            ),
        ),
        sa.Column(
            "is_archived",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether it is closed; only its owners and its creator can read it then.",
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
            "char_length(description) <= 20000", name=op.f("ck_communities_description_bounds")
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200"
            r" and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_communities_name_bounds"),
        ),
        sa.CheckConstraint(
            "char_length(slug) <= 200"
            r" and slug ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_communities_slug_bounds"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["auth.users.id"],
            name=op.f("fk_communities_created_by_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_communities")),
        sa.UniqueConstraint("slug", name=op.f("uq_communities_slug")),
        comment="A place where founders meet.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_communities_created_by"),
        "communities",
        ["created_by"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "community_members",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), server_default="member", nullable=False),
        sa.Column(
            "joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "role in ('member', 'moderator', 'owner')", name=op.f("ck_community_members_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"],
            ["communities.id"],
            name=op.f("fk_community_members_community_id_communities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_community_members_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_members")),
        sa.UniqueConstraint(
            "community_id", "user_id", name=op.f("uq_community_members_community_id_user_id")
        ),
        comment="The members of a community, with their roles.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_community_members_user_id"),
        "community_members",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_community_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    perform set_config(
                        'asked_at.public.communities.id', statement_timestamp()::text, true
                    );
                    return query
                    select mine.id::uuid
                    from (
                        select m.community_id
                        from public.community_members as m
                        where m.user_id = (select auth.uid())
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The communities that the caller belongs to.",
        )
    )
    pg.create_entity(
        pg.View(
            schema="private",
            name="my_community_ids_by_id",
            definition="""
                select mine.id::uuid
                from (
                    select m.community_id
                    from public.community_members as m
                    where m.user_id = (select auth.uid())
                ) as mine (id)
            """,
            security_invoker=False,
            security_barrier=True,
            grants={"authenticated": ("select",), "service_role": ("select",)},
            comment="The ids of private.my_community_ids(), for a lookup of single ones.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_community_ids_include",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    return exists (
                        select
                        from private.my_community_ids_by_id as mine
                        where mine.id = $1
                        offset 0
                    );
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether an id is one of private.my_community_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_community_ids_ask_for",
            arguments={"asked_id": "uuid"},
            returns="boolean",
            language="plpgsql",
            body="""
                begin
                    if current_setting('asked_at.public.communities.id', true)
                        is distinct from statement_timestamp()::text
                    then
                        perform
                            set_config(
                                'asked_for.public.communities.id',
                                case
                                    when private.my_community_ids_include($1)
                                        then array[$1]::text
                                    else ''
                                end,
                                true
                            ),
                            set_config(
                                'asked_at.public.communities.id',
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
            " private.my_community_ids().",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_moderated_community_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    return query
                    select mine.id::uuid
                    from (
                        select mine.id
                        from (
                            select m.community_id
                            from public.community_members as m
                            where m.user_id = (select auth.uid())
                                and m.role in ('moderator', 'owner')
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
            comment="The communities that the caller is a moderator or an owner of, with an"
            " account.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_owned_community_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    return query
                    select mine.id::uuid
                    from (
                        select mine.id
                        from (
                            select m.community_id
                            from public.community_members as m
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
            comment="The communities that the caller is an owner of, with an account.",
        )
    )
    pg.create_entity(
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
    pg.create_entity(
        pg.Function(
            schema="private",
            name="add_creator_as_owner",
            language="plpgsql",
            body="""
                begin
                    insert into public.community_members (community_id, user_id, role)
                    values (new.id, new.created_by, 'owner');
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Makes the creator of a new community a member of it, as its owner.",
        )
    )
    pg.create_entity(
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
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="the creator, owners or visitors can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (not is_archived) is not true
                    or (
                        select current_setting('asked_at.public.communities.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_community_ids_ask_for(id) is not null
                )
                and (
                    created_by = (select auth.uid())
                    or not is_archived and not is_private
                    or (
                        id = any (
                            array(
                                select asked.id
                                from unnest(
                                    nullif(
                                        current_setting('asked_for.public.communities.id', true), ''
                                    )::uuid[]
                                ) as asked (id)
                                where private.my_community_ids_include(asked.id)
                            )
                        )
                        or id = any (array(select private.my_community_ids()))
                    )
                    and (not is_archived)
                    or id = any (array(select private.my_owned_community_ids()))
                )
            """,
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
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="owners of the community can update",
            command="update",
            roles=("authenticated",),
            using="id = any (array(select private.my_owned_community_ids()))",
            check="id = any (array(select private.my_owned_community_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="communities",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="communities",
            name="update_communities_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="communities",
            name="add_creator_as_owner",
            timing="after",
            events=("insert",),
            condition="new.created_by is not null",
            function="private.add_creator_as_owner",
            comment="The creator of a community is its first owner.",
        )
    )


def members() -> None:
    pg.create_entity(
        pg.TableAccess(
            table="community_members",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, community_id, user_id, role)",
                    "update (role)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
            name="members of the community or the member can read",
            command="select",
            roles=("authenticated",),
            using="""
                (
                    (
                        select current_setting('asked_at.public.communities.id', true)
                            = statement_timestamp()::text
                    )
                    or private.my_community_ids_ask_for(community_id) is not null
                )
                and (
                    user_id = (select auth.uid())
                    or community_id = any (
                        array(
                            select asked.id
                            from unnest(
                                nullif(
                                    current_setting('asked_for.public.communities.id', true), ''
                                )::uuid[]
                            ) as asked (id)
                            where private.my_community_ids_include(asked.id)
                        )
                    )
                    or community_id = any (array(select private.my_community_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
            name="members with an account who may join, or owners can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    (user_id = (select auth.uid()))
                    and (role = 'member' and private.can_join_community(community_id))
                )
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
                or community_id = any (array(select private.my_owned_community_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
            name="owners of the community can update",
            command="update",
            roles=("authenticated",),
            using="community_id = any (array(select private.my_owned_community_ids()))",
            check="community_id = any (array(select private.my_owned_community_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
            name="the member, owners, or moderators removing members can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                user_id = (select auth.uid())
                or community_id = any (array(select private.my_owned_community_ids()))
                or (community_id = any (array(select private.my_moderated_community_ids())))
                and (role = 'member')
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="community_members",
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
            name="hold_owned_communities",
            language="plpgsql",
            body="""
                begin
                    perform
                    from public.communities as g
                    where g.id in (
                        select m.community_id
                        from public.community_members as m
                        where m.user_id = (select auth.uid()) and m.role = 'owner'
                    )
                    order by g.id
                    for no key update;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=("Locks the communities that the caller owns until the transaction ends."),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="keep_owner_of_community",
            language="plpgsql",
            body="""
                declare
                    changed uuid;
                begin
                    for changed in
                        select distinct o.community_id
                        from old_members as o
                        where o.role = 'owner'
                    loop
                        perform
                        from public.community_members as m
                        where m.community_id = changed and m.role = 'owner'
                        limit 1
                        for share;
                        if not found then
                            raise exception 'community % would have no owner', changed
                                using errcode = 'check_violation',
                                    hint = 'Make another member an owner first.',
                                    schema = 'public',
                                    table = 'community_members',
                                    column = 'role',
                                    constraint = 'community_has_owner';
                        end if;
                    end loop;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Refuses a statement after which the community has no owner.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="community_members",
            name="hold_owned_communities",
            timing="before",
            events=("update", "delete"),
            level="statement",
            condition="""
                row_security_active('public.community_members')
                and not pg_has_role('service_role', 'usage')
            """,
            function="private.hold_owned_communities",
            comment=("Two owners of one community change its members one after the other."),
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="community_members",
            name="keep_owner_on_update",
            timing="after",
            events=("update",),
            level="statement",
            condition="""
                row_security_active('public.community_members')
                and not pg_has_role('service_role', 'usage')
            """,
            old_table="old_members",
            function="private.keep_owner_of_community",
            comment=("A client can't remove the last owner of the community, or change the role."),
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="community_members",
            name="keep_owner_on_delete",
            timing="after",
            events=("delete",),
            level="statement",
            condition="""
                row_security_active('public.community_members')
                and not pg_has_role('service_role', 'usage')
            """,
            old_table="old_members",
            function="private.keep_owner_of_community",
            comment=("A client can't remove the last owner of the community, or change the role."),
        )
    )


def owners() -> None:
    """Make the creator an owner of each community that has none."""
    op.execute(
        """
        update public.community_members as m
        set role = 'owner'
        from public.communities as c
        where c.id = m.community_id
            and c.created_by = m.user_id
            and not exists (
                select
                from public.community_members as o
                where o.community_id = c.id
                    and o.role = 'owner'
            )
        """
    )
    op.execute(
        """
        insert into public.community_members (community_id, user_id, role)
        select c.id, c.created_by, 'owner'
        from public.communities as c
        where c.created_by is not null
            and not exists (
                select
                from public.community_members as o
                where o.community_id = c.id
                    and o.role = 'owner'
            )
        """
    )


def downgrade() -> None:
    lock_tables("public.community_members", "public.communities", "auth.users")
    pg.drop_entity(pg.View.named(schema="private", name="my_community_ids_by_id"))
    drop_table("community_members")
    drop_table("communities")
    pg.drop_entity(pg.Function.named(schema="private", name="keep_owner_of_community"))
    pg.drop_entity(pg.Function.named(schema="private", name="hold_owned_communities"))
    pg.drop_entity(pg.Function.named(schema="private", name="add_creator_as_owner"))
    pg.drop_entity(
        pg.Function.named(
            schema="private", name="can_join_community", arguments={"community_id": "uuid"}
        )
    )
    pg.drop_entity(pg.Function.named(schema="private", name="my_owned_community_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_moderated_community_ids"))
    for suffix in ("ask_for", "include"):
        pg.drop_entity(
            pg.Function.named(
                schema="private", name=f"my_community_ids_{suffix}", arguments={"asked_id": "uuid"}
            )
        )
    pg.drop_entity(pg.Function.named(schema="private", name="my_community_ids"))
