"""The tenants of existing campaigns, and the constraints that keep sessions with their campaign.

A campaign whose sessions belong to the pipeline of one tenant gets that tenant. Where they belong
to several, the revision is refused with a message that says what to do.

Each step commits, so that no application waits for it: rows are changed in batches, constraints are
added and then validated, indexes are built concurrently. The revision is idempotent: interrupted,
it continues when it runs again.

A downgrade drops the constraints and the index; it destroys no data.

Revision: townhall_0029
Revises: townhall_0028
Created: 2026-11-21
"""

from __future__ import annotations

from townhall.migrate.safety import (
    add_constraint,
    add_unique,
    create_index,
    drop_constraint,
    drop_index_at_once,
    lock_tables,
    refuse_if,
    update_in_batches,
)

revision = "townhall_0029"
down_revision = "townhall_0028"
branch_labels = None
depends_on = None

SESSIONS_IN_A_PIPELINE = """
from public.participant_sessions as s
where s.campaign_id = t.id and s.tenant_id is not null
"""

CAMPAIGNS_OF_SEVERAL_TENANTS = """
(
    select count(distinct s.campaign_id)
    from public.participant_sessions as s
    join public.campaigns as c on c.id = s.campaign_id
    where s.tenant_id is distinct from c.tenant_id and s.tenant_id is not null
)
"""


def upgrade() -> None:
    update_in_batches(
        "campaigns",
        f"tenant_id = (select s.tenant_id {SESSIONS_IN_A_PIPELINE} limit 1)",
        where=f"""
            t.tenant_id is null
            and (select count(distinct s.tenant_id) {SESSIONS_IN_A_PIPELINE}) = 1
        """,
    )
    add_constraint(
        "campaigns",
        "fk_campaigns_tenant_id_tenant_profiles",
        "foreign key (tenant_id) references public.tenant_profiles (id) on delete set null",
    )
    for column in ("assessment_type", "results_disclosure"):
        add_constraint(
            "campaigns",
            f"ck_campaigns_{column}_bounds",
            f"check (char_length({column}) <= 200)",
        )
    create_index("ix_campaigns_tenant_id_created_at", "campaigns", "(tenant_id, created_at desc)")
    add_unique("campaigns", "uq_campaigns_id_tenant_id", "(id, tenant_id)")
    refuse_if(
        CAMPAIGNS_OF_SEVERAL_TENANTS,
        "the sessions of % campaigns are in pipelines of other tenants",
        hint="Give each session the tenant of its campaign, or none, and try again.",
    )
    add_constraint(
        "participant_sessions",
        "fk_participant_sessions_campaign_id_tenant_id_campaigns",
        """
        foreign key (campaign_id, tenant_id) references public.campaigns (id, tenant_id)
        on update cascade on delete cascade
        """,
    )


def downgrade() -> None:
    lock_tables("public.participant_sessions", "public.campaigns", "public.tenant_profiles")
    drop_constraint(
        "participant_sessions", "fk_participant_sessions_campaign_id_tenant_id_campaigns"
    )
    drop_constraint("campaigns", "fk_campaigns_tenant_id_tenant_profiles")
    for column in ("results_disclosure", "assessment_type"):
        drop_constraint("campaigns", f"ck_campaigns_{column}_bounds")
    drop_constraint("campaigns", "uq_campaigns_id_tenant_id")
    drop_index_at_once("campaigns", "ix_campaigns_tenant_id_created_at")
