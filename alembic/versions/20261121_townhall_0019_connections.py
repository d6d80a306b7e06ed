"""Connections between founders, and their blocks.

The policies for inserts of reactions, comments and messages, and for updates of comments, depend on
the blocks, and come with them.

A downgrade destroys every connection and every block.

Revision: townhall_0019
Revises: townhall_0018
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0019"
down_revision = "townhall_0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables(
        "public.social_feed_comments",
        "public.social_feed_reactions",
        "public.founder_connections",
        "public.founder_messages",
        writes_only=["auth.users"],
    )
    op.create_table(
        "founder_connections",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "requester_id", sa.Uuid(), nullable=False, comment="The account that sent the request."
        ),
        sa.Column(
            "recipient_id",
            sa.Uuid(),
            nullable=False,
            comment="The account that received the request.",
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default="pending",
            nullable=False,
            comment="The answer; blocked while one of the two blocks the other.",
        ),
        sa.Column(
            "source",
            sa.Text(),
            server_default="directory",
            nullable=False,
            comment="Where the requester found the recipient.",
        ),
        sa.Column(
            "declined_by",
            sa.Uuid(),
            nullable=True,
            comment="The party that declined or withdrew the request; maintained by a trigger.",
        ),
        sa.Column(
            "blocked_by_requester",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether the requester blocks the recipient; written by block_founder().",
        ),
        sa.Column(
            "blocked_by_recipient",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether the recipient blocks the requester; written by block_founder().",
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
            "(status = 'blocked') = (blocked_by_requester or blocked_by_recipient)",
            name=op.f("ck_founder_connections_blocked_by_a_party"),
        ),
        sa.CheckConstraint(
            "source in ('directory', 'cohort', 'fred_suggestion', 'community')",
            name=op.f("ck_founder_connections_source_known"),
        ),
        sa.CheckConstraint(
            "status in ('pending', 'accepted', 'blocked', 'declined')",
            name=op.f("ck_founder_connections_status_known"),
        ),
        sa.CheckConstraint(
            "requester_id <> recipient_id", name=op.f("ck_founder_connections_between_two")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["auth.users.id"],
            name=op.f("fk_founder_connections_recipient_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"],
            ["auth.users.id"],
            name=op.f("fk_founder_connections_requester_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_founder_connections")),
        sa.UniqueConstraint(
            "requester_id",
            "recipient_id",
            name=op.f("uq_founder_connections_requester_id_recipient_id"),
        ),
        comment=(
            "Requests of founders for a connection, their answers and blocks; one row per pair of"
            " founders."
        ),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_founder_connections_recipient_id"),
        "founder_connections",
        ["recipient_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "uq_founder_connections_pair",
        "founder_connections",
        [
            sa.literal_column("least(requester_id, recipient_id)"),
            sa.literal_column("greatest(requester_id, recipient_id)"),
        ],
        unique=True,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_blocked_user_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    return query
                    select mine.id::uuid
                    from (
                        select c.recipient_id
                        from public.founder_connections as c
                        where c.requester_id = (select auth.uid())
                            and c.status = 'blocked'
                        union all
                        select c.requester_id
                        from public.founder_connections as c
                        where c.recipient_id = (select auth.uid())
                            and c.status = 'blocked'
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The users who block the caller, and those whom the caller blocks.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="is_comment_of_blocked",
            arguments={"comment_id": "uuid"},
            returns="boolean",
            body="""
                select exists (
                    select
                    from public.social_feed_comments as c
                    where c.id = is_comment_of_blocked.comment_id
                        and c.author_id = any (array(select private.my_blocked_user_ids()))
                )
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment=(
                "Whether the author of a comment blocks the caller, or the caller that author."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="is_post_of_blocked",
            arguments={"post_id": "uuid"},
            returns="boolean",
            body="""
                select exists (
                    select
                    from public.social_feed_posts as p
                    where p.id = is_post_of_blocked.post_id
                        and p.author_id = any (array(select private.my_blocked_user_ids()))
                )
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="Whether the author of a post blocks the caller, or the caller that author.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="block_founder",
            arguments={"user_id": "uuid"},
            returns="void",
            language="plpgsql",
            body="""
                declare
                    caller uuid := (select auth.uid());
                begin
                    if caller is null then
                        raise insufficient_privilege
                        using message = 'Only a signed-in user can block a founder.',
                            schema = 'public',
                            table = 'founder_connections',
                            constraint = 'blocker_is_signed_in';
                    end if;
                    if not (
                        (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    ) then
                        raise insufficient_privilege
                        using message = 'Only a user with an account can block a founder.',
                            schema = 'public',
                            table = 'founder_connections',
                            constraint = 'blocker_has_account';
                    end if;
                    loop
                        update public.founder_connections as c
                        set
                            status = 'blocked',
                            blocked_by_requester =
                                c.blocked_by_requester or c.requester_id = caller,
                            blocked_by_recipient =
                                c.blocked_by_recipient or c.recipient_id = caller
                        where least(c.requester_id, c.recipient_id)
                                = least(caller, block_founder.user_id)
                            and greatest(c.requester_id, c.recipient_id)
                                = greatest(caller, block_founder.user_id);
                        exit when found;
                        insert into public.founder_connections (
                            requester_id, recipient_id, status, blocked_by_requester
                        )
                        values (
                            caller, block_founder.user_id, 'blocked', true
                        )
                        on conflict do nothing;
                        exit when found;
                    end loop;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Blocks a founder for the caller: neither asks the other for "
                "a connection, nor sends them messages, reactions or "
                "comments."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="block_founder",
            arguments={"user_id": "uuid"},
            returns="void",
            body="select private.block_founder(user_id)",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Blocks a founder for the caller: neither asks the other for "
                "a connection, nor sends them messages, reactions or "
                "comments."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="unblock_founder",
            arguments={"user_id": "uuid"},
            returns="void",
            language="plpgsql",
            body="""
                declare
                    caller uuid := (select auth.uid());
                    blocked uuid;
                begin
                    if caller is null then
                        raise insufficient_privilege
                        using message = 'Only a signed-in user can unblock a founder.',
                            schema = 'public',
                            table = 'founder_connections',
                            constraint = 'blocker_is_signed_in';
                    end if;
                    select c.id
                    into blocked
                    from public.founder_connections as c
                    where least(c.requester_id, c.recipient_id)
                            = least(caller, unblock_founder.user_id)
                        and greatest(c.requester_id, c.recipient_id)
                            = greatest(caller, unblock_founder.user_id)
                        and c.status = 'blocked'
                    for update;
                    delete from public.founder_connections as c
                    where c.id = blocked
                        and not (c.blocked_by_requester and c.requester_id <> caller)
                        and not (c.blocked_by_recipient and c.recipient_id <> caller)
                        and coalesce(c.declined_by, caller) = caller;
                    update public.founder_connections as c
                    set
                        status = case
                            when c.blocked_by_requester and c.requester_id <> caller
                                or c.blocked_by_recipient and c.recipient_id <> caller
                                then 'blocked'
                            else 'declined'
                        end,
                        blocked_by_requester = c.blocked_by_requester and c.requester_id <> caller,
                        blocked_by_recipient = c.blocked_by_recipient and c.recipient_id <> caller
                    where c.id = blocked;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Ends the caller's block of a founder. A block by the founder"
                " stays, and so does their refusal of a request; without either"
                " the two can ask each other again."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="unblock_founder",
            arguments={"user_id": "uuid"},
            returns="void",
            body="select private.unblock_founder(user_id)",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Ends the caller's block of a founder. A block by the founder"
                " stays, and so does their refusal of a request; without either"
                " the two can ask each other again."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="keep_connection",
            language="plpgsql",
            body="""
                declare
                    caller uuid := (select auth.uid());
                begin
                    if new.status <> 'blocked'
                        and old.status = 'blocked'
                    then
                        new.blocked_by_requester := false;
                        new.blocked_by_recipient := false;
                    elsif new.blocked_by_requester or new.blocked_by_recipient then
                        new.status := 'blocked';
                    elsif new.status = 'blocked' then
                        new.blocked_by_recipient := true;
                    end if;
                    if new.status = 'declined' then
                        new.declined_by := coalesce(
                            new.declined_by,
                            case
                                when caller = new.requester_id then caller
                                else new.recipient_id
                            end
                        );
                    elsif new.status <> 'blocked' then
                        new.declined_by := null;
                    end if;
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Keeps who declined and who blocks in agreement with the status of a connection."
            ),
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="founder_connections",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, requester_id, recipient_id, status, source)",
                    "update (status)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the requester or the recipient can read",
            command="select",
            roles=("authenticated",),
            using="""
                requester_id = (select auth.uid())
                or recipient_id = (select auth.uid())
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the requester with an account asking to connect can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    (requester_id = (select auth.uid()))
                    and (
                        (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    )
                )
                and (status = 'pending')
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the requester or the recipient of a pending request can update",
            command="update",
            roles=("authenticated",),
            using="""
                (
                    requester_id = (select auth.uid())
                    or recipient_id = (select auth.uid())
                )
                and (status = 'pending')
            """,
            check="""
                (
                    (recipient_id = (select auth.uid()))
                    and (
                        (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    )
                )
                and (status = 'accepted')
                or (
                    requester_id = (select auth.uid())
                    or recipient_id = (select auth.uid())
                )
                and (status = 'declined')
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the requester or the recipient if theirs to end can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                (
                    requester_id = (select auth.uid())
                    or recipient_id = (select auth.uid())
                )
                and (
                    status = 'accepted'
                    or status = 'pending' and requester_id = (select auth.uid())
                    or status = 'declined' and (select auth.uid()) = declined_by
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="founder_connections",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="founder_connections",
            name="update_founder_connections_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="founder_connections",
            name="keep_connection",
            timing="before",
            events=("insert", "update"),
            function="private.keep_connection",
            comment="Maintains declined_by, and the sides of a block.",
        )
    )
    unless_blocked()


def unless_blocked() -> None:
    pg.create_entity(
        pg.Policy(
            table="social_feed_reactions",
            name="readers of the post with an account unless blocked can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    (user_id = (select auth.uid()))
                    and (
                        exists (
                            select
                            from public.social_feed_posts as parent
                            where parent.id = social_feed_reactions.post_id
                                and (
                                    parent.author_id
                                    <> all (array(select private.my_blocked_user_ids()))
                                )
                            offset 0
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
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="readers of the post with an account unless blocked can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    (author_id = (select auth.uid()))
                    and (
                        exists (
                            select
                            from public.social_feed_posts as parent
                            where parent.id = social_feed_comments.post_id
                                and (
                                    parent.author_id
                                    <> all (array(select private.my_blocked_user_ids()))
                                )
                            offset 0
                        )
                        and (
                            parent_comment_id is null
                            or not private.is_comment_of_blocked(parent_comment_id)
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
    pg.create_entity(
        pg.Policy(
            table="social_feed_comments",
            name="the author with an account can update",
            command="update",
            roles=("authenticated",),
            using="""
                (author_id = (select auth.uid()))
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
            check="""
                (
                    (author_id = (select auth.uid()))
                    and (
                        not private.is_post_of_blocked(post_id)
                        and (
                            parent_comment_id is null
                            or not private.is_comment_of_blocked(parent_comment_id)
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
    pg.create_entity(
        pg.Policy(
            table="founder_messages",
            name="the sender with an account to another unless blocked can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    (sender_id = (select auth.uid()))
                    and (
                        (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    )
                )
                and (
                    recipient_id <> sender_id
                    and recipient_id <> all (array(select private.my_blocked_user_ids()))
                )
            """,
        )
    )


def downgrade() -> None:
    lock_tables(
        "public.social_feed_comments",
        "public.social_feed_reactions",
        "public.founder_connections",
        "public.founder_messages",
        "auth.users",
    )
    pg.drop_entity(
        pg.Policy.named(
            table="founder_messages",
            name="the sender with an account to another unless blocked can insert",
        )
    )
    pg.drop_entity(
        pg.Policy.named(table="social_feed_comments", name="the author with an account can update")
    )
    pg.drop_entity(
        pg.Policy.named(
            table="social_feed_comments",
            name="readers of the post with an account unless blocked can insert",
        )
    )
    pg.drop_entity(
        pg.Policy.named(
            table="social_feed_reactions",
            name="readers of the post with an account unless blocked can insert",
        )
    )
    drop_table("founder_connections")
    pg.drop_entity(pg.Function.named(schema="private", name="keep_connection"))
    pg.drop_entity(pg.Function.named(name="unblock_founder", arguments={"user_id": "uuid"}))
    pg.drop_entity(
        pg.Function.named(schema="private", name="unblock_founder", arguments={"user_id": "uuid"})
    )
    pg.drop_entity(pg.Function.named(name="block_founder", arguments={"user_id": "uuid"}))
    pg.drop_entity(
        pg.Function.named(schema="private", name="block_founder", arguments={"user_id": "uuid"})
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private", name="is_post_of_blocked", arguments={"post_id": "uuid"}
        )
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private", name="is_comment_of_blocked", arguments={"comment_id": "uuid"}
        )
    )
    pg.drop_entity(pg.Function.named(schema="private", name="my_blocked_user_ids"))
