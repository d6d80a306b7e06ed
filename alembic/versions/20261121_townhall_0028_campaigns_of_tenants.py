"""Campaigns of tenants: columns, and triggers that give sessions the tenant of their campaign.

The next revision gives existing campaigns the tenant of their sessions. Until then a session keeps
the tenant that it has, and the change leaves ``updated_at`` as it is.

A downgrade destroys the tenants of campaigns, their assessments and how far results are disclosed.
The sessions keep their tenants, from which the next upgrade derives those of the campaigns again.

Revision: townhall_0028
Revises: townhall_0027
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import drop_column, drop_constraint, lock_tables

revision = "townhall_0028"
down_revision = "townhall_0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.campaigns", writes_only=["public.participant_sessions"])
    add_columns()
    create_triggers()
    keep_updated_at_during_fill()


def add_columns() -> None:
    op.add_column(
        "campaigns",
        sa.Column(
            "tenant_id",
            sa.Uuid(),
            nullable=True,
            comment="The tenant; null for a creator's own campaign, or once it is deleted.",
        ),
        if_not_exists=True,
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "assessment_type",
            sa.Text(),
            server_default="industry4",
            nullable=False,
            comment="The assessment that participants take.",
        ),
        if_not_exists=True,
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "results_disclosure",
            sa.Text(),
            server_default="full",
            nullable=False,
            comment="How much of their results participants can read.",
        ),
        if_not_exists=True,
    )
    op.alter_column(
        "participant_sessions",
        "tenant_id",
        existing_type=sa.UUID(),
        comment="The campaign's tenant, whose pipeline the person is in; set by a trigger.",
        existing_comment="Whose pipeline the person is in.",
        existing_nullable=True,
    )


def create_triggers() -> None:
    pg.create_entity(
        pg.Function(
            schema="private",
            name="fill_session_tenant",
            language="plpgsql",
            body="""
                begin
                    select c.tenant_id into new.tenant_id
                    from public.campaigns as c
                    where c.id = new.campaign_id
                    for key share;
                    new.tenant_id := (
                        select t.id
                        from public.tenant_profiles as t
                        where t.id = new.tenant_id
                    );
                    return new;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Sets the tenant of a session to that of its campaign.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="fill_campaign_sessions_tenant",
            language="plpgsql",
            body="""
                begin
                    update public.participant_sessions as s
                    set tenant_id = new.tenant_id
                    where s.campaign_id = new.id and s.tenant_id is null;
                    return null;
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Sets the tenant of a campaign's sessions without one when the campaign gets"
            " one.",
        )
    )
    # Until the campaigns have their tenants, a session keeps its own.
    pg.create_entity(
        pg.Trigger(
            table="participant_sessions",
            name="fill_session_tenant",
            timing="before",
            events=("insert", "update"),
            columns=("campaign_id", "tenant_id"),
            condition="new.tenant_id is null",
            function="private.fill_session_tenant",
            comment="Sets the tenant of a session to that of its campaign.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="campaigns",
            name="fill_campaign_sessions_tenant",
            timing="after",
            events=("update",),
            columns=("tenant_id",),
            condition="new.tenant_id is distinct from old.tenant_id and new.tenant_id is not null",
            function="private.fill_campaign_sessions_tenant",
            comment="Sets the tenant of a campaign's sessions without one when the campaign gets"
            " one.",
        )
    )


def keep_updated_at_during_fill() -> None:
    for table in ("campaigns", "participant_sessions"):
        pg.create_entity(
            pg.Trigger(
                table=table,
                name=f"update_{table}_updated_at",
                timing="before",
                events=("update",),
                condition="old.tenant_id is not null or new.tenant_id is null",
                function="private.update_updated_at_column",
                comment="Sets updated_at.",
            )
        )


def downgrade() -> None:
    lock_tables("public.participant_sessions", "public.campaigns")
    for table in ("campaigns", "participant_sessions"):
        pg.create_entity(
            pg.Trigger(
                table=table,
                name=f"update_{table}_updated_at",
                timing="before",
                events=("update",),
                function="private.update_updated_at_column",
                comment="Sets updated_at.",
            )
        )
    pg.drop_entity(pg.Trigger.named(table="campaigns", name="fill_campaign_sessions_tenant"))
    pg.drop_entity(pg.Trigger.named(table="participant_sessions", name="fill_session_tenant"))
    pg.drop_entity(pg.Function.named(schema="private", name="fill_campaign_sessions_tenant"))
    pg.drop_entity(pg.Function.named(schema="private", name="fill_session_tenant"))
    op.alter_column(
        "participant_sessions",
        "tenant_id",
        existing_type=sa.UUID(),
        comment="Whose pipeline the person is in.",
        existing_nullable=True,
    )
    # The next revision commits it on its way, and may have been stopped behind it.
    drop_constraint(
        "participant_sessions", "fk_participant_sessions_campaign_id_tenant_id_campaigns"
    )
    drop_column("campaigns", "results_disclosure")
    drop_column("campaigns", "assessment_type")
    drop_column("campaigns", "tenant_id")
