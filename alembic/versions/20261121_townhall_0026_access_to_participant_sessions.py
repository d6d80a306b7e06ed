"""Access to participant sessions: the tenant's owner, and the person who starts and completes one.

A downgrade drops the functions and the access of tenants' owners; it destroys no data.

Revision: townhall_0026
Revises: townhall_0025
Created: 2026-11-21
"""

from __future__ import annotations

from townhall import pg
from townhall.migrate.safety import lock_tables

revision = "townhall_0026"
down_revision = "townhall_0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    lock_tables("public.participant_sessions")
    stamp_updates()
    grant()
    functions()


def stamp_updates() -> None:
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


def grant() -> None:
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_tenant_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    return query
                    select mine.id::uuid
                    from (
                        select t.id
                        from public.tenant_profiles as t
                        where t.user_id = (select auth.uid())
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The tenants that the caller owns.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_active_tenant_ids",
            returns="setof uuid",
            language="plpgsql",
            body="""
                begin
                    return query
                    select mine.id::uuid
                    from (
                        select mine.id
                        from (
                            select t.id
                            from public.tenant_profiles as t
                            where t.user_id = (select auth.uid()) and t.is_active
                        ) as mine (id)
                        where (
                            select
                                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                                ->> 'is_anonymous'
                        ) is distinct from 'true'
                    ) as mine (id);
                end
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The active tenants that the caller owns, with an account.",
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
            name="the service can do everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.drop_entity(pg.Policy.named(table="participant_sessions", name="the participant can read"))
    pg.create_entity(
        pg.Policy(
            table="participant_sessions",
            name="the tenant's owner or the participant can read",
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
            name="the active tenant's owner can update",
            command="update",
            roles=("authenticated",),
            using="tenant_id = any (array(select private.my_active_tenant_ids()))",
            check="tenant_id = any (array(select private.my_active_tenant_ids()))",
        )
    )


def functions() -> None:
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
                            using errcode = 'insufficient_privilege',
                                schema = 'public',
                                table = 'participant_sessions',
                                constraint = 'participant_session_is_own';
                    end if;
                    raise exception 'session % is %, not pending', session_id, found_status
                        using errcode = 'check_violation',
                            schema = 'public',
                            table = 'participant_sessions',
                            column = 'status',
                            constraint = 'participant_session_is_pending';
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Starts the caller's own session; an error for another user's, or if it has"
                " been started."
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
                            using errcode = 'insufficient_privilege',
                                schema = 'public',
                                table = 'participant_sessions',
                                constraint = 'participant_session_is_own';
                    end if;
                    raise exception 'session % is %, not in_progress', session_id, found_status
                        using errcode = 'check_violation',
                            schema = 'public',
                            table = 'participant_sessions',
                            column = 'status',
                            constraint = 'participant_session_is_in_progress';
                end
            """,
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated",),
            comment=(
                "Completes the caller's own session; an error for another user's, or if it is"
                " not in progress."
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
                "Starts the caller's own session; an error for another user's, or if it has"
                " been started."
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
                "Completes the caller's own session; an error for another user's, or if it is"
                " not in progress."
            ),
        )
    )


def downgrade() -> None:
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
    pg.drop_entity(
        pg.Policy.named(table="participant_sessions", name="the active tenant's owner can update")
    )
    pg.drop_entity(
        pg.Policy.named(
            table="participant_sessions", name="the tenant's owner or the participant can read"
        )
    )
    pg.drop_entity(pg.Function.named(schema="private", name="my_active_tenant_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_tenant_ids"))
    pg.replace_entity(
        pg.TableAccess(
            table="participant_sessions",
            grants={"authenticated": ("select",), "service_role": ("all",)},
        )
    )
    pg.create_entity(
        pg.Policy(
            table="participant_sessions",
            name="the participant can read",
            command="select",
            roles=("authenticated",),
            using="user_id = (select auth.uid())",
        )
    )
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
