"""Sessions of the wizard that creates an event.

A downgrade destroys every session of the wizard and what was entered in it.

Revision: townhall_0022
Revises: townhall_0021
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import drop_table, lock_tables

revision = "townhall_0022"
down_revision = "townhall_0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.wizard_sessions", writes_only=["public.events", "public.profiles"])
    op.create_table(
        "wizard_sessions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False, comment="The user of the session."),
        sa.Column(
            "event_id",
            sa.Uuid(),
            nullable=True,
            comment="The event that was created; null before that, and once the event is deleted.",
        ),
        sa.Column(
            "stage",
            sa.Integer(),
            server_default=sa.text("1"),
            nullable=False,
            comment="The stage the person is at, from 1 to 6.",
        ),
        sa.Column("status", sa.Text(), server_default="in_progress", nullable=False),
        sa.Column(
            "state",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="The data entered so far; immutable once completed.",
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "last_saved_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the session last changed; maintained by a trigger.",
        ),
        sa.Column(
            "completed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was completed, or null; maintained by a trigger.",
        ),
        sa.CheckConstraint(
            "octet_length(state::text) <= 1048576"
            " and not jsonb_path_exists(state, 'strict $.**{32}"
            ' ? (@.type() == "object" || @.type() == "array")\')'
            " and not jsonb_path_exists(state, 'strict $.**"
            " ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')",
            name=op.f("ck_wizard_sessions_state_bounds"),
        ),
        sa.CheckConstraint(
            "(status = 'completed') = (completed_at is not null)",
            name=op.f("ck_wizard_sessions_completed_at_fits_status"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(state) = 'object'", name=op.f("ck_wizard_sessions_state_is_object")
        ),
        sa.CheckConstraint(
            "status in ('in_progress', 'completed', 'abandoned')",
            name=op.f("ck_wizard_sessions_status_known"),
        ),
        sa.CheckConstraint("stage between 1 and 6", name=op.f("ck_wizard_sessions_stage_in_range")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_wizard_sessions_event_id_events"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["profiles.id"],
            name=op.f("fk_wizard_sessions_user_id_profiles"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wizard_sessions")),
        comment="A session of the wizard that creates an event, saved stage by stage.",
        if_not_exists=True,
    )
    op.create_index(
        "idx_wizard_sessions_event_id",
        "wizard_sessions",
        ["event_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "idx_wizard_sessions_last_saved_at",
        "wizard_sessions",
        ["last_saved_at"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "idx_wizard_sessions_status",
        "wizard_sessions",
        ["status"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "idx_wizard_sessions_user_id",
        "wizard_sessions",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "idx_wizard_sessions_user_status",
        "wizard_sessions",
        ["user_id", "status"],
        unique=False,
        if_not_exists=True,
    )
    pg.create_entity(
        pg.TableAccess(
            table="wizard_sessions",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, user_id, event_id, stage, status, state)",
                    "update (event_id, stage, status, state)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="wizard_sessions",
            name="wizard_sessions_policy",
            command="all",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
            check="user_id = (select auth.uid())",
            comment="Users reach their own sessions.",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="wizard_sessions",
            name="wizard_sessions_insert_policy",
            command="insert",
            roles=("authenticated",),
            check="user_id = (select auth.uid())",
            permissive=False,
            comment=(
                "Restrictive: a policy that is added later can't allow inserts for other users."
            ),
        )
    )
    pg.create_entity(
        pg.Policy(
            table="wizard_sessions",
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Function(
            name="save_wizard_session",
            arguments={
                "session_id": "uuid",
                "patch": "jsonb default '{}'::jsonb",
                "stage": "integer default null::integer",
                "status": "text default null::text",
                "removed": "text[] default '{}'::text[]",
            },
            returns="public.wizard_sessions",
            language="plpgsql",
            body="""
                declare
                    saved public.wizard_sessions;
                begin
                    update public.wizard_sessions as w
                    set state =
                            (w.state - save_wizard_session.removed) || save_wizard_session.patch,
                        stage = coalesce(save_wizard_session.stage, w.stage),
                        status = coalesce(save_wizard_session.status, w.status)
                    where w.id = save_wizard_session.session_id and w.status = 'in_progress'
                    returning w.* into saved;
                    if found then
                        return saved;
                    end if;
                    select w.*
                    into saved
                    from public.wizard_sessions as w
                    where w.id = save_wizard_session.session_id;
                    if not found then
                        raise exception 'wizard session % is not yours', session_id
                            using errcode = 'insufficient_privilege',
                                schema = 'public',
                                table = 'wizard_sessions',
                                constraint = 'wizard_session_is_own';
                    end if;
                    if saved.status = save_wizard_session.status
                        and saved.stage = coalesce(save_wizard_session.stage, saved.stage)
                        and saved.state =
                            (saved.state - save_wizard_session.removed)
                            || save_wizard_session.patch
                    then
                        return saved;
                    end if;
                    raise exception 'wizard session % is %', session_id, saved.status
                        using errcode = 'check_violation',
                            hint = 'Only a session in progress can be saved.',
                            schema = 'public',
                            table = 'wizard_sessions',
                            column = 'status',
                            constraint = 'wizard_session_is_in_progress';
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment=(
                "Removes keys of a session in progress, merges a patch, and moves it to a stage"
                " or status; a call that is repeated returns the session."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="update_wizard_session_timestamp",
            language="plpgsql",
            body="""
                declare
                    saved_at constant timestamptz := clock_timestamp();
                begin
                    if tg_op = 'UPDATE' then
                        if old.status = 'completed' and new.state is distinct from old.state then
                            raise exception 'wizard session % is completed: its state stays', old.id
                                using errcode = 'check_violation',
                                    hint = 'Set its status to in_progress first.',
                                    schema = 'public',
                                    table = 'wizard_sessions',
                                    column = 'state',
                                    constraint = 'wizard_session_is_open';
                        end if;
                        new.last_saved_at := saved_at;
                    end if;
                    if new.status is distinct from 'completed' then
                        new.completed_at := null;
                    elsif tg_op = 'INSERT' then
                        new.completed_at := coalesce(new.completed_at, saved_at);
                    elsif old.status <> 'completed' then
                        new.completed_at := saved_at;
                    end if;
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Sets last_saved_at and completed_at; refuses a change of a completed"
                " session's state."
            ),
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="wizard_sessions",
            name="update_wizard_session_timestamp",
            timing="before",
            events=("insert", "update"),
            function="public.update_wizard_session_timestamp",
            comment=(
                "Sets last_saved_at and completed_at; refuses a change of a completed"
                " session's state."
            ),
        )
    )


def downgrade() -> None:
    lock_tables("public.wizard_sessions", "public.events", "public.profiles")
    pg.drop_entity(
        pg.Function.named(
            name="save_wizard_session",
            arguments={
                "session_id": "uuid",
                "patch": "jsonb default '{}'::jsonb",
                "stage": "integer default null::integer",
                "status": "text default null::text",
                "removed": "text[] default '{}'::text[]",
            },
        )
    )
    drop_table("wizard_sessions")
    pg.drop_entity(pg.Function.named(name="update_wizard_session_timestamp"))
