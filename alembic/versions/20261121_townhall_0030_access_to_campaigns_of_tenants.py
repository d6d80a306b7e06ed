"""Access to campaigns of tenants.

The triggers lose the conditions that protected the fill of the revision before.

A downgrade takes the access of tenants' owners away; it destroys no data.

Revision: townhall_0030
Revises: townhall_0029
Created: 2026-11-21
"""

from __future__ import annotations

from townhall import pg
from townhall.migrate.safety import lock_tables

revision = "townhall_0030"
down_revision = "townhall_0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.campaigns", writes_only=["public.participant_sessions"])
    release_triggers()
    grant()


def release_triggers() -> None:
    pg.create_entity(
        pg.Trigger(
            table="participant_sessions",
            name="fill_session_tenant",
            timing="before",
            events=("insert", "update"),
            columns=("campaign_id", "tenant_id"),
            function="private.fill_session_tenant",
            comment="Sets the tenant of a session to that of its campaign.",
        )
    )
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


def grant() -> None:
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_enabled_assessments",
            arguments={"tenant_id": "out uuid", "assessment_type": "out text"},
            returns="setof record",
            body="""
                select t.id, a.assessment_type
                from public.tenant_profiles as t,
                    unnest(t.enabled_assessments) as a (assessment_type)
                where t.user_id = (select auth.uid())
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The assessments that the caller's tenants have enabled.",
        )
    )
    pg.drop_entity(
        pg.Policy.named(table="campaigns", name="the creator with an account can delete")
    )
    pg.drop_entity(
        pg.Policy.named(table="campaigns", name="the creator with an account can insert")
    )
    pg.drop_entity(pg.Policy.named(table="campaigns", name="the creator can read"))
    pg.drop_entity(
        pg.Policy.named(table="campaigns", name="the creator with an account can update")
    )
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
            name="the campaign's owner can read",
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
            name="the active campaign's owner in their own name can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (
                    (tenant_id = any (array(select private.my_active_tenant_ids())))
                    and (
                        (tenant_id, assessment_type) in (
                            select e.tenant_id, e.assessment_type
                            from private.my_enabled_assessments() as e
                        )
                    )
                    or (
                        (created_by = (select auth.uid()))
                        and (tenant_id is null)
                    )
                    and (
                        (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    )
                )
                and (coalesce(created_by, (select auth.uid())) = (select auth.uid()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the active campaign's owner can update",
            command="update",
            roles=("authenticated",),
            using="""
                tenant_id = any (array(select private.my_active_tenant_ids()))
                or (
                    (created_by = (select auth.uid()))
                    and (tenant_id is null)
                )
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
            check="""
                (tenant_id = any (array(select private.my_active_tenant_ids())))
                and (
                    (tenant_id, assessment_type) in (
                        select e.tenant_id, e.assessment_type
                        from private.my_enabled_assessments() as e
                    )
                )
                or (
                    (created_by = (select auth.uid()))
                    and (tenant_id is null)
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
            table="campaigns",
            name="the active campaign's owner can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                tenant_id = any (array(select private.my_active_tenant_ids()))
                or (
                    (created_by = (select auth.uid()))
                    and (tenant_id is null)
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


def downgrade() -> None:
    lock_tables("public.campaigns", writes_only=["public.participant_sessions"])
    pg.drop_entity(
        pg.Policy.named(table="campaigns", name="the active campaign's owner can delete")
    )
    pg.drop_entity(
        pg.Policy.named(table="campaigns", name="the active campaign's owner can update")
    )
    pg.drop_entity(
        pg.Policy.named(
            table="campaigns", name="the active campaign's owner in their own name can insert"
        )
    )
    pg.drop_entity(pg.Policy.named(table="campaigns", name="the campaign's owner can read"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_enabled_assessments"))
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
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the creator with an account can update",
            command="update",
            roles=("authenticated",),
            using="""
                (created_by = (select auth.uid()))
                and (
                    (
                        select
                            nullif(current_setting('request.jwt.claims', true), '')::jsonb
                            ->> 'is_anonymous'
                    ) is distinct from 'true'
                )
            """,
            check="""
                (created_by = (select auth.uid()))
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
            table="campaigns",
            name="the creator can read",
            command="select",
            roles=("authenticated",),
            using="created_by = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="campaigns",
            name="the creator with an account can insert",
            command="insert",
            roles=("authenticated",),
            check="""
                (created_by = (select auth.uid()))
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
            table="campaigns",
            name="the creator with an account can delete",
            command="delete",
            roles=("authenticated",),
            using="""
                (created_by = (select auth.uid()))
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
