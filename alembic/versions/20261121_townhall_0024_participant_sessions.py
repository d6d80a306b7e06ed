"""Participant sessions: the table of assignments under a new name, with columns for the coach.

The table keeps its rows, constraints, indexes, policies and privileges. Views keep its former names
usable, also for roles of an application. The new column ``client_status`` has no NOT NULL yet: the
next revision fills it, during which ``updated_at`` keeps its value.

A downgrade destroys the pipeline: the client status and the tenant of every session.

Revision: townhall_0024
Revises: townhall_0023
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_column, lock_tables, rename_table

revision = "townhall_0024"
down_revision = "townhall_0023"
branch_labels = None
depends_on = None

# Copies the privileges that roles of an application hold on the table to the views with its former
# names. Those of the API roles and of PUBLIC are declared with the views.
COPY_GRANTS = """
do $$
declare
    granted text;
begin
    for granted in
        select format(
            'grant %s%s on public.%I to %I%s',
            a.privilege_type,
            ' (' || quote_ident(a.column_name) || ')',
            v.view_name,
            r.rolname,
            case when a.is_grantable then ' with grant option' end
        )
        from (values ('campaign_assignments'), ('stakeholder_sessions')) as v (view_name)
        cross join (
            select null as column_name, p.*
            from pg_catalog.pg_class as c
            cross join aclexplode(c.relacl) as p
            where c.oid = 'public.participant_sessions'::regclass
            union all
            select t.attname, p.*
            from pg_catalog.pg_attribute as t
            join pg_catalog.pg_attribute as of_view
                on of_view.attrelid = 'public.campaign_assignments'::regclass
                and of_view.attname = t.attname
            cross join aclexplode(t.attacl) as p
            where t.attrelid = 'public.participant_sessions'::regclass
        ) as a
        join pg_catalog.pg_roles as r on r.oid = a.grantee
        where r.rolname not in ('anon', 'authenticated', 'service_role')
    loop
        execute granted;
    end loop;
end
$$
"""


def upgrade() -> None:
    rename()
    create_views()
    skip_updated_at_during_fill()


def rename() -> None:
    rename_table("campaign_assignments", "participant_sessions")
    op.create_table_comment(
        "participant_sessions",
        "A person's participation in a campaign, a lead of the coach's pipeline.",
    )
    # The column is added without its default, so that existing rows hold NULL and the next revision
    # can tell which of them are still to be filled.
    op.add_column(
        "participant_sessions",
        sa.Column(
            "client_status",
            sa.Text(),
            nullable=True,
            comment="The person's stage in the coach's pipeline.",
        ),
        if_not_exists=True,
    )
    op.alter_column("participant_sessions", "client_status", server_default="registered")
    op.add_column(
        "participant_sessions",
        sa.Column(
            "tenant_id", sa.Uuid(), nullable=True, comment="Whose pipeline the person is in."
        ),
        if_not_exists=True,
    )


def create_views() -> None:
    pg.create_entity(
        pg.View(
            name="campaign_assignments",
            definition="""
                select
                    s.id,
                    s.campaign_id,
                    s.stakeholder_name,
                    s.stakeholder_email,
                    s.user_id,
                    s.status,
                    s.started_at,
                    s.completed_at,
                    s.created_at,
                    s.updated_at,
                    s.client_status,
                    s.tenant_id
                from public.participant_sessions as s
            """,
            grants={
                "authenticated": (
                    "select",
                    "update (stakeholder_name, stakeholder_email, client_status)",
                ),
                "service_role": ("all",),
            },
            comment="A former name of participant_sessions, for clients that still use it.",
        )
    )
    pg.create_entity(
        pg.View(
            name="stakeholder_sessions",
            definition="""
                select
                    s.id,
                    s.campaign_id,
                    s.stakeholder_name,
                    s.stakeholder_email,
                    s.user_id,
                    s.status,
                    s.started_at,
                    s.completed_at,
                    s.created_at,
                    s.updated_at,
                    s.client_status,
                    s.tenant_id
                from public.participant_sessions as s
            """,
            grants={
                "authenticated": (
                    "select",
                    "update (stakeholder_name, stakeholder_email, client_status)",
                ),
                "service_role": ("all",),
            },
            comment="A former name of participant_sessions, for clients that still use it.",
        )
    )
    pg.execute(COPY_GRANTS)


def skip_updated_at_during_fill() -> None:
    # Filling client_status for the first time is no change that a user made.
    pg.create_entity(
        pg.Trigger(
            table="participant_sessions",
            name="update_participant_sessions_updated_at",
            timing="before",
            events=("update",),
            condition="old.client_status is not null or new.client_status is null",
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )


def downgrade() -> None:
    lock_tables(
        "public.campaign_assignments", "public.stakeholder_sessions", "public.participant_sessions"
    )
    pg.drop_entity(pg.View.named(name="stakeholder_sessions"))
    pg.drop_entity(pg.View.named(name="campaign_assignments"))
    pg.create_entity(
        pg.Trigger(
            table="participant_sessions",
            name="update_participant_sessions_updated_at",
            timing="before",
            events=("update",),
            function="private.update_updated_at_column",
            comment="Sets updated_at.",
        )
    )
    drop_column("participant_sessions", "client_status")
    drop_column("participant_sessions", "tenant_id")
    # It keeps its name where a view of others has the former one.
    op.create_table_comment("participant_sessions", "One person's part in a campaign.")
    rename_table("participant_sessions", "campaign_assignments")
