"""Participant sessions: the assignments under a new name, with a pipeline for the coach.

The table keeps its rows, constraints, indexes, policies and privileges; views keep its old names,
for an application's own roles as well. That takes a moment, in one transaction. What follows holds
nobody up: the new columns are filled in batches that leave ``updated_at`` as it was, constraints
are validated after they were added, indexes are built concurrently. Killed on the way, the revision
goes on where it was when it runs again; what a coach has set by then stays.

A downgrade destroys where everybody stands in a pipeline, and whose pipeline that is.

Revision: townhall_0009
Revises: townhall_0008
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from townhall import pg
from townhall.migrate.safety import (
    add_constraint,
    create_index,
    rename_table,
    set_not_null,
    update_in_batches,
)

revision = "townhall_0009"
down_revision = "townhall_0008"
branch_labels = None
depends_on = None

# What the API's roles and everybody may do by an old name is declared with the views.
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
    rename_table("campaign_assignments", "participant_sessions")
    add_columns()
    create_views()
    pg.execute(COPY_GRANTS)
    fill_client_status()
    constrain()
    grant()


def add_columns() -> None:
    op.create_table_comment(
        "participant_sessions", "One person's part in a campaign, and in the coach's pipeline."
    )
    # Without a default a row that was there tells that it was not filled yet; new ones have it.
    op.add_column(
        "participant_sessions",
        sa.Column(
            "client_status",
            sa.Text(),
            nullable=True,
            comment="Where the person stands in the coach's pipeline.",
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


def fill_client_status() -> None:
    keep_updated_at(
        "for each row when (old.client_status is not null or new.client_status is null)"
    )
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
    keep_updated_at("for each row")


def keep_updated_at(rows: str) -> None:
    pg.create_entity(
        pg.Trigger(
            table="participant_sessions",
            name="update_participant_sessions_updated_at",
            event="before update",
            action=f"{rows} execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )


def constrain() -> None:
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
    # The first two came along with the table, unless that was made under its new name.
    create_index("ix_participant_sessions_campaign_id", "participant_sessions", "(campaign_id)")
    create_index("ix_participant_sessions_user_id", "participant_sessions", "(user_id)")
    create_index("ix_participant_sessions_client_status", "participant_sessions", "(client_status)")
    create_index("ix_participant_sessions_tenant_id", "participant_sessions", "(tenant_id)")
    create_index(
        "ix_participant_sessions_tenant_id_client_status",
        "participant_sessions",
        "(tenant_id, client_status)",
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
            comment=("An old name of participant_sessions, for reading and writing as before."),
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
            comment=("An old name of participant_sessions, for reading and writing as before."),
        )
    )


def grant() -> None:
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_tenant_ids",
            returns="setof uuid",
            body="""
                select t.id
                from public.tenant_profiles as t
                where t.user_id = (select auth.uid())
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The tenants that the caller owns.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="participant_sessions",
            grants={
                "authenticated": (
                    "select",
                    "update (stakeholder_name, stakeholder_email, client_status)",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_sessions",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.drop_entity(pg.Policy.named(table="participant_sessions", name="the participant select"))
    pg.create_entity(
        pg.Policy(
            table="participant_sessions",
            name="the tenant's owner or the participant select",
            command="select",
            roles=("authenticated",),
            using="""
                tenant_id = any (array(select private.my_tenant_ids()))
                or user_id = (select auth.uid())
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_sessions",
            name="the tenant's owner update",
            command="update",
            roles=("authenticated",),
            using="tenant_id = any (array(select private.my_tenant_ids()))",
            check="tenant_id = any (array(select private.my_tenant_ids()))",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="start_participant_session",
            arguments={"session_id": "uuid"},
            returns="void",
            language="plpgsql",
            body="""
                declare
                    found_status text;
                begin
                    update public.participant_sessions as s
                    set status = 'in_progress',
                        started_at = now(),
                        client_status = case
                            when s.client_status in ('registered')
                                then 'started'
                            else s.client_status
                        end
                    where s.id = start_participant_session.session_id
                        and s.user_id = (select auth.uid())
                        and s.status = 'pending';
                    if found then
                        return;
                    end if;
                    select s.status into found_status
                    from public.participant_sessions as s
                    where s.id = start_participant_session.session_id
                        and s.user_id = (select auth.uid());
                    if found_status is null then
                        raise exception 'session % is not yours', session_id
                            using errcode = 'insufficient_privilege';
                    end if;
                    raise exception 'session % is %, not pending', session_id, found_status
                        using errcode = 'check_violation';
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Starts the caller's own session; error for anybody else's, or one already started."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="complete_participant_session",
            arguments={"session_id": "uuid"},
            returns="void",
            language="plpgsql",
            body="""
                declare
                    found_status text;
                begin
                    update public.participant_sessions as s
                    set status = 'completed',
                        completed_at = now(),
                        client_status = case
                            when s.client_status in ('registered', 'started')
                                then 'completed'
                            else s.client_status
                        end
                    where s.id = complete_participant_session.session_id
                        and s.user_id = (select auth.uid())
                        and s.status = 'in_progress';
                    if found then
                        return;
                    end if;
                    select s.status into found_status
                    from public.participant_sessions as s
                    where s.id = complete_participant_session.session_id
                        and s.user_id = (select auth.uid());
                    if found_status is null then
                        raise exception 'session % is not yours', session_id
                            using errcode = 'insufficient_privilege';
                    end if;
                    raise exception 'session % is %, not in_progress', session_id, found_status
                        using errcode = 'check_violation';
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Completes the caller's own session; error for anybody "
                "else's, or one not in progress."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="start_participant_session",
            arguments={"session_id": "uuid"},
            returns="void",
            body="select private.start_participant_session(session_id)",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Starts the caller's own session; error for anybody else's, or one already started."
            ),
        )
    )
    pg.create_entity(
        pg.Function(
            name="complete_participant_session",
            arguments={"session_id": "uuid"},
            returns="void",
            body="select private.complete_participant_session(session_id)",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Completes the caller's own session; error for anybody "
                "else's, or one not in progress."
            ),
        )
    )


def downgrade() -> None:
    pg.drop_entity(pg.View.named(name="stakeholder_sessions"))
    pg.drop_entity(pg.View.named(name="campaign_assignments"))
    pg.drop_entity(
        pg.Function.named(name="complete_participant_session", arguments={"session_id": "uuid"})
    )
    pg.drop_entity(
        pg.Function.named(name="start_participant_session", arguments={"session_id": "uuid"})
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private", name="complete_participant_session", arguments={"session_id": "uuid"}
        )
    )
    pg.drop_entity(
        pg.Function.named(
            schema="private", name="start_participant_session", arguments={"session_id": "uuid"}
        )
    )
    pg.drop_entity(pg.Policy.named(table="participant_sessions", name="the tenant's owner update"))
    pg.drop_entity(
        pg.Policy.named(
            table="participant_sessions", name="the tenant's owner or the participant select"
        )
    )
    pg.drop_entity(pg.Function.named(schema="private", name="my_tenant_ids"))
    op.drop_column("participant_sessions", "client_status", if_exists=True)
    op.drop_column("participant_sessions", "tenant_id", if_exists=True)
    rename_table("participant_sessions", "campaign_assignments")
    op.create_table_comment("campaign_assignments", "One person's part in a campaign.")
    pg.replace_entity(
        pg.TableAccess(
            table="campaign_assignments",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaign_assignments",
            name="the participant select",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
