"""The client status of existing sessions, and the constraints and indexes of the pipeline.

Each step commits, so that no application waits for it: rows are filled in batches, constraints are
added and then validated, indexes are built concurrently. The revision is idempotent: interrupted,
it continues when it runs again, and a client status that a coach has set by then stays.

A downgrade drops the constraints and indexes; it destroys no data.

Revision: townhall_0025
Revises: townhall_0024
Created: 2026-11-21
"""

from __future__ import annotations

from alembic import op

from townhall.migrate.safety import (
    add_constraint,
    create_index,
    drop_constraint,
    drop_index_at_once,
    lock_tables,
    set_not_null,
    update_in_batches,
)

revision = "townhall_0025"
down_revision = "townhall_0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    update_in_batches(
        "participant_sessions",
        """
        client_status = case t.status
            when 'in_progress' then 'started'
            when 'completed' then 'completed'
            else 'registered'
        end
        """,
        where="t.client_status is null",
    )
    set_not_null("participant_sessions", "client_status")
    add_constraint(
        "participant_sessions",
        "ck_participant_sessions_client_status_known",
        """
        check (
            client_status in (
                'registered', 'started', 'completed', 'contacted', 'converted', 'archived'
            )
        )
        """,
    )
    add_constraint(
        "participant_sessions",
        "fk_participant_sessions_tenant_id_tenant_profiles",
        "foreign key (tenant_id) references public.tenant_profiles (id) on delete set null",
    )
    # The first two exist, renamed with the table, unless it was created under its new name.
    create_index("ix_participant_sessions_campaign_id", "participant_sessions", "(campaign_id)")
    create_index("ix_participant_sessions_user_id", "participant_sessions", "(user_id)")
    create_index("ix_participant_sessions_client_status", "participant_sessions", "(client_status)")
    create_index("ix_participant_sessions_tenant_id", "participant_sessions", "(tenant_id)")
    create_index(
        "ix_participant_sessions_tenant_id_client_status",
        "participant_sessions",
        "(tenant_id, client_status)",
    )


def downgrade() -> None:
    lock_tables("public.participant_sessions", "public.tenant_profiles")
    for index in (
        "ix_participant_sessions_tenant_id_client_status",
        "ix_participant_sessions_tenant_id",
        "ix_participant_sessions_client_status",
    ):
        drop_index_at_once("participant_sessions", index)
    for constraint in (
        "fk_participant_sessions_tenant_id_tenant_profiles",
        "ck_participant_sessions_client_status_known",
    ):
        drop_constraint("participant_sessions", constraint)
    op.alter_column("participant_sessions", "client_status", nullable=True)
