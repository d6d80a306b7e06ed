"""Campaigns of a tenant, whose sessions are in that tenant's pipeline.

A trigger gives a session the tenant of its campaign, and a foreign key keeps it so, also when the
campaign changes tenant. A campaign whose sessions were in a pipeline before gets their tenant; if
they were in several, the revision says so and leaves the choice to you. That leaves ``updated_at``
as it was.

A downgrade destroys whose campaigns are, their assessment and what of it is disclosed. The
sessions stay in their pipelines, from where the next upgrade takes it again.

Revision: townhall_0011
Revises: townhall_0010
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import add_constraint, add_unique, create_index, update_in_batches

revision = "townhall_0011"
down_revision = "townhall_0010"
branch_labels = None
depends_on = None

SESSIONS_IN_A_PIPELINE = """
from public.participant_sessions as s
where s.campaign_id = t.id and s.tenant_id is not null
"""

REFUSE_TORN_CAMPAIGNS = """
do $$
declare
    torn bigint;
begin
    select count(distinct s.campaign_id) into torn
    from public.participant_sessions as s
    join public.campaigns as c on c.id = s.campaign_id
    where s.tenant_id is distinct from c.tenant_id and s.tenant_id is not null;
    if torn > 0 then
        raise exception 'the sessions of % campaigns are in pipelines of other tenants', torn
            using hint = 'Give each session the tenant of its campaign, or none, and try again.';
    end if;
end
$$
"""


def upgrade() -> None:
    add_columns()
    keep_tenants()
    adopt_tenants()
    constrain()
    fill_session_tenant("for each row")
    grant()


def add_columns() -> None:
    op.add_column(
        "campaigns",
        sa.Column(
            "tenant_id",
            sa.Uuid(),
            nullable=True,
            comment="Whose campaign it is; null for its creator's own, or once the tenant is gone.",
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
            comment="How much of their results participants are shown.",
        ),
        if_not_exists=True,
    )
    op.alter_column(
        "participant_sessions",
        "tenant_id",
        existing_type=sa.UUID(),
        comment="Whose pipeline the person is in: the campaign's tenant; a trigger fills it.",
        existing_comment="Whose pipeline the person is in.",
        existing_nullable=True,
    )


def keep_tenants() -> None:
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
            comment="Gives a session the tenant of its campaign.",
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
            comment="Gives the sessions without a tenant that which their campaign gets.",
        )
    )
    # Until the campaigns have their tenants, a session keeps the one that it has.
    fill_session_tenant("for each row when (new.tenant_id is null)")
    pg.create_entity(
        pg.Trigger(
            table="campaigns",
            name="fill_campaign_sessions_tenant",
            event="after update of tenant_id",
            action="""
                for each row
                when (new.tenant_id is distinct from old.tenant_id and new.tenant_id is not null)
                execute function private.fill_campaign_sessions_tenant()
            """,
            comment="Gives the sessions without a tenant that which their campaign gets.",
        )
    )


def fill_session_tenant(rows: str) -> None:
    pg.create_entity(
        pg.Trigger(
            table="participant_sessions",
            name="fill_session_tenant",
            event="before insert or update of campaign_id, tenant_id",
            action=f"{rows} execute function private.fill_session_tenant()",
            comment="Gives a session the tenant of its campaign.",
        )
    )


def adopt_tenants() -> None:
    keep_updated_at("for each row when (old.tenant_id is not null or new.tenant_id is null)")
    # In transactions of their own: those that made the triggers would keep writers waiting.
    update_in_batches(
        "campaigns",
        f"tenant_id = (select s.tenant_id {SESSIONS_IN_A_PIPELINE} limit 1)",
        where=f"""
            t.tenant_id is null
            and (select count(distinct s.tenant_id) {SESSIONS_IN_A_PIPELINE}) = 1
        """,
    )
    keep_updated_at("for each row")


def keep_updated_at(rows: str) -> None:
    for table in ("campaigns", "participant_sessions"):
        pg.create_entity(
            pg.Trigger(
                table=table,
                name=f"update_{table}_updated_at",
                event="before update",
                action=f"{rows} execute function public.update_updated_at_column()",
                comment="Keeps updated_at.",
            )
        )


def constrain() -> None:
    add_constraint(
        "campaigns",
        "fk_campaigns_tenant_id_tenant_profiles",
        "foreign key (tenant_id) references public.tenant_profiles (id) on delete set null",
    )
    create_index("ix_campaigns_tenant_id_created_at", "campaigns", "(tenant_id, created_at desc)")
    add_unique("campaigns", "uq_campaigns_id_tenant_id", "(id, tenant_id)")
    pg.execute(REFUSE_TORN_CAMPAIGNS)
    add_constraint(
        "participant_sessions",
        "fk_participant_sessions_campaign_id_tenant_id_campaigns",
        """
        foreign key (campaign_id, tenant_id) references public.campaigns (id, tenant_id)
        on update cascade on delete cascade
        """,
    )


def grant() -> None:
    pg.drop_entity(pg.Policy.named(table="campaigns", name="the creator delete"))
    pg.drop_entity(pg.Policy.named(table="campaigns", name="the creator insert"))
    pg.drop_entity(pg.Policy.named(table="campaigns", name="the creator select"))
    pg.drop_entity(pg.Policy.named(table="campaigns", name="the creator update"))
    pg.replace_entity(
        pg.TableAccess(
            table="campaigns",
            grants={
                "authenticated": (
                    "select",
                    (
                        "insert (id, name, description, status, created_by, "
                        "starts_at, ends_at, tenant_id, assessment_type, "
                        "results_disclosure)"
                    ),
                    (
                        "update (name, description, status, starts_at, ends_at, "
                        "assessment_type, results_disclosure)"
                    ),
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the tenant's owner or the creator without a tenant select",
            command="select",
            roles=("authenticated",),
            using="""
                tenant_id = any (array(select private.my_tenant_ids()))
                or (created_by = (select auth.uid()))
                and (tenant_id is null)
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the campaign's owner in their own name insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    tenant_id = any (array(select private.my_tenant_ids()))
                    or (created_by = (select auth.uid()))
                    and (tenant_id is null)
                )
                and (coalesce(created_by, (select auth.uid())) = (select auth.uid()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the tenant's owner or the creator without a tenant update",
            command="update",
            roles=("authenticated",),
            using="""
                tenant_id = any (array(select private.my_tenant_ids()))
                or (created_by = (select auth.uid()))
                and (tenant_id is null)
            """,
            check="""
                tenant_id = any (array(select private.my_tenant_ids()))
                or (created_by = (select auth.uid()))
                and (tenant_id is null)
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the tenant's owner or the creator without a tenant delete",
            command="delete",
            roles=("authenticated",),
            using="""
                tenant_id = any (array(select private.my_tenant_ids()))
                or (created_by = (select auth.uid()))
                and (tenant_id is null)
            """,
        )
    )


def downgrade() -> None:
    pg.drop_entity(pg.Trigger.named(table="campaigns", name="fill_campaign_sessions_tenant"))
    pg.drop_entity(pg.Trigger.named(table="participant_sessions", name="fill_session_tenant"))
    pg.drop_entity(pg.Function.named(schema="private", name="fill_campaign_sessions_tenant"))
    pg.drop_entity(pg.Function.named(schema="private", name="fill_session_tenant"))
    pg.drop_entity(
        pg.Policy.named(
            table="campaigns", name="the tenant's owner or the creator without a tenant delete"
        )
    )
    pg.drop_entity(
        pg.Policy.named(
            table="campaigns", name="the tenant's owner or the creator without a tenant update"
        )
    )
    pg.drop_entity(
        pg.Policy.named(table="campaigns", name="the campaign's owner in their own name insert")
    )
    pg.drop_entity(
        pg.Policy.named(
            table="campaigns", name="the tenant's owner or the creator without a tenant select"
        )
    )
    pg.replace_entity(
        pg.TableAccess(
            table="campaigns",
            grants={
                "authenticated": (
                    "select",
                    "delete",
                    "insert (id, name, description, status, created_by, starts_at, ends_at)",
                    "update (name, description, status, starts_at, ends_at)",
                ),
                "service_role": ("all",),
            },
        )
    )
    op.drop_constraint(
        op.f("fk_participant_sessions_campaign_id_tenant_id_campaigns"),
        "participant_sessions",
        type_="foreignkey",
        if_exists=True,
    )
    op.alter_column(
        "participant_sessions",
        "tenant_id",
        existing_type=sa.UUID(),
        comment="Whose pipeline the person is in.",
        existing_nullable=True,
    )
    op.drop_constraint(
        op.f("fk_campaigns_tenant_id_tenant_profiles"),
        "campaigns",
        type_="foreignkey",
        if_exists=True,
    )
    op.drop_constraint(
        op.f("uq_campaigns_id_tenant_id"), "campaigns", type_="unique", if_exists=True
    )
    op.drop_index("ix_campaigns_tenant_id_created_at", table_name="campaigns", if_exists=True)
    op.drop_column("campaigns", "results_disclosure", if_exists=True)
    op.drop_column("campaigns", "assessment_type", if_exists=True)
    op.drop_column("campaigns", "tenant_id", if_exists=True)
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the creator update",
            command="update",
            roles=("authenticated",),
            using="created_by = (select auth.uid())",
            check="created_by = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the creator select",
            command="select",
            roles=("authenticated",),
            using="created_by = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the creator insert",
            command="insert",
            roles=("authenticated",),
            check="created_by = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the creator delete",
            command="delete",
            roles=("authenticated",),
            using="created_by = (select auth.uid())",
        )
    )
