"""Events, who comes to them and what they come for.

A downgrade destroys every event with its participants, tracks and placements.

Revision: townhall_0002
Revises: townhall_0001
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg

revision = "townhall_0002"
down_revision = "townhall_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
            comment=(
                "Preferences; default_networking_opt_in (boolean) is what a "
                "participant gets whose own choice is not known."
            ),
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
            comment="When the row last changed; kept by a trigger.",
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
            comment="Unique within the event, whatever the case of its letters.",
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
            comment="When the row last changed; kept by a trigger.",
        ),
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
        comment="Somebody on the list of an event, with an account or without.",
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
            comment="Whether the track is open; statistics leave others out.",
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
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_tracks_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracks")),
        sa.UniqueConstraint("event_id", "id", name=op.f("uq_tracks_event_id_id")),
        sa.UniqueConstraint("event_id", "name", name=op.f("uq_tracks_event_id_name")),
        comment="A thread of an event's programme that participants choose.",
        if_not_exists=True,
    )
    op.create_table(
        "participant_tracks",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "event_id",
            sa.Uuid(),
            server_default=sa.FetchedValue(),
            nullable=False,
            comment="The event of both, filled by a trigger; it keeps the two in one event.",
        ),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column(
            "is_primary",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether this is the participant's main track.",
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
        comment="Which tracks a participant chose; at most one is the primary one.",
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
        pg.Function(
            schema="private",
            name="my_event_ids",
            returns="setof uuid",
            body="""
                select e.id
                from public.events as e
                where e.organization_id = any (array(select private.my_organization_ids()))
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The events of the organizations that the caller belongs to.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_managed_event_ids",
            returns="setof uuid",
            body="""
                select e.id
                from public.events as e
                where e.organization_id = any (array(select private.my_managed_organization_ids()))
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The events that the caller manages.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_participant_ids",
            returns="setof uuid",
            body="""
                select p.id
                from public.participants as p
                where p.user_id = (select auth.uid())
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The places on participant lists that are the caller's own.",
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
            name="members select",
            command="select",
            roles=("authenticated",),
            using="organization_id = any (array(select private.my_organization_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="managers insert",
            command="insert",
            roles=("authenticated",),
            check="""
                organization_id = any (array(select private.my_managed_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="managers update",
            command="update",
            roles=("authenticated",),
            using="""
                organization_id = any (array(select private.my_managed_organization_ids()))
            """,
            check="""
                organization_id = any (array(select private.my_managed_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="managers delete",
            command="delete",
            roles=("authenticated",),
            using="""
                organization_id = any (array(select private.my_managed_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="events",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
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
            name="members or the participant select",
            command="select",
            roles=("authenticated",),
            using="""
                event_id = any (array(select private.my_event_ids()))
                or user_id = (select auth.uid())
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participants",
            name="managers insert",
            command="insert",
            roles=("authenticated",),
            check="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participants",
            name="managers update",
            command="update",
            roles=("authenticated",),
            using="event_id = any (array(select private.my_managed_event_ids()))",
            check="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participants",
            name="managers delete",
            command="delete",
            roles=("authenticated",),
            using="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participants",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
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
            name="members select",
            command="select",
            roles=("authenticated",),
            using="event_id = any (array(select private.my_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tracks",
            name="managers insert",
            command="insert",
            roles=("authenticated",),
            check="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tracks",
            name="managers update",
            command="update",
            roles=("authenticated",),
            using="event_id = any (array(select private.my_managed_event_ids()))",
            check="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tracks",
            name="managers delete",
            command="delete",
            roles=("authenticated",),
            using="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="tracks",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
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
            name="members or the participant select",
            command="select",
            roles=("authenticated",),
            using="""
                event_id = any (array(select private.my_event_ids()))
                or participant_id = any (array(select private.my_participant_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_tracks",
            name="managers insert",
            command="insert",
            roles=("authenticated",),
            check="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_tracks",
            name="managers update",
            command="update",
            roles=("authenticated",),
            using="event_id = any (array(select private.my_managed_event_ids()))",
            check="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_tracks",
            name="managers delete",
            command="delete",
            roles=("authenticated",),
            using="event_id = any (array(select private.my_managed_event_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_tracks",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Function(
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
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Fills the event of a placement from its participant.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="events",
            name="update_events_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="participants",
            name="update_participants_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="tracks",
            name="update_tracks_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="participant_tracks",
            name="fill_participant_track_event",
            event="before insert or update of participant_id, event_id",
            action="for each row execute function public.fill_participant_track_event()",
            comment="Keeps the event of a placement that of its participant.",
        )
    )


def downgrade() -> None:
    pg.drop_entity(
        pg.Trigger.named(table="participant_tracks", name="fill_participant_track_event")
    )
    pg.drop_entity(pg.Trigger.named(table="tracks", name="update_tracks_updated_at"))
    pg.drop_entity(pg.Trigger.named(table="participants", name="update_participants_updated_at"))
    pg.drop_entity(pg.Trigger.named(table="events", name="update_events_updated_at"))
    pg.drop_entity(pg.Function.named(name="fill_participant_track_event"))
    pg.drop_entity(pg.Policy.named(table="participant_tracks", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="participant_tracks", name="managers delete"))
    pg.drop_entity(pg.Policy.named(table="participant_tracks", name="managers update"))
    pg.drop_entity(pg.Policy.named(table="participant_tracks", name="managers insert"))
    pg.drop_entity(
        pg.Policy.named(table="participant_tracks", name="members or the participant select")
    )
    pg.drop_entity(pg.Policy.named(table="tracks", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="tracks", name="managers delete"))
    pg.drop_entity(pg.Policy.named(table="tracks", name="managers update"))
    pg.drop_entity(pg.Policy.named(table="tracks", name="managers insert"))
    pg.drop_entity(pg.Policy.named(table="tracks", name="members select"))
    pg.drop_entity(pg.Policy.named(table="participants", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="participants", name="managers delete"))
    pg.drop_entity(pg.Policy.named(table="participants", name="managers update"))
    pg.drop_entity(pg.Policy.named(table="participants", name="managers insert"))
    pg.drop_entity(pg.Policy.named(table="participants", name="members or the participant select"))
    pg.drop_entity(pg.Policy.named(table="events", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="events", name="managers delete"))
    pg.drop_entity(pg.Policy.named(table="events", name="managers update"))
    pg.drop_entity(pg.Policy.named(table="events", name="managers insert"))
    pg.drop_entity(pg.Policy.named(table="events", name="members select"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_participant_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_managed_event_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_event_ids"))
    op.drop_table("participant_tracks", if_exists=True)
    op.drop_table("tracks", if_exists=True)
    op.drop_table("participants", if_exists=True)
    op.drop_table("events", if_exists=True)
