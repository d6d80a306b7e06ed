"""Tracks of events, and which tracks participants chose.

A downgrade destroys every track and every choice of a track.

Revision: townhall_0004
Revises: townhall_0003
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0004"
down_revision = "townhall_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables(
        "public.participant_tracks",
        "public.tracks",
        writes_only=["public.participants", "public.events"],
    )
    tracks()
    participant_tracks()


def tracks() -> None:
    op.create_table(
        "tracks",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column(
            "is_active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether the track is open; statistics cover open tracks only.",
        ),
        sa.Column("sort_order", sa.Integer(), nullable=True),
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
        sa.CheckConstraint("char_length(color) <= 200", name=op.f("ck_tracks_color_bounds")),
        sa.CheckConstraint(
            "char_length(description) <= 20000", name=op.f("ck_tracks_description_bounds")
        ),
        sa.CheckConstraint(
            "char_length(name) <= 200"
            r" and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f"
            r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]'",
            name=op.f("ck_tracks_name_bounds"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_tracks_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracks")),
        sa.UniqueConstraint("event_id", "id", name=op.f("uq_tracks_event_id_id")),
        sa.UniqueConstraint("event_id", "name", name=op.f("uq_tracks_event_id_name")),
        comment="A part of an event's programme that participants choose.",
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="tracks",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, event_id, name, description, color, is_active, sort_order)",
                    "update (name, description, color, is_active, sort_order)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tracks",
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
            table="tracks",
            name="managers of the event can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.tracks.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tracks",
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
                    where mine.id = public.tracks.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tracks",
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
            table="tracks",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="tracks",
            name="update_tracks_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def participant_tracks() -> None:
    op.create_table(
        "participant_tracks",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "event_id",
            sa.Uuid(),
            server_default=sa.FetchedValue(),
            nullable=False,
            comment="The event of both, set by a trigger; it keeps the two in one event.",
        ),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column(
            "is_primary",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether this is the participant's primary track.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.ForeignKeyConstraint(
            ["event_id", "participant_id"],
            ["participants.event_id", "participants.id"],
            name=op.f("fk_participant_tracks_event_id_participant_id_participants"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id", "track_id"],
            ["tracks.event_id", "tracks.id"],
            name=op.f("fk_participant_tracks_event_id_track_id_tracks"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant_tracks")),
        sa.UniqueConstraint(
            "participant_id", "track_id", name=op.f("uq_participant_tracks_participant_id_track_id")
        ),
        comment="The tracks of a participant, at most one of them primary.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_participant_tracks_event_id"),
        "participant_tracks",
        ["event_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_participant_tracks_track_id"),
        "participant_tracks",
        ["track_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "uq_participant_tracks_primary",
        "participant_tracks",
        ["participant_id"],
        unique=True,
        postgresql_where=sa.text("is_primary"),
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="participant_tracks",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, participant_id, track_id, is_primary)",
                    "update (participant_id, track_id, is_primary)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_tracks",
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
                    or participant_id = any (array(select private.my_participant_ids()))
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_tracks",
            name="managers of the event can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                exists (
                    select
                    from private.my_managed_event_ids_by_id as mine
                    where mine.id = public.participant_tracks.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_tracks",
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
                    where mine.id = public.participant_tracks.event_id
                    offset 0
                )
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_tracks",
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
            table="participant_tracks",
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
            name="fill_participant_track_event",
            language="plpgsql",
            body="""
                begin
                    new.event_id := (
                        select p.event_id
                        from public.participants as p
                        where p.id = new.participant_id
                    );
                    return new;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Sets event_id to the event of the participant.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="participant_tracks",
            name="fill_participant_track_event",
            timing="before",
            events=("insert", "update"),
            columns=("participant_id", "event_id"),
            function="private.fill_participant_track_event",
            comment="Sets event_id to the event of the participant.",
        )
    )


def downgrade() -> None:
    lock_tables(
        "public.participant_tracks", "public.participants", "public.tracks", "public.events"
    )
    drop_table("participant_tracks")
    drop_table("tracks")
    pg.drop_entity(pg.Function.named(schema="private", name="fill_participant_track_event"))
